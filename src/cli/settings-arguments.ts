import { readFileSync } from 'node:fs';
import { type LoadedSettings, loadProcessSettings, type Settings } from '../config/load.ts';

/** Settings for a command line, or the problems on standard error and undefined. */
export const settingsOrProblems = (argv: readonly string[]): Settings | undefined => loadedOrProblems(argv)?.settings;

/** The same, with where they come from. */
export const loadedOrProblems = (argv: readonly string[]): LoadedSettings | undefined => {
  const loaded = loadProcessSettings(argv);
  if ('problems' in loaded) {
    for (const problem of loaded.problems) process.stderr.write(`tributary: ${problem}\n`);
    return undefined;
  }
  for (const warning of loaded.warnings) process.stderr.write(`tributary: ${warning}\n`);
  return loaded;
};

export const packageVersion = (): string =>
  (JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as { version: string }).version;
