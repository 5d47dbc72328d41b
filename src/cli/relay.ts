import { readFileSync } from 'node:fs';
import { loadProcessSettings, type Settings, settingsReference } from '../config/load.ts';
import { RelayNode } from '../node.ts';
import { createLogger, type Logger } from '../shared/logger.ts';
import { createChecklistView } from './checklist-view.ts';
import { choosePublicHost } from './public-host.ts';
import { stopSignal } from './stop-signals.ts';
import { firewallLine, keyLine, urlLines } from './urls.ts';

const HELP = `Usage: ./tributary relay [--interactive] [--SETTING VALUE …]

Runs the relay node. --interactive prints the URLs to paste and a checklist that follows your stream.

Settings, also from tributary.yml and the environment:
`;

/** Settings for a command line, or the problems on standard error and undefined. */
export const settingsOrProblems = (argv: readonly string[]): Settings | undefined => {
  const loaded = loadProcessSettings(argv);
  if ('problems' in loaded) {
    for (const problem of loaded.problems) process.stderr.write(`tributary: ${problem}\n`);
    return undefined;
  }
  for (const warning of loaded.warnings) process.stderr.write(`tributary: ${warning}\n`);
  return loaded.settings;
};

export const packageVersion = (): string =>
  (JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as { version: string }).version;

/** Starts a node and prints what its operator is to know. */
export const startRelay = async (settings: Settings, logger: Logger, interactive: boolean): Promise<RelayNode> => {
  const print = (line: string): boolean => process.stdout.write(`${line}\n`);
  const node = await RelayNode.start({
    settings,
    logger,
    version: packageVersion(),
    onGeneratedKey: (key) => print(keyLine(key)),
    onImport: (lines) => lines.forEach(print),
  });
  const host = choosePublicHost(settings);
  // Container logs are kept and read by many: ids are printed only to a person at a terminal.
  if (interactive) for (const line of urlLines({ host, ports: node.facts.ports, rows: node.rows() })) print(line);
  else print(`Tributary is up. \`./tributary urls\` prints what to paste. ${firewallLine(node.facts.ports)}`);
  return node;
};

export const runRelay = async (argv: readonly string[]): Promise<number> => {
  if (argv.includes('--help')) {
    process.stdout.write(`${HELP}${settingsReference()}\n`);
    return 0;
  }
  const interactive = argv.includes('--interactive');
  const settings = settingsOrProblems(argv.filter((argument) => argument !== '--interactive'));
  if (!settings) return 2;
  const stopped = stopSignal();
  // On a terminal the checklist tells what happens; log lines would tear it.
  const quiet = interactive && process.stdout.isTTY && settings.log.level === 'info';
  const starting = startRelay(settings, createLogger(quiet ? 'warn' : settings.log.level), interactive);
  const first = await Promise.race([starting, stopped]);
  // Stopped before it was up: whatever the start waits for may never come.
  if (typeof first === 'string') return 130;
  const node = first;
  const view = interactive
    ? createChecklistView({ snapshot: () => node.snapshot(), output: process.stdout })
    : undefined;
  await stopped;
  view?.stop();
  if (interactive) process.stdout.write('stopping: players play out what they have\n');
  await node.stop();
  return 0;
};
