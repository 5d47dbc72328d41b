import { runAsn } from './cli/asn.ts';
import { runConfig } from './cli/config.ts';
import { runBackup, runExportSls, runImportSls, runRestore } from './cli/data-commands.ts';
import { runDemo } from './cli/demo.ts';
import { runDoctor } from './cli/doctor.ts';
import { runRelay } from './cli/relay.ts';
import { runSend } from './cli/send.ts';
import { runSrtla } from './cli/srtla.ts';
import { runUrls } from './cli/urls-command.ts';
import { TributaryError } from './shared/errors.ts';

const COMMANDS: Readonly<Record<string, { run: (argv: readonly string[]) => Promise<number>; about: string }>> = {
  relay: { run: runRelay, about: 'the relay node' },
  send: { run: runSend, about: 'a bonded SRTLA sender' },
  srtla: { run: runSrtla, about: 'the SRTLA stage alone, in front of any SRT server' },
  demo: { run: runDemo, about: 'a node and a test picture over three links' },
  doctor: { run: runDoctor, about: 'how far a stream has come on the running node, and what may be wrong' },
  urls: { run: runUrls, about: 'what to paste into senders and players' },
  'import-sls': { run: runImportSls, about: 'takes stream ids and API keys of SLS over' },
  'export-sls': { run: runExportSls, about: 'writes them as a database of SLS' },
  backup: { run: runBackup, about: 'stream ids and API keys into one file' },
  restore: { run: runRestore, about: 'and back' },
  asn: { run: runAsn, about: 'databases of carriers: fetches them, says which there are' },
  config: { run: runConfig, about: 'every setting, its value and where it came from' },
};

const help = (): string =>
  [
    'Usage: ./tributary COMMAND [options]',
    '',
    ...Object.entries(COMMANDS).map(([name, { about }]) => `  ${name.padEnd(10)} ${about}`),
    '',
    'Each command knows --help.',
    '',
  ].join('\n');

const main = async (argv: readonly string[]): Promise<number> => {
  const [name, ...rest] = argv;
  if (name === undefined || name === '--help' || name === 'help') {
    process.stdout.write(help());
    return name === undefined ? 2 : 0;
  }
  const command = COMMANDS[name];
  if (!command) {
    process.stderr.write(`tributary: there is no command ${JSON.stringify(name)}: see ./tributary --help\n`);
    return 2;
  }
  return command.run(rest);
};

try {
  process.exit(await main(process.argv.slice(2)));
} catch (error) {
  // What a person can mend is one line; anything else is a defect, and its stack is wanted.
  process.stderr.write(
    `tributary: ${error instanceof TributaryError ? error.line : error instanceof Error ? error.stack : String(error)}\n`,
  );
  process.exit(1);
}
