import type { PublisherSnapshot } from '../data-plane/snapshot.ts';
import { QUALITY_LEVELS, QUALITY_STATES } from '../quality/types.ts';
import {
  counter,
  gauge,
  type Labels,
  type MetricDefinition,
  type Reading,
  seconds,
  snakeCase,
} from './metrics-definition.ts';
import type { LinkView, MetricsView, StreamView } from './metrics-view.ts';
import { GONE_AFTER_MS } from './timeline.ts';

type Value = number | undefined;

/** One reading for each stream; none where it has no such value. */
const each =
  (value: (stream: StreamView) => Value) =>
  ({ streams }: MetricsView): Reading[] =>
    streams.map((stream) => [value(stream), stream.labels]);

const several =
  (values: (stream: StreamView) => readonly (readonly [Value, Labels])[]) =>
  ({ streams }: MetricsView): Reading[] =>
    streams.flatMap((stream) => values(stream).map(([value, more]): Reading => [value, stream.labels, more]));

const ofPublisher = (value: (publisher: PublisherSnapshot) => Value) =>
  each(({ publisher }) => publisher && value(publisher));

const isUp = ({ publisher }: StreamView): boolean =>
  publisher !== undefined && publisher.lastPayloadMs <= GONE_AFTER_MS;

/** The worst of the players; undefined where there are none. */
const worst = ({ players }: StreamView, value: (player: StreamView['players'][number]) => number): Value =>
  players.length === 0 ? undefined : Math.max(...players.map(value));

/** As a set of states: all of them are there while one is known. */
const oneOf = (label: string, all: readonly string[], now: string | undefined): (readonly [Value, Labels])[] =>
  now === undefined ? [] : all.map((one) => [Number(one === now), { [label]: one.toLowerCase() }]);

/** Each stream, under its public name. What a session has counted begins with 0 when the encoder connects anew. */
export const STREAM_METRICS: readonly MetricDefinition[] = [
  gauge(
    'stream_up',
    ['stream'],
    '1 while payload comes, 0 when none has for 5 s.',
    each((stream) => Number(isUp(stream))),
  ),
  gauge(
    'stream_silence_seconds',
    ['stream'],
    'Since the last payload; not there while no publisher is.',
    ofPublisher(({ lastPayloadMs }) => seconds(lastPayloadMs)),
  ),
  gauge(
    'stream_players',
    ['stream'],
    'Players of a stream.',
    each(({ players }) => players.length),
  ),
  counter(
    'stream_received_bytes',
    ['stream'],
    'Payload of a publisher that was delivered.',
    ofPublisher(({ payloadBytes }) => payloadBytes),
  ),
  gauge(
    'stream_latency_seconds',
    ['stream'],
    'SRT latency that was agreed with the publisher.',
    ofPublisher(({ latencyMs }) => seconds(latencyMs)),
  ),
  counter(
    'stream_events',
    ['stream', 'type'],
    'What has happened to a stream: links that joined and left, takeovers, refusals, …',
    several(({ events }) => [...events].map(([type, count]) => [count, { type: snakeCase(type) }])),
  ),
  gauge(
    'stream_quality_level',
    ['stream', 'level'],
    'The name of what arrives: 1 for it, 0 for the others.',
    several(({ quality }) => oneOf('level', QUALITY_LEVELS, quality?.level)),
  ),
  gauge(
    'stream_quality_advice',
    ['stream', 'level'],
    'What the encoder should send: 1 for it, 0 for the others; not there where streams are only observed.',
    several(({ quality }) => oneOf('level', QUALITY_LEVELS, quality?.advice)),
  ),
  gauge(
    'stream_quality_state',
    ['stream', 'state'],
    'How the stream is judged: 1 for its state, 0 for the others.',
    several(({ quality }) => oneOf('state', QUALITY_STATES, quality?.state)),
  ),
  counter(
    'ts_continuity_errors',
    ['stream'],
    'Gaps in the continuity counters of the transport stream that was delivered.',
    ofPublisher(({ continuityErrors }) => continuityErrors),
  ),
  counter(
    'srt_packets',
    ['stream', 'direction', 'kind'],
    'SRT packets from the publisher (in) and to all players together (out).',
    several(({ publisher, players, sent }) => [
      ...(publisher
        ? ([
            [publisher.stats.pktRecvTotal, { direction: 'in', kind: 'received' }],
            [publisher.stats.pktRcvLossTotal, { direction: 'in', kind: 'lost' }],
            [publisher.stats.pktRcvRetransTotal, { direction: 'in', kind: 'retransmitted' }],
            [publisher.stats.pktRcvDropTotal, { direction: 'in', kind: 'dropped' }],
          ] satisfies [Value, Labels][])
        : []),
      ...(players.length > 0 || sent.packets > 0
        ? ([
            [sent.packets, { direction: 'out', kind: 'sent' }],
            [sent.lostPackets, { direction: 'out', kind: 'lost' }],
            [sent.retransmittedPackets, { direction: 'out', kind: 'retransmitted' }],
            [sent.droppedPackets, { direction: 'out', kind: 'dropped' }],
          ] satisfies [Value, Labels][])
        : []),
    ]),
  ),
  gauge(
    'srt_rtt_seconds',
    ['stream', 'role'],
    'Round trip of the SRT session of the publisher, and the longest of those of players.',
    several((stream) => [
      [seconds(stream.publisher?.stats.rttMs), { role: 'publisher' }],
      [seconds(worst(stream, ({ stats }) => stats.rttMs)), { role: 'player' }],
    ]),
  ),
  gauge(
    'srt_receive_buffer_seconds',
    ['stream'],
    'What libsrt holds of the publisher until it is due.',
    ofPublisher(({ stats }) => seconds(stats.rcvBufMs)),
  ),
  gauge(
    'player_backlog_bytes',
    ['stream'],
    'What the slowest player of a stream has not acknowledged yet.',
    each((stream) => worst(stream, ({ stats }) => stats.sndBufBytes)),
  ),
  counter(
    'player_dropped_messages',
    ['stream'],
    'Messages that players of a stream were not given, or not in time.',
    each(({ players, sent }) => (players.length > 0 || sent.packets > 0 ? sent.droppedMessages : undefined)),
  ),
  counter(
    'srtla_received_bytes',
    ['stream'],
    'Bytes of SRT datagrams that came over all links of a bonded stream.',
    each(({ group }) => group?.totalBytes),
  ),
  counter(
    'srtla_stream_losses',
    ['stream', 'kind'],
    'Data packets of the latest session taken for lost on all links; those that came late after all, were repaired, or not in time.',
    several(({ group }) =>
      group?.lossesExact
        ? [
            [group.losses.lost, { kind: 'lost' }],
            [group.losses.falselyLost, { kind: 'late' }],
            [group.losses.repaired, { kind: 'repaired' }],
            [group.losses.unrepaired, { kind: 'unrepaired' }],
          ]
        : [],
    ),
  ),
];

const eachLink =
  (value: (link: LinkView['link']) => Value) =>
  ({ links }: MetricsView): Reading[] =>
    links.map(({ labels, link }) => [value(link), labels]);

const LINK = ['stream', 'link'];
const KIND = {
  unique: { kind: 'unique' },
  retransmitted: { kind: 'retransmitted' },
  duplicate: { kind: 'duplicate' },
  lost: { kind: 'lost' },
  late: { kind: 'late' },
};

/** Each link of each stream. */
export const LINK_METRICS: readonly MetricDefinition[] = [
  gauge(
    'srtla_link_info',
    [...LINK, 'carrier', 'kind', 'country'],
    'Always 1: who carries the link, where a database tells.',
    ({ links, node }) =>
      links.map(({ labels, link }) => {
        const { label = '', kind = 'unknown', country = '' } = node.carriers.of(link.address) ?? {};
        return [1, labels, { carrier: label, kind, country }];
      }),
  ),
  gauge(
    'srtla_link_up',
    LINK,
    '1 while something comes by the link, 0 while it is quiet.',
    eachLink(({ state }) => Number(state === 'active')),
  ),
  counter(
    'srtla_link_received_bytes',
    LINK,
    'Bytes of SRT datagrams that came by the link.',
    eachLink(({ bytes }) => bytes),
  ),
  counter(
    'srtla_link_packets',
    [...LINK, 'kind'],
    'Data packets of the link: first copies, retransmissions, duplicates, those that it has certainly lost, and of these those that came late after all.',
    ({ links }) =>
      links.flatMap(({ labels, link }): Reading[] => [
        [link.uniquePackets, labels, KIND.unique],
        [link.retransmittedPackets, labels, KIND.retransmitted],
        [link.duplicatePackets, labels, KIND.duplicate],
        [link.lostPackets, labels, KIND.lost],
        [link.falselyLostPackets, labels, KIND.late],
      ]),
  ),
  gauge(
    'srtla_link_rtt_seconds',
    LINK,
    'Round trip of the link, where it is known.',
    eachLink(({ roundTrip }) => seconds(roundTrip?.ms)),
  ),
  gauge(
    'srtla_link_jitter_seconds',
    LINK,
    'Mean difference between the delays of neighbouring packets.',
    eachLink(({ jitterMs }) => seconds(jitterMs)),
  ),
  gauge(
    'srtla_link_skew_seconds',
    LINK,
    'How much later than on the fastest link packets arrive.',
    eachLink(({ skewMs }) => seconds(skewMs)),
  ),
  counter(
    'srtla_link_rebinds',
    LINK,
    'How often the link was found again behind another address.',
    eachLink(({ rebinds }) => rebinds),
  ),
];
