import { readFileSync } from 'node:fs';
import { codeOf } from '../shared/errors.ts';
import { type LoadedSettings, loadSettings, type SettingProblems } from './resolve.ts';

export { settingsReference } from './reference.ts';
export { type LoadedSettings, type LoadInput, loadSettings, type SettingProblems } from './resolve.ts';
export type { Settings } from './schema.ts';

const readText = (path: string): string | undefined => {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if (codeOf(error) === 'ENOENT' || codeOf(error) === 'ENOTDIR') return undefined;
    throw error;
  }
};

/** `loadSettings` with this process's environment, folder and files: the only reader of `process.env`. @param runsWith as in `LoadInput` */
export const loadProcessSettings = (argv: readonly string[], runsWith?: string): LoadedSettings | SettingProblems =>
  loadSettings({ argv, env: process.env, cwd: process.cwd(), readFile: readText, runsWith });

/** The node that has started this process as its control plane: `SERVER_ID KEY` in the variable of this name. */
export const localNode = (variable: string): { serverId: string; key: string } | undefined => {
  const [serverId, key] = process.env[variable]?.split(' ') ?? [];
  return serverId && key ? { serverId, key } : undefined;
};

/** What a program is started with that is to have this one's environment. */
export const processEnvironment = (): Readonly<Record<string, string | undefined>> => process.env;

/** `TRIBUTARY_TEST_HOOKS=1`: tests may make the node fail. No setting, because nobody else has business with it. */
export const testHooksAllowed = (): boolean => process.env.TRIBUTARY_TEST_HOOKS === '1';

/**
 * `TRIBUTARY_TEST_HOP_LOSS=0.01` or `0.01/0.005`: shares that the hop to libsrt loses, there and back. Obeyed only with test hooks;
 * undefined otherwise.
 * @throws Error for what is no share
 */
export const testHopLoss = (): { toServer: number; fromServer: number } | undefined => {
  const text = process.env.TRIBUTARY_TEST_HOP_LOSS;
  if (text === undefined || text === '' || !testHooksAllowed()) return undefined;
  const [toServer, fromServer = 0] = text.split('/').map(Number);
  for (const share of [toServer, fromServer])
    if (!(share! >= 0 && share! <= 1)) throw new Error(`TRIBUTARY_TEST_HOP_LOSS=${text} is no share from 0 to 1`);
  return { toServer: toServer!, fromServer };
};
