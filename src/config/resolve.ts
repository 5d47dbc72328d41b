import { resolve } from 'node:path';
import { codeOf } from '../shared/errors.ts';
import { fromFile } from './file-source.ts';
import { nestedSettings, SETTING_PATHS, type SettingPath, type Settings, settingAt } from './schema.ts';
import { CONFIG_FILE_ENV, type Entry, type Found, fromEnvironment, fromFlags } from './sources.ts';

export interface LoadInput {
  /** The command line after the subcommand. */
  argv: readonly string[];
  env: Readonly<Record<string, string | undefined>>;
  cwd: string;
  /** The text of a file; undefined where there is none. May throw for other reasons. */
  readFile: (path: string) => string | undefined;
  /** For a node that runs: the settings file that it has. While that is gone or empty, there are no new settings. */
  runsWith?: string | undefined;
}

export interface LoadedSettings {
  settings: Settings;
  /** Where each value came from: `default`, or such as `environment: SRTLA_PORT`. */
  sources: Readonly<Record<SettingPath, string>>;
  /** The settings file that was read. */
  file: string | undefined;
  /** Every file that was looked for, absolute: settings change where one of them does. */
  files: readonly string[];
  /** One line each. */
  warnings: readonly string[];
}

/** Everything that is wrong, one line each: source, key, value and mend. */
export interface SettingProblems {
  problems: readonly string[];
  /** As `LoadedSettings.files`. */
  files: readonly string[];
}

const FILE_NAME = 'tributary.yml';
const SYSTEM_FILE = `/etc/tributary/${FILE_NAME}`;

/** Values of a source that shows its values in problems, or does not. */
const shown = (value: unknown, isSecret: boolean): string => {
  if (isSecret) return '(not shown)';
  const json = JSON.stringify(value) ?? String(value);
  return json.length > 80 ? `${json.slice(0, 77)}…` : json;
};

class Resolver {
  readonly problems: string[] = [];
  readonly warnings: string[] = [];
  readonly values = new Map<SettingPath, unknown>();
  readonly sources = new Map<SettingPath, string>();

  constructor() {
    for (const path of SETTING_PATHS) {
      this.values.set(path, settingAt(path).default);
      this.sources.set(path, 'default');
    }
  }

  /** Later calls override earlier ones. */
  apply(found: Found): void {
    this.problems.push(...found.problems);
    this.warnings.push(...found.warnings);
    for (const entry of found.entries) this.set(entry);
  }

  set({ path, raw, where }: Entry): void {
    const { kind, secret = false } = settingAt(path);
    const read = kind.read(raw);
    if (!read) {
      this.problems.push(`${where} = ${shown(raw, secret)}: ${kind.mend}`);
      return;
    }
    this.values.set(path, read.value);
    this.sources.set(path, where);
  }

  nested(): Settings {
    return nestedSettings((path) => this.values.get(path));
  }
}

/**
 * Settings from defaults, file, environment and flags, in rising order. Reads nothing but its input.
 * The file is --config or TRIBUTARY_CONFIG, else the first of ./tributary.yml, DATA_DIR/tributary.yml, /etc/tributary/tributary.yml.
 */
export const loadSettings = (given: LoadInput): LoadedSettings | SettingProblems => {
  const files = new Set<string>();
  const input = {
    ...given,
    readFile: (path: string) => {
      files.add(path);
      return given.readFile(path);
    },
  };
  const resolver = new Resolver();
  const environment = fromEnvironment(input.env);
  const flags = fromFlags(input.argv);
  const file = readSettingsFile(input, flags.configFile ?? input.env[CONFIG_FILE_ENV], [environment, flags], resolver);
  if (input.runsWith !== undefined) resolver.problems.push(...lostFile(input, input.runsWith, file));
  if (file) resolver.apply(fromFile(file.text, file.path));
  resolver.apply(environment);
  resolver.apply(flags);
  readSecretFile(input, resolver, 'api.keyFile', 'api.key');
  readSecretFile(input, resolver, 'metrics.tokenFile', 'metrics.token');
  readSecretFile(input, resolver, 'control.nodeKeyFile', 'control.nodeKey');
  readSecretFile(input, resolver, 'hooks.secretFile', 'hooks.secret');
  resolver.values.set('dataDir', resolve(input.cwd, resolver.values.get('dataDir') as string));

  const settings = resolver.nested();
  resolver.problems.push(...contradictions(settings));
  if (resolver.problems.length > 0) return { problems: resolver.problems, files: [...files] };
  const sources = Object.fromEntries(resolver.sources) as Record<SettingPath, string>;
  return { settings, sources, file: file?.path, files: [...files], warnings: resolver.warnings };
};

/** A file that is being replaced, or a volume that is not there, is no wish for settings that nobody has chosen. */
const lostFile = (input: LoadInput, before: string, file: { path: string; text: string } | undefined): string[] => {
  if (file?.path === before) return file.text.trim() === '' ? [`${before} is empty: write settings into it`] : [];
  // One that counts for more has taken its place.
  if (file && input.readFile(before) !== undefined) return [];
  return [`${before} is gone: put it back, or restart the node to do without it`];
};

const readSettingsFile = (
  input: LoadInput,
  asked: string | undefined,
  given: readonly Found[],
  resolver: Resolver,
): { path: string; text: string } | undefined => {
  const read = (path: string): { path: string; text: string } | undefined => {
    try {
      const text = input.readFile(path);
      return text === undefined ? undefined : { path, text };
    } catch (error) {
      resolver.problems.push(`${path} cannot be read (${codeOf(error) ?? 'unknown'}): check its permissions`);
      return { path, text: '' };
    }
  };
  if (asked !== undefined && asked !== '') {
    const path = resolve(input.cwd, asked);
    const file = read(path);
    if (!file) resolver.problems.push(`${path} is not there: give --config the path of a settings file`);
    return file;
  }
  const dataDir = given.flatMap((found) => found.entries).findLast((entry) => entry.path === 'dataDir')?.raw;
  const folder = String(dataDir ?? settingAt('dataDir').default);
  for (const path of [resolve(input.cwd, FILE_NAME), resolve(input.cwd, folder, FILE_NAME), SYSTEM_FILE]) {
    const file = read(path);
    if (file) return file;
  }
  return undefined;
};

/** A secret that a file holds, where it is not given itself. */
const readSecretFile = (input: LoadInput, resolver: Resolver, filePath: SettingPath, path: SettingPath): void => {
  const asked = resolver.values.get(filePath) as string | undefined;
  if (asked === undefined || resolver.values.get(path) !== undefined) return;
  const where = resolve(input.cwd, asked);
  let text: string | undefined;
  try {
    text = input.readFile(where);
  } catch {
    // Named below: whatever the reason, the file cannot be read.
  }
  if (text === undefined) {
    const source = resolver.sources.get(filePath);
    resolver.problems.push(
      `${source} = ${shown(asked, false)}: the file cannot be read: check its path and permissions`,
    );
  } else resolver.set({ path, raw: text.trim(), where });
};

/** Values that are right by themselves and wrong together. */
export const contradictions = (settings: Settings): string[] => {
  const problems: string[] = [];
  const { srt, srtla, http, control } = settings;
  const isAbove = (a: string, aValue: number, b: string, bValue: number): void => {
    if (aValue > bValue) problems.push(`${a} = ${aValue} is above ${b} = ${bValue}: lower the one or raise the other`);
  };
  isAbove('srt.latencyFloorMs', srt.latencyFloorMs, 'srt.latencyCeilingMs', srt.latencyCeilingMs);
  isAbove('srtla.linkTimeoutMs', srtla.linkTimeoutMs, 'srtla.groupTimeoutMs', srtla.groupTimeoutMs);
  const { play, publish, bond } = srt.engine;
  if (settings.latency.mode === 'shared' && (play !== 'direct' || (publish !== 'direct' && bond !== 'direct')))
    problems.push(
      'latency.mode = shared needs an engine that hands packets on at arrival: set srt.engine.play to direct, and srt.engine.publish or srt.engine.bond too',
    );
  const { quality } = settings;
  for (const [higher, lower] of [
    ['highKbps', 'mediumKbps'],
    ['mediumKbps', 'lowKbps'],
    ['lowKbps', 'veryLowKbps'],
  ] as const)
    if (quality[higher] <= quality[lower])
      problems.push(
        `quality.${higher} = ${quality[higher]} is not above quality.${lower} = ${quality[lower]}: raise the one or lower the other`,
      );
  if ((http.tlsCert === undefined) !== (http.tlsKey === undefined))
    problems.push('of http.tlsCert and http.tlsKey one is set alone: set both, or neither');
  if (control.url !== undefined)
    for (const [name, env] of [
      ['serverId', 'SERVER_ID'],
      ['nodeKey', 'NODE_KEY'],
    ] as const)
      if (control[name] === undefined)
        problems.push(
          `control.url is set and control.${name} is not: set ${env} to what the control plane has for this node`,
        );
  const clash = (protocol: string, ports: readonly (readonly [string, number])[]): void => {
    ports.forEach(([name, port], index) => {
      const other = ports.slice(0, index).find(([, earlier]) => earlier === port && port !== 0);
      if (other)
        problems.push(`${other[0]} and ${name} are both ${protocol} port ${port}: give each a port of its own`);
    });
  };
  clash('UDP', [
    ...srtla.ports.map((port) => ['srtla.ports', port] as const),
    ['srt.publishPort', srt.publishPort],
    ['srt.playPort', srt.playPort],
    ['srt.bondPort', srt.bondPort],
  ]);
  clash('TCP', [
    ['http.statsPort', http.statsPort],
    // One that is the port itself is no further port, and no harm.
    ...http.statsAliasPorts
      .filter((alias) => alias !== http.statsPort)
      .map((alias) => ['http.statsAliasPorts', alias] as const),
    ['http.linksPort', http.linksPort],
    ['http.dashboardPort', http.dashboardPort],
    ...(http.tlsCert === undefined ? [] : [['http.tlsPort', http.tlsPort] as const]),
  ]);
  return problems;
};
