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

/** `loadSettings` with this process's environment, folder and files: the only reader of `process.env`. */
export const loadProcessSettings = (argv: readonly string[]): LoadedSettings | SettingProblems =>
  loadSettings({ argv, env: process.env, cwd: process.cwd(), readFile: readText });

/** `TRIBUTARY_TEST_HOOKS=1`: tests may make the node fail. No setting, because nobody else has business with it. */
export const testHooksAllowed = (): boolean => process.env.TRIBUTARY_TEST_HOOKS === '1';
