import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { codeOf, messageOf, type TributaryError } from '../shared/errors.ts';
import { type AddressView, publicStreamName } from '../shared/redact.ts';
import type { Row } from '../sls-bridge/directory.ts';
import { addressViewOf, guards, keyOf } from './access.ts';
import { errorAnswer, successAnswer } from './compat-sls.ts';
import type { DashboardDeps } from './dashboard-deps.ts';
import { playerCards, senderCards } from './dashboard-paste.ts';
import { SHARE_DAYS } from './dashboard-shares.ts';
import type { SignIn } from './dashboard-sign-in.ts';
import { type DashboardState, everything } from './dashboard-state.ts';
import type { CheckView, DoctorView, IdView, StreamDetails } from './dashboard-types.ts';
import { labelOf, playerViews } from './dashboard-view.ts';
import { bufferCheck, portsCheck, receiveBufferLimit, srtCheck } from './doctor-checks.ts';
import { sendJson } from './http-app.ts';
import { parseBody } from './json-body.ts';
import { actor } from './routes/context.ts';
import { revealsPublisher } from './stream-urls.ts';

const NO_STREAM = errorAnswer('There is no such stream');

/** Datagrams that the kernel has dropped, by the counters of the node. */
const dropChecks = (counters: Readonly<Record<string, number>>): CheckView[] =>
  (
    [
      ['linkKernelDrops', 'of bonded senders'],
      ['srtKernelDrops', 'of SRT'],
    ] as const
  ).map(([name, whose]) => {
    const count = counters[name] ?? 0;
    return count === 0
      ? { fine: true, text: `The kernel has dropped no datagrams ${whose}` }
      : { fine: false, text: `The kernel has dropped ${count} datagrams ${whose}: raise net.core.rmem_max` };
  });

export const doctorChecks = ({ snapshot, ports }: DashboardDeps): DoctorView => {
  const { srtVersion, uptimeMs, counters, publishers } = snapshot();
  const used = ports();
  const short = publishers
    .filter(({ warnings }) => warnings.includes('latency-short'))
    .map(({ publisherId, latencyMs, stats }) => ({
      fine: false,
      text: `${publicStreamName(publisherId)}: a latency of ${Math.round(latencyMs)} ms is too low for ${Math.round(stats.rttMs)} ms of round trip: set at least ${Math.ceil((stats.rttMs * 4) / 100) * 100} ms in the app`,
    }));
  return {
    checks: [
      portsCheck(used, uptimeMs),
      srtCheck(srtVersion),
      bufferCheck(receiveBufferLimit()),
      ...dropChecks(counters),
      ...short,
    ],
    firewall: [
      ...used.srtla.map((port) => ({ port: `${port}/udp`, what: 'bonded senders (SRTLA)' })),
      { port: `${used.publish}/udp`, what: 'senders without bonding (SRT)' },
      { port: `${used.play}/udp`, what: 'players (SRT)' },
      { port: `${used.stats}/tcp`, what: 'statistics and API' },
      { port: `${used.links}/tcp`, what: 'statistics of links' },
      { port: `${used.dashboard}/tcp`, what: 'this dashboard' },
    ],
  };
};

/** What the pages ask for, beside what the management API has. Everybody here is signed in. */
export const dashboardRoutes = (
  app: FastifyInstance,
  deps: DashboardDeps,
  state: DashboardState,
  signIn: SignIn,
): void => {
  const { directory, ports, shares, preview, logger } = deps;
  const may = guards(deps.keys);

  /** The publisher id of the stream in the path. */
  const named = (request: FastifyRequest): string | undefined => {
    const { name = '' } = request.params as { name?: string };
    const id = state.index.named(name) ?? state.book.records.find((record) => record.name === name)?.publisherId;
    return id !== undefined && (directory.hasPublisher(id) || state.book.of(id)) ? id : undefined;
  };
  const missing = (reply: FastifyReply): FastifyReply => sendJson(reply, 404, NO_STREAM);

  const addressesFor = (request: FastifyRequest): AddressView => addressViewOf(keyOf(request, deps.keys));

  /** As the management API has it: passphrases are for keys that may change things. */
  const rowsFor = (request: FastifyRequest, publisherId: string): Row[] => {
    const showsSecrets = keyOf(request, deps.keys)?.permissions !== 'read';
    return directory
      .listedOf(publisherId)
      .map(({ passphrase, ...rest }) => (showsSecrets && passphrase !== undefined ? { ...rest, passphrase } : rest));
  };

  const details = (request: FastifyRequest, publisherId: string): StreamDetails => {
    const addresses = addressesFor(request);
    const rows = rowsFor(request, publisherId);
    // The one to share comes first: it is what gets copied.
    rows.sort((a, b) => Number(revealsPublisher(a)) - Number(revealsPublisher(b)));
    const [row] = rows;
    const name = publicStreamName(publisherId);
    const label = labelOf(directory, publisherId);
    const record = state.book.of(publisherId);
    return {
      name,
      ...(label === undefined ? {} : { label }),
      listed: row !== undefined,
      publisher: publisherId,
      senders: row ? senderCards(row, deps.publicHost, ports(), label ?? name) : [],
      players: row ? playerCards(row, deps.publicHost, ports()) : [],
      connected: record ? playerViews(record, addresses) : [],
      events: state.eventsOf(publisherId, addresses),
      shares: shares.of(publisherId),
      preview: preview !== undefined && row !== undefined,
    };
  };

  app.get('/feed', async (request, reply) => {
    const token = signIn.tokenOf(request);
    const mayStay = (): boolean => signIn.isOpen(token);
    const subject = everything(addressesFor(request));
    if (!state.feed.open(request, reply, { subject, isShared: false, first: state.trails(subject), mayStay }))
      return sendJson(reply, 429, errorAnswer('Too many pages are open'));
    return reply;
  });

  app.get('/data/streams/:name', { onRequest: may.any }, async (request, reply) => {
    const id = named(request);
    return id === undefined ? missing(reply) : sendJson(reply, 200, details(request, id));
  });

  app.get('/data/streams/:name/history', { onRequest: may.any }, async (request, reply) => {
    const id = named(request);
    return id === undefined ? missing(reply) : sendJson(reply, 200, state.history(id));
  });

  app.post('/data/streams/:name/shares', { onRequest: may.writers }, async (request, reply) => {
    const id = named(request);
    if (id === undefined) return missing(reply);
    const days = parseBody(request)?.days;
    const [least, most] = SHARE_DAYS;
    if (!(Number.isInteger(days) && (days as number) >= least && (days as number) <= most))
      return sendJson(reply, 400, errorAnswer(`Invalid days: give a whole number from ${least} to ${most}`));
    try {
      const { token, share } = await shares.create(id, days as number);
      logger.info('a stream was shared', {
        stream: publicStreamName(id),
        days: days as number,
        key: actor(request, deps),
      });
      return sendJson(reply, 200, { ...share, path: `/s/${token}` });
    } catch (error) {
      if (codeOf(error) === 'TRIBUTARY_SHARE_LIMIT')
        return sendJson(reply, 400, errorAnswer((error as TributaryError).line));
      logger.error('a shared link was not stored', { error: messageOf(error) });
      return sendJson(reply, 500, errorAnswer('The change could not be stored'));
    }
  });

  app.delete('/data/streams/:name/shares/:share', { onRequest: may.writers }, async (request, reply) => {
    const id = named(request);
    const { share = '' } = request.params as { share?: string };
    try {
      if (id === undefined || !(await shares.revoke(id, share))) return missing(reply);
      return sendJson(reply, 200, successAnswer('The link shows nothing any more'));
    } catch (error) {
      logger.error('a shared link was not taken back', { error: messageOf(error) });
      return sendJson(reply, 500, errorAnswer('The change could not be stored'));
    }
  });

  // By names, which may stand in addresses: publisher ids may not.
  app.delete('/data/streams/:name/publisher', { onRequest: may.writers }, async (request, reply) => {
    const id = named(request);
    if (id === undefined) return missing(reply);
    deps.control.kickPublisher(id);
    logger.info('publisher disconnected', { stream: publicStreamName(id), key: actor(request, deps) });
    return sendJson(reply, 200, successAnswer('Publisher disconnected'));
  });

  app.delete('/data/streams/:name/players/:key', { onRequest: may.writers }, async (request, reply) => {
    const id = named(request);
    const { key = '' } = request.params as { key?: string };
    if (id === undefined || !state.book.of(id)?.players.some((player) => player.key === key)) return missing(reply);
    deps.control.kickSocket(key);
    logger.info('players disconnected', { stream: publicStreamName(id), players: 1, key: actor(request, deps) });
    return sendJson(reply, 200, successAnswer('Player disconnected'));
  });

  app.get('/data/ids', { onRequest: may.any }, async (_request, reply) => {
    const live = new Set(deps.snapshot().publishers.map(({ publisherId }) => publisherId));
    return sendJson(reply, 200, { ids: directory.rows().map((row) => idView(row, live)) });
  });

  app.get('/data/settings', { onRequest: may.admins }, async (_request, reply) =>
    sendJson(reply, 200, { settings: deps.settingViews() }),
  );

  app.get('/data/doctor', { onRequest: may.any }, async (_request, reply) => sendJson(reply, 200, doctorChecks(deps)));
};

const idView = (row: Row, live: ReadonlySet<string>): IdView => {
  const { passphrase, ...rest } = row;
  return {
    ...rest,
    name: publicStreamName(row.publisher),
    passphrase: passphrase !== undefined,
    live: live.has(row.publisher),
    forPlugin: revealsPublisher(row),
  };
};
