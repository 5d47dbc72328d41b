import type { InjectOptions } from 'fastify';
import { keyLine } from '../../src/cli/urls.ts';
import { setRedaction } from '../../src/shared/redact.ts';
import { KeyStore } from '../../src/stats/key-store.ts';
import { createLinksServer } from '../../src/stats/links-server.ts';
import { createStatsServer } from '../../src/stats/stats-server.ts';
import { temporaryFolder } from '../support/data-dir.ts';
import { until } from '../support/processes.ts';
import { dataPlaneSnapshot, publisherSnapshot } from '../support/snapshots.ts';
import { ADMIN, statsDeps, type TestDeps } from '../support/stats-deps.ts';
import { listeningStats, PushClient } from '../support/stats-socket.ts';

/** How the stream of `play_a` is: as the clients see it. */
export type StreamState = 'live' | 'stalled' | 'silent' | 'never live';

export interface ClientRow {
  /** Names the golden file `clients/<name>.txt` and the row in docs/clients.md. */
  name: string;
  client: string;
  /** `GET /stats/ID`: for people. */
  request: string;
  stream: StreamState;
  method: 'GET' | 'POST' | 'DELETE' | 'OPTIONS';
  url: string;
  /** `push`: the first message of a WebSocket. `log`: a line that the first start prints. */
  port?: 'links' | 'push' | 'log';
  more?: Omit<InjectOptions, 'method' | 'url'>;
}

setRedaction({ salt: 'of the golden files', addresses: 'prefix' });

const KEY = { authorization: `Bearer ${ADMIN}` };
/** As irlserver's SLS has it: the key is the whole header. */
const BARE_KEY = { authorization: ADMIN };
const TELEMY = { headers: { 'user-agent': 'Telemy/0.0.5' } };
const pair = { publisher: 'live_new', player: 'play_new', description: '' };

type Asked = Omit<ClientRow, 'client' | 'name' | 'stream'> & { name: string; streams: readonly StreamState[] };

const of = (client: string, ...asked: readonly Asked[]): ClientRow[] =>
  asked.flatMap(({ streams, name, ...rest }) =>
    streams.map((stream) => ({
      ...rest,
      client,
      stream,
      name: streams.length > 1 ? `${name}-${stream.replace(' ', '-')}` : name,
    })),
  );
const get = (name: string, request: string, url: string, streams: readonly StreamState[], more = {}): Asked => ({
  ...{ name, request, url, streams, more, method: 'GET' },
});
const disconnect = (name: string, request: string, id: string, stream: StreamState): Asked => ({
  ...get(name, request, `/disconnect?stream=${id}`, [stream]),
  method: 'POST',
});
const LIVES: readonly StreamState[] = ['live', 'stalled', 'silent'];

/** Every request of every client of the stack that a node replaces. */
export const CLIENT_ROWS: readonly ClientRow[] = [
  ...of(
    'Telemy OBS plugin',
    get('plugin-player-id', 'GET /stats/play_…?legacy=1', '/stats/play_a?legacy=1', [...LIVES, 'never live'], TELEMY),
    get('plugin-publisher-id', 'GET /stats/live_…?legacy=1', '/stats/live_a?legacy=1', ['live'], TELEMY),
    get(
      'plugin-slashes',
      'GET /stats/live/stream123?legacy=1',
      '/stats/live/stream123?legacy=1',
      ['never live'],
      TELEMY,
    ),
    get('plugin-unknown', 'GET /stats/play_telemy?legacy=1', '/stats/play_telemy?legacy=1', ['live'], TELEMY),
    { ...get('plugin-links', 'GET :5080/stats', '/stats', ['live'], TELEMY), port: 'links' },
  ),
  ...of('NOALBS, type OpenIRL', get('noalbs-openirl', 'GET /stats/play_…', '/stats/play_a', LIVES)),
  ...of('NOALBS, type SrtLiveServer', get('noalbs-sls', 'GET /stats/play_…?legacy=1', '/stats/play_a?legacy=1', LIVES)),
  ...of(
    'NOALBS, type SrtLiveServer with apiKey',
    get('noalbs-sls-key', 'GET /stats?publisher=…', '/stats?publisher=live_a', LIVES, {
      headers: { authorization: ADMIN },
    }),
  ),
  ...of('NOALBS, type Belabox', get('noalbs-belabox', 'GET /belabox/play_…', '/belabox/play_a', LIVES)),
  ...of(
    'old control plane',
    get('plane-health', 'GET /health', '/health', ['live'], { headers: KEY }),
    {
      ...get('plane-add', 'POST /api/stream-ids', '/api/stream-ids', ['live'], {
        headers: KEY,
        payload: JSON.stringify(pair),
      }),
      method: 'POST',
    },
    {
      ...get('plane-add-again', 'POST /api/stream-ids, there already', '/api/stream-ids', ['live'], {
        headers: KEY,
        payload: JSON.stringify({ ...pair, player: 'play_a' }),
      }),
      method: 'POST',
    },
    {
      ...get('plane-delete', 'DELETE /api/stream-ids/play_…', '/api/stream-ids/play_a', ['live'], { headers: KEY }),
      method: 'DELETE',
    },
    {
      ...get('plane-delete-unknown', 'DELETE /api/stream-ids/play_…, unknown', '/api/stream-ids/play_x', ['live'], {
        headers: KEY,
      }),
      method: 'DELETE',
    },
    get('plane-list', 'GET /api/stream-ids', '/api/stream-ids', ['live'], { headers: KEY }),
    {
      ...get('plane-links', 'GET :5080/stats from a trusted address', '/stats', ['live'], {
        remoteAddress: '192.0.2.10',
      }),
      port: 'links',
    },
  ),
  ...of(
    'old web UI',
    { ...get('ui-preflight', 'OPTIONS /api/stream-ids', '/api/stream-ids', ['live']), method: 'OPTIONS' },
    get('ui-list', 'GET /api/stream-ids', '/api/stream-ids', ['live'], { headers: KEY }),
    get('ui-list-wrong-key', 'GET /api/stream-ids, wrong key', '/api/stream-ids', ['live'], {
      headers: { authorization: 'Bearer x' },
    }),
    {
      ...get('ui-add', 'POST /api/stream-ids', '/api/stream-ids', ['live'], {
        headers: KEY,
        payload: JSON.stringify(pair),
      }),
      method: 'POST',
    },
    {
      ...get('ui-delete', 'DELETE /api/stream-ids/{player}', '/api/stream-ids/live/play/123', ['live'], {
        headers: KEY,
      }),
      method: 'DELETE',
    },
    get('ui-stats', 'GET /stats/{player}', '/stats/play_a', ['live', 'silent']),
    get('ui-stats-unknown', 'GET /stats/{player}, unknown', '/stats/none', ['live']),
  ),
  ...of(
    'NOALBS, type WebSocket',
    { ...get('noalbs-push', 'ws://HOST:8090/ws/stats/play_…', '/ws/stats/play_a', LIVES), port: 'push' },
    { ...get('noalbs-push-key', '/ws/stats?token=KEY', `/ws/stats?token=${ADMIN}`, ['live']), port: 'push' },
    { ...get('noalbs-push-unknown', '/ws/stats/play_…, unknown', '/ws/stats/none', ['live']), port: 'push' },
  ),
  ...of('receiver.sh', { ...get('receiver-key', 'grep in the log', '', ['never live']), port: 'log' }),
  ...of(
    "irlserver's clients",
    get('irlserver-list', 'GET /stats', '/stats', LIVES, { headers: BARE_KEY }),
    get('irlserver-list-no-key', 'GET /stats, no key', '/stats', ['live']),
    get('irlserver-player', 'GET /stats?publisher=play_…', '/stats?publisher=play_a', ['live']),
    get('irlserver-health', 'GET /healthz', '/healthz', ['live']),
    {
      ...disconnect('irlserver-disconnect', 'POST /disconnect?stream=…', 'live_a', 'live'),
      more: { headers: BARE_KEY },
    },
    {
      ...disconnect('irlserver-disconnect-silent', 'POST /disconnect?stream=…', 'live_a', 'silent'),
      more: { headers: BARE_KEY },
    },
    disconnect('irlserver-disconnect-no-key', 'POST /disconnect?stream=…, no key', 'live_a', 'live'),
  ),
];

const snapshotOf = (stream: StreamState) =>
  dataPlaneSnapshot({
    publishers:
      stream === 'live' || stream === 'stalled'
        ? [publisherSnapshot({ lastPayloadMs: stream === 'live' ? 40 : 3_000 })]
        : [],
    players: [],
  });

/** What the first start prints of its key. */
const firstKeyLine = async (): Promise<string> => {
  const { generated } = await KeyStore.open(temporaryFolder());
  return keyLine(generated!).replace(/[0-9A-Za-z]{32}/, '(32 of 0-9A-Za-z)');
};

/** The first message, or the refusal: from a real server, since there is no other way to be asked by a WebSocket. */
const pushedTo = async (deps: TestDeps, url: string): Promise<string> => {
  const { base } = await listeningStats(deps);
  const client = new PushClient(`ws://${base}${url}`);
  const outcome = await client.outcome;
  if (outcome !== 'open') return `${outcome}\n\n${client.refusal}\n`;
  await until('the first message', () => client.frames.length > 0);
  client.socket.terminate();
  return `101\n\n${client.frames[0]}\n`;
};

/** The answer as text: status, what clients read of the headers, body. */
export const answerTo = async ({ name, stream, method, url, port, more }: ClientRow): Promise<string> => {
  const rows = [
    { publisher: 'live_a', player: 'play_a', description: 'Bike' },
    { publisher: 'live/stream123', player: 'live/play/123' },
  ];
  // The plugin asks for links only where a node is its user's own.
  const mode = name === 'plugin-links' ? 'byor' : 'auto';
  const deps = await statsDeps(rows, { TRIBUTARY_STATS_TRUSTED: '192.0.2.10', TRIBUTARY_STATS_LINKS_MODE: mode });
  if (port === 'log') return `${await firstKeyLine()}\n`;
  const { app, watch } = createStatsServer(deps);
  if (stream !== 'never live') {
    deps.view = snapshotOf('live');
    watch.look();
  }
  deps.view = snapshotOf(stream);
  if (port === 'push') return pushedTo(deps, url);
  const server = port === 'links' ? createLinksServer(deps) : app;
  const answer = await server.inject({ remoteAddress: '198.51.100.5', ...more, method, url });
  const shownHeaders = [
    'content-type',
    'access-control-allow-origin',
    'access-control-allow-methods',
    'access-control-allow-headers',
  ];
  const headers = shownHeaders.flatMap((name) =>
    answer.headers[name] === undefined ? [] : `${name}: ${answer.headers[name]}`,
  );
  // The names of links are made anew at each start.
  const body = answer.body
    .replace(/"connection_id":"[0-9a-f]{8}"/g, '"connection_id":"(8 hex)"')
    .replace(/"score":\d{1,3},/, '"score":(0 to 100),');
  return [`${answer.statusCode}`, ...headers, '', body, ''].join('\n');
};

/** The body of an answer, as JSON. */
// biome-ignore lint/suspicious/noExplicitAny: read by each client's own rules
export const bodyOf = (answer: string): any => JSON.parse(answer.slice(answer.indexOf('\n\n') + 2));
