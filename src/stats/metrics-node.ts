import type { LoopLag } from '../shared/loop-health.ts';
import { counter, gauge, type MetricDefinition, one, type Reading, seconds, snakeCase } from './metrics-definition.ts';
import { CONTROL_STATES, type MetricsView } from './metrics-view.ts';
import { shown } from './timeline.ts';

type Counters = Readonly<Record<string, number>>;

const nodeCounter =
  (name: string) =>
  ({ snapshot }: MetricsView): Reading[] =>
    one(snapshot.counters[name]);

/** The data plane's thread tells its own health among its counters; nothing while it is down. */
const planeLag = ({ loopLagP50Ms, loopLagP99Ms, loopLagMaxMs }: Counters): LoopLag | undefined =>
  loopLagP50Ms === undefined ? undefined : { p50Ms: loopLagP50Ms, p99Ms: loopLagP99Ms ?? 0, maxMs: loopLagMaxMs ?? 0 };

const percentiles = (thread: string, lag: LoopLag | undefined): Reading[] => [
  [seconds(lag?.p50Ms), { thread, percentile: '50' }],
  [seconds(lag?.p99Ms), { thread, percentile: '99' }],
  [seconds(lag?.maxMs), { thread, percentile: '100' }],
];

/** Of a number that main has of itself and the data plane's thread tells. */
const ofThreads = (main: number, plane: number | undefined): Reading[] => [
  [main, { thread: 'main' }],
  [plane, { thread: 'data_plane' }],
];

/** How many there are of each of these kinds, 0 included. */
const tally = (label: string, kinds: readonly string[], all: Iterable<string>): Reading[] => {
  const counts = new Map(kinds.map((kind) => [kind, 0]));
  for (const kind of all) counts.set(kind, (counts.get(kind) ?? 0) + 1);
  return [...counts].map(([kind, count]) => [count, { [label]: kind }]);
};

const ROLES: Readonly<Record<string, string>> = { publish: 'publisher', bond: 'bonded_publisher', play: 'player' };

/** `door.publish.unknown-id` and the like. */
const doors = (counters: Counters): Reading[] =>
  Object.keys(counters)
    .filter((name) => name.startsWith('door.'))
    .map((name) => {
      const [, door = '', result = ''] = name.split('.');
      return [counters[name], { role: ROLES[door] ?? door, result: snakeCase(result) }];
    });

/** The node as a whole: threads, queues, the door. */
export const NODE_METRICS: readonly MetricDefinition[] = [
  gauge('build_info', ['version', 'node', 'libsrt'], 'Always 1: versions of Tributary, Node.js and libsrt.', (view) => [
    [1, { version: view.node.version, node: process.versions.node, libsrt: view.snapshot.srtVersion }],
  ]),
  gauge('data_plane_up', [], '1 while the thread that moves packets is up.', nodeCounter('dataPlaneUp')),
  counter(
    'data_plane_restarts',
    [],
    'How often the thread that moves packets has died and was started anew.',
    nodeCounter('dataPlaneRestarts'),
  ),
  gauge('draining', [], '1 while no new publisher is admitted.', ({ node }) => one(Number(node.draining))),
  gauge('health_score', [], 'How well the node is, 0 to 100, as /health tells.', ({ node }) => one(node.score)),
  counter(
    'hook_events',
    ['result'],
    'Events for webhooks: delivered, failed (given up, or refused) and dropped (no room to wait); not there without webhooks.',
    ({ node: { hooks } }) =>
      hooks
        ? [
            [hooks.delivered, { result: 'delivered' }],
            [hooks.failed, { result: 'failed' }],
            [hooks.dropped, { result: 'dropped' }],
          ]
        : [],
  ),
  gauge('hook_events_waiting', [], 'Events that wait for a webhook, or are under way.', ({ node }) =>
    one(node.hooks?.waiting),
  ),
  gauge('hook_silence_seconds', [], 'Since a webhook has taken an event; not there before the first.', ({ node }) =>
    one(seconds(node.hooks?.silentMs)),
  ),
  gauge(
    'control_state',
    ['state'],
    'How the node stands with its control plane: 1 for the state it is in; not there without a control plane.',
    ({ node: { control } }) =>
      control ? CONTROL_STATES.map((state) => [Number(control.state === state), { state }]) : [],
  ),
  gauge('control_silence_seconds', [], 'Since the control plane was heard.', ({ node }) =>
    one(seconds(node.control?.silentMs)),
  ),
  gauge(
    'control_held_streams',
    [],
    'Stream ids that the control plane has left out, and that are kept until it confirms.',
    ({ node }) => one(node.control?.held),
  ),
  counter(
    'control_refused_removals',
    [],
    'Lists of the control plane that would have taken too many stream ids away at once.',
    ({ node }) => one(node.control?.refusedRemovals),
  ),
  gauge(
    'event_loop_lag_seconds',
    ['thread', 'percentile'],
    'How late timers of a thread were in the last one or two minutes; percentile 100 is the worst. The data plane measures it while somebody publishes or plays.',
    ({ node, snapshot }) => [
      ...percentiles('main', node.loop.lag),
      ...percentiles('data_plane', planeLag(snapshot.counters)),
    ],
  ),
  counter(
    'event_loop_active_seconds',
    ['thread'],
    'For how long the event loop of a thread had something to do; its rate is how busy the thread is.',
    ({ node, snapshot }) => ofThreads(node.loop.activeMs / 1_000, seconds(snapshot.counters.loopActiveMs)),
  ),
  counter('gc_pauses', ['thread'], 'Pauses of a thread to collect garbage.', ({ node, snapshot }) =>
    ofThreads(node.loop.gcPauses, snapshot.counters.gcPauses),
  ),
  counter('gc_paused_seconds', ['thread'], 'How long these pauses were together.', ({ node, snapshot }) =>
    ofThreads(node.loop.gcPausedMs / 1_000, seconds(snapshot.counters.gcPausedMs)),
  ),
  gauge(
    'addon_queue_depth',
    ['queue'],
    'What waits in the native addon for the data plane: events of SRT sockets, datagrams taken out of filling UDP buffers.',
    ({ snapshot }) => [
      [snapshot.counters.srtEventsQueued, { queue: 'srt_events' }],
      [snapshot.srtla.counters.spilledWaiting, { queue: 'udp_spill' }],
    ],
  ),
  counter(
    'lost_messages',
    ['kind'],
    'Log lines and stream events that the data plane could not hand over.',
    ({ snapshot: { counters } }) => [
      [counters.logLinesLost, { kind: 'log_lines' }],
      [counters.eventsLost, { kind: 'events' }],
    ],
  ),
  gauge(
    'unrecorded_objects',
    [],
    'Groups, links, publishers and players beyond what the statistics have room for.',
    nodeCounter('unrecorded'),
  ),
  gauge(
    'metrics_omitted',
    ['kind'],
    'Streams and links that are not shown one by one, because of metrics.maxStreams and metrics.maxLinks.',
    ({ omitted }) => [
      [omitted.streams, { kind: 'streams' }],
      [omitted.links, { kind: 'links' }],
    ],
  ),
  gauge('metrics_scrape_seconds', [], 'What the last scrape has cost the main thread.', ({ node }) =>
    one(seconds(node.lastScrapeMs)),
  ),
  gauge(
    'streams',
    ['state'],
    'Streams by the state of their publisher: live, stalled (no payload for 2 s) or gone (for 5 s).',
    ({ snapshot }) => {
      const states = new Map<string, string>();
      for (const publisher of snapshot.publishers) {
        const state = shown(publisher);
        if (state && states.get(publisher.publisherId) === 'live') continue;
        if (!state && states.has(publisher.publisherId)) continue;
        states.set(publisher.publisherId, state ? (state.stalled ? 'stalled' : 'live') : 'gone');
      }
      return tally('state', ['live', 'stalled', 'gone'], states.values());
    },
  ),
  gauge('publishers', ['source'], 'Open sessions of publishers.', ({ snapshot }) =>
    tally(
      'source',
      ['srt', 'srtla', 'pull'],
      snapshot.publishers.map(({ source }) => source),
    ),
  ),
  gauge('players', ['state'], 'Open sessions of players.', ({ snapshot }) =>
    tally(
      'state',
      ['waiting', 'joining', 'playing'],
      snapshot.players.map(({ state }) => state),
    ),
  ),
  counter('auth', ['role', 'result'], 'What became of callers: accepted, or why they were refused.', ({ snapshot }) =>
    doors(snapshot.counters),
  ),
  counter(
    'sessions_cut',
    ['reason'],
    'Sessions that the node has ended: by a command, a player that was too slow, a bitrate above its ceiling.',
    ({ snapshot: { counters } }) => [
      [counters.kicked, { reason: 'kicked' }],
      [counters.slowPlayers, { reason: 'slow' }],
      [counters.bitrateClosed, { reason: 'bitrate' }],
    ],
  ),
  counter('takeovers', [], 'Silent publishers that another one has replaced.', nodeCounter('takeovers')),
  counter('srt_messages', [], 'SRT messages that were read from publishers.', nodeCounter('messages')),
  counter(
    'srt_readings',
    [],
    'How often the data plane has read the SRT sockets, woken for it or in passing; messages per reading is how well they are coalesced.',
    nodeCounter('wakeups'),
  ),
  counter('events', ['type'], 'What has happened to streams.', ({ node }) =>
    [...node.events.all].map(([type, count]): Reading => [count, { type: snakeCase(type) }]),
  ),
];
