import { randomBytes } from 'node:crypto';
import { isIP } from 'node:net';
import { processEnvironment, type Settings, settingsReference } from '../config/load.ts';
import { RelayNode, type RelayNodeOptions } from '../node.ts';
import { createLogger, type Logger, type LogLevel } from '../shared/logger.ts';
import { createChecklistView } from './checklist-view.ts';
import { PlaneChild } from './plane-child.ts';
import { choosePublicHost } from './public-host.ts';
import { loadedOrProblems, packageVersion, settingsOrProblems } from './settings-arguments.ts';
import { hasTerminal, SettingsReload } from './settings-reload.ts';
import { hangUpMeans, stopSignal } from './stop-signals.ts';
import { firewallLine, keyLine, urlLines } from './urls.ts';

export { packageVersion, settingsOrProblems };

const HELP = `Usage: ./tributary relay [--interactive] [--control-plane] [--SETTING VALUE …]

Runs the relay node. --interactive prints the URLs to paste and a checklist that follows your stream.
--control-plane runs a control plane beside the node, in a process of its own.

Settings, also from tributary.yml and the environment:
`;

/** Starts a node and prints what its operator is to know. */
export const startRelay = async (
  settings: Settings,
  logger: Logger,
  interactive: boolean,
  more: Pick<RelayNodeOptions, 'controlPlane' | 'onSettings'> = {},
): Promise<RelayNode> => {
  const print = (line: string): boolean => process.stdout.write(`${line}\n`);
  const node = await RelayNode.start({
    settings,
    logger,
    version: packageVersion(),
    ...more,
    onGeneratedKey: (key) => print(keyLine(key)),
    onImport: (lines) => lines.forEach(print),
  });
  const host = choosePublicHost(settings);
  // Container logs are kept and read by many: ids are printed only to a person at a terminal.
  if (interactive) for (const line of urlLines({ host, ports: node.facts.ports, rows: node.rows() })) print(line);
  else print(`Tributary is up. \`./tributary urls\` prints what to paste. ${firewallLine(node.facts.ports)}`);
  return node;
};

/** A plane beside the node that is yet to be started, with a key that only the two know. */
const planeBeside = (
  settings: Settings,
  logger: Logger,
  argv: readonly string[],
  node: () => RelayNode | undefined,
): { child: PlaneChild; controlPlane: NonNullable<RelayNodeOptions['controlPlane']> } => {
  const serverId = settings.control.serverId ?? 'local';
  const nodeKey = randomBytes(32).toString('hex');
  const child = new PlaneChild({
    command: [process.execPath, ...process.execArgv, process.argv[1]!],
    args: ['control-plane', ...argv],
    env: processEnvironment(),
    ...{ serverId, nodeKey, logger, random: Math.random },
    onReady: () => node()?.hurryControl(),
  });
  const { host } = choosePublicHost(settings);
  const controlPlane = { serverId, nodeKey, url: () => child.url, ...(isIP(host) ? { publicIp: host } : {}) };
  return { child, controlPlane };
};

/** Resolves once the node is to stop; a SIGHUP that does not mean that has the settings read again. */
const stopOrReload = (interactive: boolean, reload: () => void): Promise<string> => {
  const hadTerminal = hasTerminal();
  // Where the terminal is gone, nobody reads what is still said.
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => {});
  const hungUp = new Promise<string>((done) => {
    process.on('SIGHUP', () => {
      if (hangUpMeans(hadTerminal, interactive, hasTerminal) === 'stop') done('SIGHUP');
      else reload();
    });
  });
  return Promise.race([stopSignal(['SIGINT', 'SIGTERM']), hungUp]);
};

const OWN_FLAGS: readonly string[] = ['--interactive', '--control-plane'];

export const runRelay = async (argv: readonly string[]): Promise<number> => {
  if (argv.includes('--help')) {
    process.stdout.write(`${HELP}${settingsReference()}\n`);
    return 0;
  }
  const interactive = argv.includes('--interactive');
  const settingsArgv = argv.filter((argument) => !OWN_FLAGS.includes(argument));
  const loaded = loadedOrProblems(settingsArgv);
  if (!loaded) return 2;
  const { settings } = loaded;
  const withPlane = argv.includes('--control-plane');
  if (withPlane && settings.control.url !== undefined) {
    process.stderr.write(
      'tributary: --control-plane and control.url are both given: a node has one control plane; take one of them away\n',
    );
    return 2;
  }
  const reload = new SettingsReload(settingsArgv, loaded);
  const stopped = stopOrReload(interactive, () => reload.reload());
  // On a terminal the checklist tells what happens; log lines would tear it.
  const isQuiet = (level: LogLevel): boolean => interactive && process.stdout.isTTY && level === 'info';
  const quiet = isQuiet(settings.log.level);
  const levelOf = ({ log }: Settings): LogLevel => (isQuiet(log.level) ? 'warn' : log.level);
  const logger = createLogger(levelOf(settings));
  let started: RelayNode | undefined;
  const planeArgv = quiet ? [...settingsArgv, '--log-level', 'warn'] : settingsArgv;
  const plane = withPlane ? planeBeside(settings, logger, planeArgv, () => started) : undefined;
  const starting = startRelay(settings, logger, interactive, {
    ...(plane ? { controlPlane: plane.controlPlane } : {}),
    onSettings: (now) => logger.setLevel(levelOf(now)),
  });
  const first = await Promise.race([starting, stopped]);
  // Stopped before it was up: whatever the start waits for may never come.
  if (typeof first === 'string') return 130;
  const node = first;
  started = node;
  reload.begin((next) => node.takeSettings(next));
  // Only now: the node waits for nothing of it.
  plane?.child.start();
  const view = interactive
    ? createChecklistView({ snapshot: () => node.snapshot(), output: process.stdout })
    : undefined;
  await stopped;
  reload.close();
  view?.stop();
  if (interactive) process.stdout.write('stopping: players play out what they have\n');
  await Promise.all([node.stop(), plane?.child.stop()]);
  return 0;
};
