import { randomBytes } from 'node:crypto';
import { resolveDestination } from '../sender/destination.ts';
import { formatEndpoint } from '../shared/address.ts';
import { monotonicNow } from '../shared/clock.ts';
import { TributaryError } from '../shared/errors.ts';
import { createLogger, type Logger } from '../shared/logger.ts';
import { raiseThreadPriority } from '../shared/priority.ts';
import { setRedaction } from '../shared/redact.ts';
import { createSrtlaShell, DEFAULT_SRTLA_SETTINGS, type SrtlaReceiver } from '../srtla/index.ts';
import { ServerProbe } from '../srtla/server-probe-socket.ts';
import { AsnLookup } from '../stats/asn.ts';
import { onlyFile } from '../stats/asn-files.ts';
import { type CarrierLookup, carriersOff } from '../stats/carrier.ts';
import { HttpListener } from '../stats/http-listener.ts';
import { parseSrtlaArguments, SRTLA_HELP, type SrtlaArguments } from './srtla-arguments.ts';
import { createSrtlaStats } from './srtla-stats.ts';
import { stopSignal } from './stop-signals.ts';

const PROBE_EVERY_MS = 5_000;

const openStage = async (args: SrtlaArguments, logger: Logger): Promise<{ shell: SrtlaReceiver; host: string }> => {
  const server = await resolveDestination(args.serverHost, args.serverPort);
  const host = server.ipv4 ?? server.ipv6!;
  const { ports, transport, coalesceMs, serverWay, udpBufferBytes } = args;
  const shell = await createSrtlaShell({
    addresses: args.bind,
    ports,
    settings: DEFAULT_SRTLA_SETTINGS,
    bondHost: host,
    bondPort: () => args.serverPort,
    transport,
    coalesceMs,
    ...(serverWay === undefined ? {} : { serverWay }),
    udpBufferBytes,
    random: randomBytes,
    clock: monotonicNow,
    logger,
    onEvent: (event) => {
      if (event.type === 'link-joined' || event.type === 'link-left')
        logger.info(event.type, { group: event.group, ...('why' in event ? { why: event.why } : {}) });
      else logger.debug(event.type, { group: event.group });
    },
  });
  return { shell, host };
};

const openStats = (
  shell: SrtlaReceiver,
  carriers: CarrierLookup,
  args: SrtlaArguments,
  logger: Logger,
): Promise<HttpListener | undefined> => {
  if (args.stats === undefined) return Promise.resolve(undefined);
  const app = createSrtlaStats({
    snapshot: () => shell.snapshot(monotonicNow()),
    logger,
    carriers,
    clock: monotonicNow,
  });
  const { port, bind } = args.stats;
  return HttpListener.open(app, { bind: [bind], port, portSetting: '--stats_port' });
};

/** A file that is not there, or not whole, is said in the log and waited for. */
const carriersOf = async (path: string, logger: Logger): Promise<AsnLookup> => {
  const lookup = new AsnLookup({ search: onlyFile(path), logger });
  lookup.watch();
  await lookup.look();
  return lookup;
};

const run = async (args: SrtlaArguments): Promise<void> => {
  const stopped = stopSignal();
  const logger = createLogger(args.logLevel);
  setRedaction({ salt: randomBytes(32).toString('hex'), addresses: args.addresses });
  raiseThreadPriority();
  const { shell, host } = await openStage(args, logger);
  const server = formatEndpoint(host, args.serverPort);
  const carriers = args.geoipDb === undefined ? undefined : await carriersOf(args.geoipDb, logger);
  try {
    const stats = await openStats(shell, carriers ?? carriersOff, args, logger);
    const probe = new ServerProbe({
      host,
      port: args.serverPort,
      everyMs: PROBE_EVERY_MS,
      random: randomBytes,
      onChange: (reachable) =>
        reachable
          ? logger.info('the SRT server answers', { server })
          : logger.warn('the SRT server does not answer: check --srt_hostname and --srt_port', { server }),
    });
    process.stdout.write(
      `Tributary SRTLA is up on UDP ${shell.ports.join(', ')}, towards the SRT server at ${server}.\n`,
    );
    await stopped;
    logger.info('stopping');
    await Promise.all([probe.close(), stats?.close()]);
  } finally {
    carriers?.close();
    await shell.close();
  }
};

/**
 * `./tributary srtla`: the SRTLA stage alone, until SIGTERM or SIGINT.
 * @returns the exit code: 0 stopped, 1 failed, 2 wrong arguments
 */
export const runSrtla = async (argv: readonly string[]): Promise<number> => {
  try {
    const args = parseSrtlaArguments(argv);
    if (args === undefined) process.stdout.write(SRTLA_HELP);
    else await run(args);
    return 0;
  } catch (error) {
    if (!(error instanceof TributaryError)) throw error;
    process.stderr.write(`tributary srtla: ${error.line}\n`);
    return error.code === 'TRIBUTARY_BAD_ARGUMENT' ? 2 : 1;
  }
};
