import { TributaryError } from './shared/errors.ts';

type Run = (argv: readonly string[]) => Promise<number>;

/** Each command loads what it needs, and no other: the control plane has to be small, and a node has no use for it. */
const COMMANDS: Readonly<Record<string, { load: () => Promise<Run>; about: string }>> = {
  relay: { load: async () => (await import('./cli/relay.ts')).runRelay, about: 'the relay node' },
  'control-plane': {
    load: async () => (await import('./cli/control-plane.ts')).runControlPlane,
    about: 'the control plane of a fleet of nodes',
  },
  'admin-link': {
    load: async () => (await import('./cli/admin-link.ts')).runAdminLink,
    about: 'a link that makes an administrator of the control plane',
  },
  send: { load: async () => (await import('./cli/send.ts')).runSend, about: 'a bonded SRTLA sender' },
  srtla: {
    load: async () => (await import('./cli/srtla.ts')).runSrtla,
    about: 'the SRTLA stage alone, in front of any SRT server',
  },
  demo: {
    load: async () => (await import('./cli/demo.ts')).runDemo,
    about: 'a node and a test picture over three links',
  },
  doctor: {
    load: async () => (await import('./cli/doctor.ts')).runDoctor,
    about: 'how far a stream has come on the running node, and what may be wrong',
  },
  adopt: {
    load: async () => (await import('./cli/adopt.ts')).runAdopt,
    about: 'makes the stream ids of the running node slots of its control plane',
  },
  drain: {
    load: async () => (await import('./cli/drain.ts')).runDrain,
    about: 'no new publishers on the running node, before it is stopped',
  },
  urls: {
    load: async () => (await import('./cli/urls-command.ts')).runUrls,
    about: 'what to paste into senders and players',
  },
  switcher: {
    load: async () => (await import('./cli/switcher.ts')).runSwitcher,
    about: 'changes the scene of OBS with the quality of a stream',
  },
  'import-sls': {
    load: async () => (await import('./cli/data-commands.ts')).runImportSls,
    about: 'takes stream ids and API keys of SLS over',
  },
  'export-sls': {
    load: async () => (await import('./cli/data-commands.ts')).runExportSls,
    about: 'writes them as a database of SLS',
  },
  backup: {
    load: async () => (await import('./cli/data-commands.ts')).runBackup,
    about: 'stream ids and API keys into one file',
  },
  restore: { load: async () => (await import('./cli/data-commands.ts')).runRestore, about: 'and back' },
  asn: {
    load: async () => (await import('./cli/asn.ts')).runAsn,
    about: 'databases of carriers: fetches them, says which there are',
  },
  config: {
    load: async () => (await import('./cli/config.ts')).runConfig,
    about: 'prints every setting, its value and its source; checks a settings file',
  },
};

const help = (): string =>
  [
    'Usage: ./tributary COMMAND [options]',
    '',
    ...Object.entries(COMMANDS).map(([name, { about }]) => `  ${name.padEnd(13)} ${about}`),
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
  return (await command.load())(rest);
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
