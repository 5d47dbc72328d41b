import { setTimeout as sleep } from 'node:timers/promises';
import { localNode, type Settings, settingsReference } from '../config/load.ts';
import { accountsPart } from '../control-plane/accounts/accounts.ts';
import { createControlPlane } from '../control-plane/control-plane.ts';
import { DatabaseAwayError } from '../control-plane/database/database.ts';
import { openDatabase } from '../control-plane/database/open.ts';
import { listenPlane } from '../control-plane/listen.ts';
import { LOCAL_NODE_ENV, type PlaneReady } from '../control-plane/protocol.ts';
import { monotonicNow } from '../shared/clock.ts';
import { lockDataDir } from '../shared/data-dir-lock.ts';
import { prepareDataDir } from '../shared/data-file.ts';
import { messageOf } from '../shared/errors.ts';
import { createLogger, type Logger } from '../shared/logger.ts';
import { packageVersion, settingsOrProblems } from './settings-arguments.ts';
import { onStopSignals } from './stop-signals.ts';

const HELP = `Usage: ./tributary control-plane [--SETTING VALUE …]

Runs the control plane of a fleet of relay nodes: it knows the nodes, gives each user one, and tells them which stream ids to admit.
Without DATABASE_URL it keeps its database in the data folder. docs/control-plane.md says more.

Settings, also from tributary.yml and the environment:
`;

/** A signal, or the end of the node that has started this process: its channel closes. */
const stopWanted = (): Promise<void> =>
  new Promise((done) => {
    onStopSignals(['SIGINT', 'SIGTERM', 'SIGHUP'], () => done());
    if (process.send) process.once('disconnect', () => done());
  });

const setupLine = (link: string): string => `The first administrator signs in here, once: ${link}\n`;

const AGAIN_MS = 1_000;

/** A database that is away at the start is waited for. @returns undefined where this is to stop before it is there */
const untilThere = async <T>(
  make: () => Promise<T>,
  stopped: Promise<void>,
  logger: Logger,
): Promise<T | undefined> => {
  let isStopped = false;
  void stopped.then(() => {
    isStopped = true;
  });
  for (let tries = 0; !isStopped; tries++) {
    try {
      return await make();
    } catch (error) {
      if (!(error instanceof DatabaseAwayError)) throw error;
      if (tries === 0) logger.warn('the database does not answer; waiting for it', { error: messageOf(error.cause) });
      await Promise.race([sleep(AGAIN_MS), stopped]);
    }
  }
  return undefined;
};

const run = async (settings: Settings): Promise<void> => {
  const stopped = stopWanted();
  const logger = createLogger(settings.log.level);
  const { databaseUrl, behindProxy, tlsCert } = settings.controlPlane;
  if (databaseUrl === undefined) await prepareDataDir(settings.dataDir);
  const lock = databaseUrl === undefined ? await lockDataDir(settings.dataDir, 'control plane') : undefined;
  const db = await openDatabase(settings.dataDir, databaseUrl);
  try {
    const beside = localNode(LOCAL_NODE_ENV);
    const plane = await untilThere(
      () =>
        createControlPlane({
          settings,
          db,
          logger,
          version: packageVersion(),
          accounts: accountsPart({ announce: (link) => process.stdout.write(setupLine(link)) }),
          clock: monotonicNow,
          unixNow: Date.now,
          localNode: beside,
        }),
      stopped,
      logger,
    );
    if (!plane) return;
    const listener = await listenPlane(plane.app, settings, logger, beside !== undefined);
    plane.start();
    const where = tlsCert !== undefined || behindProxy ? 'every address' : 'loopback only';
    process.stdout.write(`Tributary's control plane is up on TCP ${listener.port} (${where}).\n`);
    process.send?.({ type: 'plane-ready', url: listener.localUrl } satisfies PlaneReady);
    await stopped;
    logger.info('stopping');
    // Long-polls first: the listener waits for what is under way.
    await plane.stop();
    await listener.close();
  } finally {
    await db.close();
    lock?.release();
    // The channel to the node would keep this process.
    if (process.connected) process.disconnect();
  }
};

/** @returns the exit code @throws TributaryError */
export const servePlane = async (argv: readonly string[]): Promise<number> => {
  if (argv.includes('--help')) {
    process.stdout.write(`${HELP}${settingsReference()}\n`);
    return 0;
  }
  const settings = settingsOrProblems(argv);
  if (!settings) return 2;
  await run(settings);
  return 0;
};
