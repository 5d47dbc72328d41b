import { globSync, readFileSync } from 'node:fs';
import { posix, resolve } from 'node:path';

export const ROOT = resolve(import.meta.dirname, '../..');

export interface SourceFile {
  /** From the root of the repository: `src/srtla/packet.ts`. */
  readonly path: string;
  readonly text: string;
}

/** Every TypeScript file of the product itself, tests left out. */
export const productFiles = (): SourceFile[] =>
  globSync('src/**/*.{ts,tsx}', { cwd: ROOT })
    .filter((path) => !path.endsWith('.test.ts'))
    .sort()
    .map((path) => ({ path, text: readFileSync(resolve(ROOT, path), 'utf8') }));

/** After one of these a `/` begins a regular expression. */
const BEFORE_REGEX = /(?:^|[=(,:[!&|?{};+\-*%<>~^]|\b(?:return|typeof|case|in|of|await))\s*$/;

/** The text without comments, and with `''` in place of every string, template and regular expression. Line breaks stay. */
export const codeOnly = (text: string): string => {
  let out = '';
  let at = 0;
  const skipQuoted = (quote: string): void => {
    at++;
    while (at < text.length && text[at] !== quote) at += text[at] === '\\' ? 2 : 1;
    at++;
    out += "''";
  };
  /** Code inside `${…}` is kept. */
  const template = (): void => {
    at++;
    out += "''";
    while (at < text.length && text[at] !== '`') {
      if (text.startsWith('${', at)) {
        at += 2;
        out += ' (';
        code('}');
        out += ') ';
        at++;
      } else at += text[at] === '\\' ? 2 : 1;
    }
    at++;
  };
  const regex = (): void => {
    for (let inClass = false, at2 = ++at; at2 < text.length; at2 = ++at) {
      if (text[at2] === '\\') at++;
      else if (text[at2] === '[') inClass = true;
      else if (text[at2] === ']') inClass = false;
      else if (text[at2] === '/' && !inClass) break;
    }
    at++;
    out += "''";
  };
  const code = (end: string): void => {
    for (let depth = 0; at < text.length; ) {
      const char = text[at]!;
      if (char === end && depth === 0) return;
      if (char === '{') depth++;
      if (char === '}') depth--;
      if (text.startsWith('//', at)) at = text.indexOf('\n', at) < 0 ? text.length : text.indexOf('\n', at);
      else if (text.startsWith('/*', at)) at = text.indexOf('*/', at + 2) + 2;
      else if (char === "'" || char === '"') skipQuoted(char);
      else if (char === '`') template();
      else if (char === '/' && BEFORE_REGEX.test(out.slice(-200))) regex();
      else {
        out += char;
        at++;
      }
    }
  };
  code('');
  return out;
};

export interface Import {
  /** A path from the root of the repository for files of ours, else the package or `node:` name. */
  readonly target: string;
  readonly typeOnly: boolean;
}

const STATEMENT = /^(?:import|export)\s+(type\s+)?(?:[^'";]*?\sfrom\s+)?['"]([^'"]+)['"]/gm;
const DYNAMIC = /\bimport\(\s*['"]([^'"]+)['"]\s*\)/g;
const NAMED = /\{([^}]*)\}/;

/** What a file imports or passes on, statically or not. */
export const importsOf = ({ path, text }: SourceFile): Import[] => {
  const local = (name: string): string =>
    name.startsWith('.') ? posix.normalize(posix.join(posix.dirname(path), name)) : name;
  const found: Import[] = [];
  for (const match of text.matchAll(STATEMENT)) {
    const names = NAMED.exec(match[0])?.[1]
      ?.split(',')
      .map((name) => name.trim())
      .filter((name) => name !== '');
    const hasDefault = /^(?:import|export)\s+(?:\w+\s*,|\*)/.test(match[0]);
    const allTypes =
      names !== undefined && names.length > 0 && !hasDefault && names.every((name) => name.startsWith('type '));
    found.push({ target: local(match[2]!), typeOnly: match[1] !== undefined || allTypes });
  }
  for (const match of text.matchAll(DYNAMIC)) found.push({ target: local(match[1]!), typeOnly: false });
  return found;
};
