import { isDeepStrictEqual } from 'node:util';
import { contradictions, type LoadedSettings } from './resolve.ts';
import {
  nestedSettings,
  type ReloadClass,
  SETTING_PATHS,
  type SettingPath,
  type Settings,
  settingAt,
  valueAt,
} from './schema.ts';

/** One setting whose value is another one than before. */
export interface SettingChange {
  readonly path: SettingPath;
  readonly reload: ReloadClass;
  /** As it is written in YAML; of a secret only whether there is one. */
  readonly from: string;
  readonly to: string;
  /** Where the new value comes from. */
  readonly source: string;
}

/** A value for a person: secrets only say whether there is one. */
export const shownValue = (path: SettingPath, value: unknown): string => {
  const { kind, secret = false } = settingAt(path);
  if (value === undefined) return '(not set)';
  return secret ? '(not shown)' : kind.show(value);
};

/** What is different, in the order of the schema. */
export const changesBetween = (
  old: Settings,
  next: Settings,
  sources: Readonly<Record<SettingPath, string>>,
): SettingChange[] =>
  SETTING_PATHS.filter((path) => !isDeepStrictEqual(valueAt(old, path), valueAt(next, path))).map((path) => ({
    path,
    reload: settingAt(path).reload,
    from: shownValue(path, valueAt(old, path)),
    to: shownValue(path, valueAt(next, path)),
    source: sources[path],
  }));

/** What a node that runs with the first can have of the second. */
export const effectiveSettings = (running: Settings, wanted: Settings): Settings =>
  nestedSettings((path) => valueAt(settingAt(path).reload === 'restart' ? running : wanted, path));

export interface ReloadPlan {
  /** What the node is to run with from now on. */
  readonly settings: Settings;
  readonly applied: readonly SettingChange[];
  /** What waits for a restart. */
  readonly waiting: readonly SettingChange[];
}

/** What new settings mean for a node that runs; or why they cannot be had: each value may be right, and not beside those that stay. */
export const planReload = (
  running: Settings,
  { settings: wanted, sources }: LoadedSettings,
): ReloadPlan | { problems: readonly string[] } => {
  const settings = effectiveSettings(running, wanted);
  const problems = contradictions(settings);
  if (problems.length > 0) return { problems };
  const changes = changesBetween(running, wanted, sources);
  return {
    settings,
    applied: changes.filter(({ reload }) => reload !== 'restart'),
    waiting: changes.filter(({ reload }) => reload === 'restart'),
  };
};
