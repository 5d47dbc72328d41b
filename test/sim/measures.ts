import { Histogram } from './histogram.ts';
import type { Simulation } from './simulation.ts';

/** What a run has shown. Packets are media packets unless it says otherwise. */
export interface Measures {
  readonly sent: number;
  /** R copies that the encoder has sent. */
  readonly retransmitted: number;
  /** Numbers of which no first copy reached the node, and R copies that did not. */
  readonly missed: number;
  readonly missedRepeats: number;
  /** `retransmitted` ÷ (`missed` + `missedRepeats`). */
  readonly ratio: number;
  readonly lostAtPlayer: number;
  readonly duplicatedAtPlayer: number;
  readonly inventedAtPlayer: number;
  /** Not played though they had been at the node in time. */
  readonly swallowed: number;
  /** Numbers that the node asked for though their first copy came. */
  readonly askedTooEarly: number;
  /** The same without the first second of each session. */
  readonly askedTooEarlyLater: number;
  readonly handedTwice: number;
  readonly hold: Histogram;
  readonly toNak: Histogram;
  /** Kernel datagrams of the node, in and out, for each payload played. */
  readonly datagramsPerPacket: number;
  /** Copies on links for each SRT ACK of the server. */
  readonly ackCopies: number;
  readonly sessions: number;
  readonly simulatedMs: number;
}

export const ratioOf = (retransmitted: number, missed: number): number =>
  missed === 0 ? (retransmitted === 0 ? 1 : Number.POSITIVE_INFINITY) : retransmitted / missed;

export const measure = (simulation: Simulation): Measures => {
  const { ledgers, node, encoder } = simulation;
  const sum = (of: (ledger: (typeof ledgers)[number]) => number): number =>
    ledgers.reduce((total, ledger) => total + of(ledger), 0);
  const hold = new Histogram();
  const toNak = new Histogram();
  for (const ledger of ledgers) {
    hold.merge(ledger.hold);
    toNak.merge(ledger.toNak);
  }
  const retransmitted = sum((ledger) => ledger.repeats);
  const missed = sum((ledger) => ledger.sent - ledger.reached);
  const missedRepeats = sum((ledger) => ledger.repeats - ledger.repeatsReached);
  const played = sum((ledger) => ledger.played);
  const datagrams = node.fromLinks + node.toLinks + node.fromServers + node.toServers;
  return {
    sent: sum((ledger) => ledger.sent),
    retransmitted,
    missed,
    missedRepeats,
    ratio: ratioOf(retransmitted, missed + missedRepeats),
    lostAtPlayer: sum((ledger) => ledger.lostAtPlayer),
    duplicatedAtPlayer: sum((ledger) => ledger.playedTwice),
    inventedAtPlayer: sum((ledger) => ledger.invented),
    swallowed: sum((ledger) => ledger.swallowed),
    askedTooEarly: sum((ledger) => ledger.askedTooEarly),
    askedTooEarlyLater: sum((ledger) => ledger.askedTooEarlyLater),
    handedTwice: sum((ledger) => ledger.handedTwice),
    hold,
    toNak,
    datagramsPerPacket: datagrams / Math.max(1, played),
    ackCopies: node.linkAcks / Math.max(1, node.serverAcks),
    sessions: encoder.totals.sessions,
    simulatedMs: simulation.elapsedMs,
  };
};
