import { TributaryError } from '../shared/errors.ts';

/** A command line such as `COMMAND [FILE] [--force] [--SETTING VALUE …]`, taken apart. */
export interface FileArguments {
  file: string | undefined;
  /** Of the command's own flags, without the dashes. */
  flags: ReadonlySet<string>;
  /** For the settings. */
  rest: readonly string[];
}

/**
 * @param ownFlags of the command, without the dashes; they take no value
 * @throws TributaryError TRIBUTARY_BAD_ARGUMENT
 */
export const fileArguments = (argv: readonly string[], ownFlags: readonly string[]): FileArguments => {
  const flags = new Set<string>();
  const rest: string[] = [];
  let file: string | undefined;
  for (let index = 0; index < argv.length; index++) {
    const argument = argv[index]!;
    const own = ownFlags.find((name) => argument === `--${name}`);
    if (own !== undefined) flags.add(own);
    else if (argument.startsWith('--')) {
      rest.push(argument);
      const next = argv[index + 1];
      if (!argument.includes('=') && next !== undefined && !next.startsWith('--')) {
        rest.push(next);
        index++;
      }
    } else if (file === undefined) file = argument;
    else
      throw new TributaryError(
        'TRIBUTARY_BAD_ARGUMENT',
        `${JSON.stringify(argument)} is one file too many`,
        'give one file, and settings as --name value',
      );
  }
  return { file, flags, rest };
};

/** @throws TributaryError TRIBUTARY_BAD_ARGUMENT */
export const neededFile = (file: string | undefined, what: string): string => {
  if (file !== undefined && file !== '') return file;
  throw new TributaryError('TRIBUTARY_BAD_ARGUMENT', `the ${what} is missing`, 'give its path');
};
