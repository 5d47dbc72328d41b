import {
  envNameOf,
  flagNamesOf,
  type ReloadClass,
  SETTING_PATHS,
  type SettingPath,
  type Settings,
  settingAt,
  valueAt,
} from './schema.ts';

/** What the documentation says of one setting. */
export interface SettingReference {
  readonly path: SettingPath;
  readonly env: string;
  /** Without the dashes, the one to show first. */
  readonly flags: readonly string[];
  /** As it is written in YAML; empty where there is none. */
  readonly byDefault: string;
  readonly doc: string;
  readonly reload: ReloadClass;
}

/** Every setting, in the order of the schema. */
export const settingRows = (): SettingReference[] =>
  SETTING_PATHS.map((path) => {
    const { kind, default: byDefault, doc, reload } = settingAt(path);
    const shown = byDefault === undefined ? '' : kind.show(byDefault);
    return { path, env: envNameOf(path), flags: flagNamesOf(path), byDefault: shown, doc, reload };
  });

/** A setting with the value that a node runs with. */
export interface SettingValue extends SettingReference {
  /** As it is written in YAML; a secret says only whether there is one. */
  readonly value: string;
  readonly changed: boolean;
}

/** Every setting with its value, in the order of the schema. */
export const settingValues = (settings: Settings): SettingValue[] =>
  settingRows().map((row) => {
    const { kind, secret = false } = settingAt(row.path);
    const value = valueAt(settings, row.path);
    const text = value === undefined ? '' : kind.show(value);
    return { ...row, value: secret && text !== row.byDefault ? '(set)' : text, changed: text !== row.byDefault };
  });

/** The list of settings in --help. */
export const settingsReference = (): string =>
  settingRows()
    .map(
      ({ flags, env, byDefault, doc }) =>
        `  --${flags.at(-1)} (${env}${byDefault && `, default ${byDefault}`})\n      ${doc}`,
    )
    .join('\n');

const RELOADS: Readonly<Record<ReloadClass, string>> = { live: 'now', 'next-session': 'next', restart: 'restart' };

/** docs/configuration.md. */
export const settingsMarkdown = (): string => {
  const rows = settingRows().map(({ path, env, flags, byDefault, doc, reload }) => {
    const names = flags.map((flag) => `\`--${flag}\``).join(' or ');
    return `| \`${path}\` | ${byDefault && `\`${byDefault}\``} | \`${env}\` | ${names} | ${RELOADS[reload]} | ${doc} |`;
  });
  return `# Settings

A node runs without any settings. Where one is given in several places, the later of these counts: default, settings file,
environment, command line. Everything that is wrong is reported at once, one line each, and the node does not start.

* **File** (YAML): \`--config FILE\` or \`TRIBUTARY_CONFIG\`, else the first of \`./tributary.yml\`, \`DATA_DIR/tributary.yml\`,
  \`/etc/tributary/tributary.yml\`. \`tributary.example.yml\` shows every setting. \`links_mode\` and \`linksMode\` are the same key.
  A key that is not a setting is a mistake, and the nearest one is suggested.
* **Environment**: the names in the table. An empty value counts as not given. Lists are separated by commas.
* **Command line**: \`--srtla-port 5000\` or \`--srtla.ports=5000,5001\`.

Durations may be written \`500ms\`, \`10s\`, \`5m\` or \`1h\`, sizes \`512KiB\` or \`8MiB\`. Port 0 asks the system for a free port.

**While the node runs**: it reads its settings again at SIGHUP (\`systemctl reload tributary\`, \`docker kill -s HUP\`, \`kill -HUP\`) and when its
settings file, or a file that holds one of its secrets, changes. The column "Change" says when a new value counts: \`now\`, for what is running
too; \`next\`, for encoders, players and streams that begin from then on; or \`restart\`. No session ends for it. The log names every value
that has changed and every one that waits for a restart, and \`/health\` says \`"settings"\`: \`ok\`, \`restart needed\`, or \`refused\` where
something is wrong: then nothing has changed. A file that is gone or empty counts as wrong. The environment and the command line stay as they
were at the start, and still count for more than the file.

| Setting | Default | Environment | Command line | Change | Meaning |
|---|---|---|---|---|---|
${rows.join('\n')}
`;
};

/** tributary.example.yml: every setting with its default; those without one are commented out. */
export const settingsExample = (): string => {
  const lines = [
    '# Every setting of a Tributary node with its default. Copy to tributary.yml and keep what you change;',
    '# docs/configuration.md says where else settings may be given.',
  ];
  let open: string[] = [];
  for (const { path, byDefault, doc } of settingRows()) {
    const blocks = path.split('.').slice(0, -1);
    if (blocks[0] === undefined || blocks[0] !== open[0]) lines.push('');
    blocks.forEach((block, depth) => {
      if (block !== open[depth]) lines.push(`${'  '.repeat(depth)}${block}:`);
    });
    open = blocks;
    const indent = '  '.repeat(blocks.length);
    const key = path.slice(path.lastIndexOf('.') + 1);
    lines.push(`${indent}# ${doc}`, byDefault === '' ? `${indent}# ${key}:` : `${indent}${key}: ${byDefault}`);
  }
  return `${lines.join('\n')}\n`;
};
