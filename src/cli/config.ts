import { loadProcessSettings, settingsReference } from '../config/load.ts';
import { SETTING_PATHS, settingAt } from '../config/schema.ts';

/** `./tributary config`: every setting, its value and where it came from; `--help` explains each. */
export const runConfig = async (argv: readonly string[]): Promise<number> => {
  if (argv.includes('--help')) {
    process.stdout.write(
      `Usage: ./tributary config [--SETTING VALUE …]\n\nPrints every setting, its value and where it came from.\n\n${settingsReference()}\n`,
    );
    return 0;
  }
  const loaded = loadProcessSettings(argv);
  if ('problems' in loaded) {
    for (const problem of loaded.problems) process.stderr.write(`tributary: ${problem}\n`);
    return 2;
  }
  for (const path of SETTING_PATHS) {
    const setting = settingAt(path);
    const value = path
      .split('.')
      .reduce<unknown>((at, part) => (at as Record<string, unknown> | undefined)?.[part], loaded.settings);
    const shown = value === undefined ? '(not set)' : setting.secret ? '(not shown)' : setting.kind.show(value);
    process.stdout.write(`${path.padEnd(28)} ${shown.padEnd(28)} ${loaded.sources[path]}\n`);
  }
  for (const warning of loaded.warnings) process.stderr.write(`tributary: ${warning}\n`);
  return 0;
};
