import { readFileSync } from 'node:fs';
import { processEnvironment } from '../config/load.ts';
import { codeOf, TributaryError } from '../shared/errors.ts';
import { stopSignal } from './stop-signals.ts';

const DEFAULT_FILE = 'switcher.yml';

const HELP = `Usage: ./tributary switcher [FILE]
       ./tributary switcher --example

Changes the scene of OBS with the quality of a stream: runs beside OBS, asks the node once a second, and talks to obs-websocket 5 (in OBS
since version 28). FILE is ${DEFAULT_FILE} of the current folder by default.

  --example  prints such a file, to be filled in
`;

const bad = (what: string, mend: string): TributaryError => new TributaryError('TRIBUTARY_BAD_ARGUMENT', what, mend);

/** @throws TributaryError TRIBUTARY_BAD_ARGUMENT */
const readSettingsText = (path: string): string => {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    throw bad(
      `${path} cannot be read (${codeOf(error) ?? 'unknown'})`,
      `make one: ./tributary switcher --example >${DEFAULT_FILE}, and fill it in`,
    );
  }
};

/** `./tributary switcher`. @returns the exit code @throws TributaryError TRIBUTARY_BAD_ARGUMENT, TRIBUTARY_BAD_SETTING */
export const runSwitcher = async (argv: readonly string[]): Promise<number> => {
  if (argv.includes('--help')) {
    process.stdout.write(HELP);
    return 0;
  }
  const { EXAMPLE, readSwitcherSettings } = await import('../switcher/settings.ts');
  if (argv.includes('--example')) {
    process.stdout.write(EXAMPLE);
    return 0;
  }
  const [file = DEFAULT_FILE, ...more] = argv;
  if (file.startsWith('--') || more.length > 0)
    throw bad(
      `${JSON.stringify(file.startsWith('--') ? file : more[0])} is not understood`,
      'see ./tributary switcher --help',
    );
  const settings = readSwitcherSettings(readSettingsText(file), file, processEnvironment());
  const { Switcher } = await import('../switcher/switcher.ts');
  const switcher = new Switcher(settings, (line) => process.stdout.write(`${new Date().toISOString()} ${line}\n`));
  switcher.start();
  await stopSignal();
  await switcher.stop();
  return 0;
};
