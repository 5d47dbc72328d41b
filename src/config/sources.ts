import { suggestion } from '../shared/nearest.ts';
import { envNameOf, flagNamesOf, SETTING_PATHS, type SettingPath } from './schema.ts';

/** A value as it was found, and where: `environment: SRTLA_PORT`. */
export interface Entry {
  readonly path: SettingPath;
  readonly raw: unknown;
  readonly where: string;
}

export interface Found {
  readonly entries: Entry[];
  /** One line each. */
  readonly problems: string[];
  readonly warnings: string[];
}

/** The environment name of the settings file, beside --config. */
export const CONFIG_FILE_ENV = 'TRIBUTARY_CONFIG';

/** An empty value is no value: compose files pass on variables that are not set. */
const isGiven = (value: string | undefined): value is string => value !== undefined && value.trim() !== '';

/** Values in the environment. Names that look like a mistyped one of ours give a warning. */
export const fromEnvironment = (env: Readonly<Record<string, string | undefined>>): Found => {
  const found: Found = { entries: [], problems: [], warnings: [] };
  const known = new Map(SETTING_PATHS.map((path) => [envNameOf(path), path]));
  for (const [name, path] of known) {
    const raw = env[name];
    if (isGiven(raw)) found.entries.push({ path, raw: raw.trim(), where: `environment: ${name}` });
  }
  for (const name of Object.keys(env)) {
    if (!name.startsWith('TRIBUTARY_') || known.has(name) || name === CONFIG_FILE_ENV) continue;
    const hint = suggestion(name, [...known.keys()]);
    if (hint !== '') found.warnings.push(`environment: ${name} is not a setting${hint}`);
  }
  return found;
};

const normaliseFlag = (name: string): string =>
  name
    .replace(/([a-z0-9])([A-Z])/g, '$1-$2')
    .replace(/[._]/g, '-')
    .toLowerCase();

const FLAG_CONFIG = 'config';

/** Values on the command line: `--srtla-port 5000`, `--srtla.ports=5000,5001`; `_`, `-` and capitals are the same. The last one counts. */
export const fromFlags = (argv: readonly string[]): Found & { configFile: string | undefined } => {
  const found: Found = { entries: [], problems: [], warnings: [] };
  const known = new Map(SETTING_PATHS.flatMap((path) => flagNamesOf(path).map((name) => [name, path] as const)));
  let configFile: string | undefined;
  for (let index = 0; index < argv.length; index++) {
    const argument = argv[index]!;
    const match = /^--([^=]+)(?:=(.*))?$/s.exec(argument);
    if (!match) {
      found.problems.push(
        `command line: ${JSON.stringify(argument)} is not understood: settings are given as --name value`,
      );
      continue;
    }
    const name = normaliseFlag(match[1]!);
    const path = known.get(name);
    if (path === undefined && name !== FLAG_CONFIG) {
      const hint = suggestion(name, [...known.keys(), FLAG_CONFIG], '--');
      found.problems.push(`command line: --${match[1]} is not a setting${hint}`);
      // Its value, if it has one, is not a mistake of its own.
      if (match[2] === undefined && argv[index + 1]?.startsWith('-') === false) index++;
      continue;
    }
    const raw = match[2] ?? (argv[index + 1]?.startsWith('--') ? undefined : argv[++index]);
    if (raw === undefined) found.problems.push(`command line: --${match[1]} has no value: write --${match[1]} VALUE`);
    else if (path === undefined) configFile = raw;
    else found.entries.push({ path, raw, where: `command line: --${match[1]}` });
  }
  return { ...found, configFile };
};
