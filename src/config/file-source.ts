import { createRequire } from 'node:module';
import type * as Yaml from 'yaml';
import type { Pair, YAMLMap } from 'yaml';
import { suggestion } from '../shared/nearest.ts';
import { SETTING_PATHS, type SettingPath } from './schema.ts';
import type { Found } from './sources.ts';

/** `links_mode`, `links-mode` and `linksMode` are the same key. */
const camel = (key: string): string => key.replace(/[_-]+([A-Za-z0-9])/g, (_, letter: string) => letter.toUpperCase());

const KNOWN: ReadonlySet<string> = new Set(SETTING_PATHS);
const BLOCKS: ReadonlySet<string> = new Set(
  SETTING_PATHS.flatMap((path) => {
    const parts = path.split('.');
    return parts.slice(1).map((_, index) => parts.slice(0, index + 1).join('.'));
  }),
);

/**
 * Values in a settings file (YAML). Blocks may be nested or written with dots. Unknown keys are problems.
 * @param name as it is shown in problems
 */
export const fromFile = (source: string, name: string): Found => {
  // Loaded only where there is a file.
  const { isMap, isScalar, LineCounter, parseDocument } = createRequire(import.meta.url)('yaml') as typeof Yaml;
  const found: Found = { entries: [], problems: [], warnings: [] };
  const lines = new LineCounter();
  const document = parseDocument(source, { lineCounter: lines, prettyErrors: false });
  for (const error of document.errors)
    found.problems.push(
      `${name} line ${lines.linePos(error.pos[0]).line}: not valid YAML: ${error.message.split('\n')[0]}`,
    );
  if (document.errors.length > 0 || document.contents === null) return found;
  if (!isMap(document.contents)) {
    if (isScalar(document.contents) && document.contents.value === null) return found;
    found.problems.push(`${name}: holds no settings: write lines such as "srtla:" and below it "  ports: [5000]"`);
    return found;
  }

  const seen = new Map<SettingPath, number>();
  const read = (pair: Pair, block: string): void => {
    const key = isScalar(pair.key) ? String(pair.key.value) : '?';
    const line = isScalar(pair.key) && pair.key.range ? lines.linePos(pair.key.range[0]).line : 0;
    const path = block + key.split('.').map(camel).join('.');
    const where = `${name} line ${line}: ${path}`;
    if (KNOWN.has(path)) {
      const setting = path as SettingPath;
      const raw = (pair.value as { toJS?: (document: unknown) => unknown } | null)?.toJS?.(document) ?? undefined;
      const before = seen.get(setting);
      if (before !== undefined) found.problems.push(`${where} is given twice (line ${before} too): keep one of them`);
      seen.set(setting, line);
      if (raw !== undefined) found.entries.push({ path: setting, raw, where });
    } else if (BLOCKS.has(path)) {
      if (isMap(pair.value)) readAll(pair.value, `${path}.`);
      else if (pair.value !== null && !(isScalar(pair.value) && pair.value.value === null))
        found.problems.push(`${where} is a block: indent its settings below it`);
    } else {
      found.problems.push(`${where} is not a setting${suggestion(path, [...KNOWN, ...BLOCKS])}`);
    }
  };
  const readAll = (map: YAMLMap, block: string): void => {
    for (const pair of map.items) read(pair as Pair, block);
  };
  readAll(document.contents, '');
  return found;
};
