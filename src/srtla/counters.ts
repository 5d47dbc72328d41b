/** One counter for each kind of drop and event. All cumulative; the names appear in snapshots. */
export const COUNTER_NAMES = [
  // Datagrams that went on.
  'toServer',
  'toLinks',
  'srtlaAcks',
  'keepalives',
  // Registration.
  'reg1Answered',
  'reg3Sent',
  'ngpSent',
  'regErrSent',
  /** Answers that were not given because a source, or everybody together, was over budget. */
  'answersOverBudget',
  /** REG2 with a valid id that were not answered because a source, or everybody together, was over budget. */
  'joinsOverBudget',
  'groupsEvicted',
  /** Ended because no session was accepted in time. */
  'groupsWithoutSession',
  'linksEvicted',
  'linksMoved',
  /** New addresses that were taken for those of silent links. */
  'linkRebinds',
  // Dropped: from anybody.
  'tooLong',
  'strangers',
  'registrationLength',
  // Dropped: from links.
  'tooShort',
  /** 0x9000–0x9FFF and 0xA000, 0xA001 with no meaning here. */
  'srtlaUnknown',
  'controlUnknown',
  'handshakeTruncated',
  /** Neither an induction nor a conclusion of the encoder that opened the session. */
  'handshakeUnexpected',
  /** A late copy of an induction whose session is up: answering it would confuse encoders. */
  'inductionLate',
  'sessionsOverBudget',
  /** Datagrams of groups that send more than any encoder does. */
  'overGroupCeiling',
  'handshakesOverBudget',
  /** Tries of a stream id that has failed too often from this source: the encoder's next try is heard again. */
  'conclusionsDelayed',
  'beforeAcceptance',
  'foreignDestination',
  'shutdownRepeated',
  /** Extended keepalives of a version that is not known: echoed, not read. */
  'telemetryUnknown',
  // Repair.
  /** Data packets that had come by another link, or before: not handed over again. */
  'duplicatesDropped',
  /** Asked for, because no link could bring them any more. */
  'packetsLost',
  /** Of these, those that came after all. */
  'packetsFalselyLost',
  'packetsRepaired',
  /** Not there when they were to be played. */
  'packetsUnrepaired',
  'naksSent',
  /** NAKs of the SRT server, which asks for what is only late as well. */
  'naksFiltered',
  /** Packets that the SRT server lacked although they were handed over, and those of them that were handed over again. */
  'hopLosses',
  'hopResent',
  /** Answers to copies of an ACK that another copy's answer has overtaken. */
  'ackAcksRepeated',
  /** First answers that came by a slow link: a round trip that is not the session's. */
  'ackAcksSlow',
  /** Copies of ACKs that a secondary link was spared. */
  'acksThinned',
  /** The encoder has begun to count anew within a session. */
  'lossRestarts',
  // Sessions.
  'sessionsOpened',
  'sessionsAccepted',
  'sessionsRejected',
  'sessionsSuperseded',
  // From the server, dropped.
  'serverTooShort',
  'serverTooLong',
  'serverUnknownType',
  'serverUnknownSession',
  /** Packets of a session whose encoder has already begun a newer one. */
  'serverSuperseded',
  /** No link had sent a packet yet, or none was left. */
  'serverNoLink',
] as const;

export type CounterName = (typeof COUNTER_NAMES)[number];

/** Index of each counter in `Counters.values`. */
export const COUNTER = Object.fromEntries(COUNTER_NAMES.map((name, index) => [name, index])) as Readonly<
  Record<CounterName, number>
>;

export class Counters {
  /** Doubles in one block: counting allocates nothing. */
  readonly values = new Float64Array(COUNTER_NAMES.length);

  count(index: number): void {
    this.values[index]! += 1;
  }

  snapshot(): Record<CounterName, number> {
    return Object.fromEntries(COUNTER_NAMES.map((name, index) => [name, this.values[index]!])) as Record<
      CounterName,
      number
    >;
  }
}
