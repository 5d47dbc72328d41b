import { codeOnly, importsOf, type SourceFile } from './source-files.ts';

interface Rule {
  /** Folders of src/, or files in them. */
  readonly may: readonly string[];
  /** Of these, types only. */
  readonly mayTypes?: readonly string[];
}

const ANYTHING = [
  'shared',
  'srtla',
  'srt',
  'srt-engine',
  'sls-bridge',
  'data-plane',
  'stats',
  'hooks',
  'config',
  'sender',
  'control-client',
  'control-plane',
  'cli',
  'node-control.ts',
  'node-servers.ts',
  'node-settings.ts',
  'node.ts',
  'quality',
  'switcher',
];

/** Which part of src/ may use which other one; its own files it may always use. A folder that is not here has no place yet. */
export const RULES: Readonly<Record<string, Rule>> = {
  shared: { may: [] },
  config: { may: ['shared'] },
  srtla: { may: ['shared'] },
  srt: {
    may: ['shared', 'srtla/bytes.ts', 'srtla/constants.ts', 'srtla/srt-header.ts', 'srtla/repair/sequence-window.ts'],
  },
  'srt-engine': {
    may: [
      'shared',
      'srt',
      'srtla/bucket-table.ts',
      'srtla/constants.ts',
      'srtla/send-table.ts',
      'srtla/slot-views.ts',
      'srtla/srt-header.ts',
      'sls-bridge/stream-id.ts',
    ],
    mayTypes: ['sls-bridge/srt-engine.ts'],
  },
  'sls-bridge': { may: ['shared'] },
  'data-plane': { may: ['srtla', 'sls-bridge', 'srt-engine/create.ts', 'shared'] },
  stats: {
    may: ['shared', 'hooks/hook-event.ts', 'quality/link-capacity.ts', 'quality/types.ts'],
    mayTypes: ['data-plane', 'srtla', 'sls-bridge', 'config', 'quality', 'hooks'],
  },
  // Code of the browser: it knows the shapes that it is told, and runs nothing of the node.
  dashboard: { may: [], mayTypes: ['stats'] },
  sender: {
    may: [
      'shared',
      'srtla/bytes.ts',
      'srtla/packet.ts',
      'srtla/packet-build.ts',
      'srtla/srt-header.ts',
      'srtla/constants.ts',
      'sls-bridge/native.ts',
    ],
    mayTypes: ['sls-bridge/srt-engine.ts'],
  },
  hooks: {
    may: ['shared', 'stats/callers.ts', 'stats/reserved-address.ts'],
    mayTypes: ['sls-bridge', 'config'],
  },
  quality: { may: ['shared'], mayTypes: ['data-plane', 'srtla'] },
  // Runs beside OBS, and knows a node by its answers only.
  switcher: { may: ['shared'] },
  'control-client': {
    may: ['shared', 'control-plane/protocol.ts', 'sls-bridge/directory-rules.ts'],
    mayTypes: ['sls-bridge', 'data-plane', 'srtla', 'stats'],
  },
  'control-plane': {
    may: ['shared', 'stats/callers.ts', 'stats/request-budget.ts', 'stats/http-listener.ts', 'stats/access.ts'],
    mayTypes: ['config'],
  },
  cli: { may: ANYTHING },
  'node.ts': { may: ANYTHING },
  'node-control.ts': { may: ANYTHING },
  'node-settings.ts': { may: ANYTHING },
  'node-servers.ts': { may: ANYTHING },
  'main.ts': { may: ANYTHING },
};

const partOf = (path: string): string => path.split('/')[1] ?? '';

/** Lines that say which file breaks which rule. */
export const brokenImportRules = (file: SourceFile): string[] => {
  const part = partOf(file.path);
  const rule = RULES[part];
  if (!rule) return [`${file.path}: there is no rule for src/${part}; add one to the table`];
  const covers = (list: readonly string[] = [], target: string): boolean =>
    list.some((entry) => target === `src/${entry}` || target.startsWith(`src/${entry}/`));
  return importsOf(file)
    .filter(({ target }) => !target.startsWith('node:') && /^(?:src|test|bench|native)\//.test(target))
    .filter(({ target, typeOnly }) => {
      const isOwn = target.startsWith('src/') && partOf(target) === part;
      return !isOwn && !covers(rule.may, target) && !(typeOnly && covers(rule.mayTypes, target));
    })
    .map(({ target, typeOnly }) => `${file.path} may not import ${typeOnly ? 'types of ' : ''}${target}`);
};

/** Files around a core, by their names: what they do with sockets is theirs. */
export const isShell = (path: string): boolean => /(?:shell|socket)[^/]*\.ts$/.test(path);

/** Outside things that one file, or one kind of file, owns. */
export const brokenOwnership = (file: SourceFile): string[] => {
  const { path } = file;
  const code = codeOnly(file.text);
  const targets = importsOf(file).map(({ target }) => target);
  const problems: string[] = [];
  const forbid = (found: boolean, what: string, owner: string): void => {
    if (found) problems.push(`${path} uses ${what}; only ${owner} may`);
  };
  if (path !== 'src/shared/addon.ts') {
    // A package that only a settings file needs is loaded where there is one.
    if (path !== 'src/config/file-source.ts')
      forbid(/\bcreateRequire\b/.test(code), 'createRequire', 'src/shared/addon.ts');
    forbid(/['"`][^'"`\n]*\.node['"`]/.test(file.text), 'a .node file', 'src/shared/addon.ts');
  }
  if (!isShell(path))
    forbid(
      targets.some((target) => /^(?:node:)?dgram$/.test(target)),
      'node:dgram',
      'a shell (…shell….ts, …socket….ts)',
    );
  // The addon's loader takes the path of another build, which is no setting of a node.
  if (path !== 'src/config/load.ts' && path !== 'src/shared/addon.ts')
    forbid(
      /\bprocess\s*(?:\?\.|\.)\s*env\b|\benv\b[^;]*\}\s*=\s*process\b/.test(code),
      'process.env',
      'src/config/load.ts',
    );
  return problems;
};

const IMPURE: readonly (readonly [RegExp, string])[] = [
  [/\bset(?:Timeout|Interval|Immediate)\b/, 'timers'],
  [/\bqueueMicrotask\b/, 'timers'],
  [/\bDate\b/, 'the wall clock'],
  [/\bperformance\b/, 'the clock'],
  [/\bmonotonicNow\b/, 'the clock'],
  [/\bMath\s*\.\s*random\b/, 'randomness'],
  [/\bprocess\b/, 'process'],
  [/\bfetch\b/, 'the network'],
  [/\bconsole\b/, 'a console'],
];

/** In a core file time and randomness are parameters, and effects go to a sink. */
export const impurities = (file: SourceFile): string[] => {
  const code = codeOnly(file.text);
  const used = IMPURE.filter(([pattern]) => pattern.test(code)).map(([, what]) => what);
  for (const { target } of importsOf(file)) {
    if (target.startsWith('node:')) used.push(target);
    if (target === 'src/shared/logger.ts') used.push('a logger');
  }
  return used.map((what) => `${file.path} is a core file and uses ${what}`);
};
