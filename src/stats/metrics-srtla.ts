import type { UDP_COUNTERS } from '../shared/addon.ts';
import type { CounterName } from '../srtla/counters.ts';
import { counter, gauge, type MetricDefinition, one, type Reading, snakeCase } from './metrics-definition.ts';
import type { MetricsView } from './metrics-view.ts';

type UdpCounter = (typeof UDP_COUNTERS)[number] | 'linkSocketErrors' | 'serverSocketErrors';
type Name = CounterName | UdpCounter;

/** Counters of the SRTLA stage, each with the value of the label. The transport without the addon counts fewer. */
const labelled =
  (label: string, values: Readonly<Partial<Record<Name, string>>>) =>
  ({ snapshot }: MetricsView): Reading[] =>
    Object.entries(values).map(([name, text]) => [snapshot.srtla.counters[name], { [label]: text }]);

const plain =
  (name: Name) =>
  ({ snapshot }: MetricsView): Reading[] =>
    one(snapshot.srtla.counters[name]);

const DROPS = [
  'tooLong',
  'strangers',
  'registrationLength',
  'tooShort',
  'srtlaUnknown',
  'controlUnknown',
  'handshakeTruncated',
  'handshakeUnexpected',
  'inductionLate',
  'sessionsOverBudget',
  'overGroupCeiling',
  'handshakesOverBudget',
  'conclusionsDelayed',
  'beforeAcceptance',
  'foreignDestination',
  'shutdownRepeated',
  'telemetryUnknown',
  'serverTooShort',
  'serverTooLong',
  'serverUnknownType',
  'serverUnknownSession',
  'serverSuperseded',
  'serverNoLink',
] as const satisfies readonly CounterName[];

const countLinks = ({ snapshot }: MetricsView): Reading[] => {
  let active = 0;
  let quiet = 0;
  for (const group of snapshot.srtla.groups)
    for (const link of group.links) link.state === 'active' ? active++ : quiet++;
  return [
    [active, { state: 'active' }],
    [quiet, { state: 'quiet' }],
  ];
};

/** The SRTLA stage, all streams together: registration, repair, sockets. */
export const SRTLA_METRICS: readonly MetricDefinition[] = [
  gauge(
    'srtla_groups',
    ['state'],
    'Bonded senders: accepted, or pending while no session of theirs was.',
    ({ snapshot }) => {
      const accepted = snapshot.srtla.groups.filter(({ sessionAccepted }) => sessionAccepted).length;
      return [
        [accepted, { state: 'accepted' }],
        [snapshot.srtla.groups.length - accepted, { state: 'pending' }],
      ];
    },
  ),
  gauge(
    'srtla_links',
    ['state'],
    'Links of bonded senders: active, or quiet when nothing has come lately.',
    countLinks,
  ),
  counter(
    'srtla_registrations',
    ['result'],
    'Registration datagrams by what they got: an id (REG2), a link (REG3), an unknown group, an error, or nothing (over_budget).',
    ({ snapshot: { srtla } }) => {
      const { answersOverBudget = 0, joinsOverBudget = 0, reg1Dropped = 0, reg2Dropped = 0 } = srtla.counters;
      return [
        [srtla.counters.reg1Answered, { result: 'id' }],
        [srtla.counters.reg3Sent, { result: 'link' }],
        [srtla.counters.ngpSent, { result: 'no_group' }],
        [srtla.counters.regErrSent, { result: 'error' }],
        [answersOverBudget + joinsOverBudget + reg1Dropped + reg2Dropped, { result: 'over_budget' }],
      ];
    },
  ),
  counter('srtla_keepalives', [], 'Keepalives of links.', plain('keepalives')),
  counter('srtla_acks', [], 'SRTLA acknowledgements that were sent.', plain('srtlaAcks')),
  counter(
    'srtla_groups_ended',
    ['reason'],
    'Groups that ended before their time: evicted for a newcomer, or without a session that was accepted.',
    labelled('reason', { groupsEvicted: 'evicted', groupsWithoutSession: 'no_session' }),
  ),
  counter(
    'srtla_links_changed',
    ['reason'],
    'Links that were evicted for a newer one, have moved to another group, or were found again behind another address.',
    labelled('reason', { linksEvicted: 'evicted', linksMoved: 'moved', linkRebinds: 'rebound' }),
  ),
  counter(
    'srtla_sessions',
    ['result'],
    'SRT sessions of bonded senders.',
    labelled('result', {
      sessionsOpened: 'opened',
      sessionsAccepted: 'accepted',
      sessionsRejected: 'rejected',
      sessionsSuperseded: 'superseded',
    }),
  ),
  counter(
    'srtla_forwarded_packets',
    ['to'],
    'Datagrams that went on: to the SRT server, and back to links.',
    labelled('to', { toServer: 'server', toLinks: 'links' }),
  ),
  counter('srtla_dropped_packets', ['reason'], 'Datagrams that were dropped.', ({ snapshot }) =>
    DROPS.map((name) => [snapshot.srtla.counters[name], { reason: snakeCase(name) }]),
  ),
  counter('srtla_duplicate_packets', [], 'Data packets that had come already.', plain('duplicatesDropped')),
  counter(
    'srtla_losses',
    ['kind'],
    'Data packets taken for lost on all links; of these, those that came late after all, were repaired, or never came in time.',
    labelled('kind', {
      packetsLost: 'lost',
      packetsFalselyLost: 'late',
      packetsRepaired: 'repaired',
      packetsUnrepaired: 'unrepaired',
    }),
  ),
  counter(
    'srtla_naks',
    ['action'],
    'NAKs: sent to senders for what is certainly lost, and filtered ones of libsrt, which asks for what is only late as well.',
    labelled('action', { naksSent: 'sent', naksFiltered: 'filtered' }),
  ),
  counter(
    'srtla_hop_losses',
    ['kind'],
    'Packets that were lost between the SRTLA stage and libsrt, and those that were handed over again.',
    labelled('kind', { hopLosses: 'lost', hopResent: 'resent' }),
  ),
  counter('srtla_loss_restarts', [], 'Encoders that began to count anew within a session.', plain('lossRestarts')),
  counter(
    'srtla_ack_copies',
    ['kind'],
    'Copies of SRT ACKs: thinned out on secondary links, answered after another copy, answered by a slow link.',
    labelled('kind', { acksThinned: 'thinned', ackAcksRepeated: 'repeated', ackAcksSlow: 'slow' }),
  ),
  counter(
    'udp_datagrams',
    ['direction'],
    'Datagrams of the SRTLA stage.',
    labelled('direction', { receivedDatagrams: 'received', sentDatagrams: 'sent' }),
  ),
  counter(
    'udp_calls',
    ['direction'],
    'System calls for them; datagrams per call is how well they are coalesced.',
    labelled('direction', { receiveCalls: 'received', sendCalls: 'sent' }),
  ),
  counter(
    'udp_segmented_runs',
    [],
    'Runs of datagrams that the kernel has cut up (UDP_SEGMENT).',
    plain('segmentedRuns'),
  ),
  counter('udp_wakeups', [], 'How often datagrams have woken the data plane.', plain('wakeups')),
  counter(
    'udp_spilled_datagrams',
    [],
    'Datagrams taken out of a filling receive buffer while the data plane was away.',
    plain('spilledDatagrams'),
  ),
  counter(
    'udp_kernel_drops',
    ['socket'],
    'Datagrams that full receive buffers have cost: of links, of the SRTLA stage towards libsrt, of libsrt itself.',
    ({ snapshot }) => [
      [snapshot.srtla.counters.linkKernelDrops, { socket: 'links' }],
      [snapshot.srtla.counters.serverKernelDrops, { socket: 'server' }],
      [snapshot.counters.srtKernelDrops, { socket: 'srt' }],
    ],
  ),
  counter(
    'udp_send_drops',
    ['socket'],
    'Datagrams that the kernel had no room for.',
    labelled('socket', { linkSendsDropped: 'links', serverSendsDropped: 'server' }),
  ),
  counter(
    'udp_errors',
    ['socket'],
    'Other failures of sending and receiving; server_refused: the port of the SRT server was closed.',
    labelled('socket', { linkSocketErrors: 'links', serverSocketErrors: 'server', serverRefused: 'server_refused' }),
  ),
];
