import { loadProcessSettings, settingsReference } from '../config/load.ts';
import { shownValue } from '../config/reload.ts';
import { SETTING_PATHS, valueAt } from '../config/schema.ts';
import { TributaryError } from '../shared/errors.ts';
import { fileArguments } from './arguments.ts';

const HELP = `Usage: ./tributary config [print] [--SETTING VALUE …]
       ./tributary config check [FILE] [--SETTING VALUE …]

print  every setting, its value and where it came from
check  reads FILE (or the settings file that a node here would take), the environment and the command line; says everything that is
       wrong, one line each, and ends with 2 then. Nothing is started or changed.

`;

const WORDS = ['print', 'check'] as const;

/** `config`, `config print …` or `config check …`, taken apart. @throws TributaryError TRIBUTARY_BAD_ARGUMENT */
const wordOf = (argv: readonly string[]): { word: (typeof WORDS)[number]; rest: readonly string[] } => {
  const [first, ...rest] = argv;
  if (first === undefined || first.startsWith('-')) return { word: 'print', rest: argv };
  const word = WORDS.find((one) => one === first);
  if (word) return { word, rest };
  throw new TributaryError(
    'TRIBUTARY_BAD_ARGUMENT',
    `there is no \`config ${first}\``,
    'write `config print` or `config check [FILE]`',
  );
};

/** @throws TributaryError TRIBUTARY_BAD_ARGUMENT */
const settingsArgv = (word: (typeof WORDS)[number], argv: readonly string[]): readonly string[] => {
  const { file, rest } = fileArguments(argv, []);
  if (file === undefined) return rest;
  if (word === 'check') return ['--config', file, ...rest];
  throw new TributaryError(
    'TRIBUTARY_BAD_ARGUMENT',
    `${JSON.stringify(file)} is not understood`,
    'give a settings file as --config FILE',
  );
};

/** `./tributary config`: `--help` says what it knows. @returns the exit code @throws TributaryError TRIBUTARY_BAD_ARGUMENT */
export const runConfig = async (argv: readonly string[]): Promise<number> => {
  if (argv.includes('--help')) {
    process.stdout.write(`${HELP}${settingsReference()}\n`);
    return 0;
  }
  const { word, rest } = wordOf(argv);
  const loaded = loadProcessSettings(settingsArgv(word, rest));
  if ('problems' in loaded) {
    for (const problem of loaded.problems) process.stderr.write(`tributary: ${problem}\n`);
    return 2;
  }
  const given = SETTING_PATHS.filter((path) => loaded.sources[path] !== 'default').length;
  if (word === 'print')
    for (const path of SETTING_PATHS)
      process.stdout.write(
        `${path.padEnd(28)} ${shownValue(path, valueAt(loaded.settings, path)).padEnd(28)} ${loaded.sources[path]}\n`,
      );
  else process.stdout.write(`The settings are right: ${given} given, file: ${loaded.file ?? 'none'}\n`);
  for (const warning of loaded.warnings) process.stderr.write(`tributary: ${warning}\n`);
  return 0;
};
