import type { DataPlaneSnapshot } from '../data-plane/snapshot.ts';
import type { Millis } from '../shared/clock.ts';

/** Of the machine and the process. */
export interface Load {
  /** 99th percentile of what the main thread is late, ms. */
  lagMs: Millis;
  /** Load average of a minute for each core. */
  perCore: number;
  /** Of the memory that the process may have, 0 to 1. */
  memory: number;
}

const HIGH_LAG_MS: Millis = 50;
const HIGH_LOSS = 0.05;
/** Streams below this are left out of the loss: a handful of packets says nothing. */
const LEAST_KBPS = 200;

const part = (points: number, share: number): number => points * Math.min(1, Math.max(0, share));

/** What the score is the sum of; 30, 25, 25 and 20 at most. */
export interface HealthParts {
  readonly alive: number;
  readonly capacity: number;
  readonly loss: number;
  readonly load: number;
}

type View = Pick<DataPlaneSnapshot, 'counters' | 'publishers'>;

/** @param maxPublishers that the node is made for @param loss payload lost for good in the last minute, 0 to 1 */
export const healthParts = (
  { counters, publishers }: View,
  maxPublishers: number,
  loss: number,
  load: Load,
): HealthParts =>
  counters.dataPlaneUp === 0
    ? { alive: 0, capacity: 0, loss: 0, load: 0 }
    : {
        alive: 20 + part(10, load.lagMs < HIGH_LAG_MS ? 1 : 0),
        capacity: part(25, 1 - publishers.length / maxPublishers),
        loss: part(25, 1 - loss / HIGH_LOSS),
        load: part(20, 1 - Math.max(load.perCore, load.memory)),
      };

/** 0 to 100, whole. */
export const scoreOf = ({ alive, capacity, loss, load }: HealthParts): number =>
  Math.round(alive + capacity + loss + load);

/** As `healthParts`. @returns 0 to 100, whole */
export const healthScore = (view: View, maxPublishers: number, loss: number, load: Load): number =>
  scoreOf(healthParts(view, maxPublishers, loss, load));

interface Totals {
  received: number;
  dropped: number;
}

const LOOKS = 12;

/** What part of the payload was lost for good, over the last twelve looks. */
export class LossWindow {
  readonly #before = new Map<string, Totals>();
  readonly #looks: Totals[] = [];

  /** To be told every five seconds. */
  look({ publishers }: Pick<DataPlaneSnapshot, 'publishers'>): void {
    const sum: Totals = { received: 0, dropped: 0 };
    const seen = new Set<string>();
    for (const { publisherId, uptimeMs, bitrateKbps, stats } of publishers) {
      const name = publisherId;
      const before = this.#before.get(name);
      const now = { received: stats.pktRecvTotal, dropped: stats.pktRcvDropTotal };
      seen.add(name);
      this.#before.set(name, now);
      // A new session counts from 0 again.
      const isSame = before !== undefined && now.received >= before.received && now.dropped >= before.dropped;
      if (!isSame || bitrateKbps < LEAST_KBPS || uptimeMs <= 0) continue;
      sum.received += now.received - before.received;
      sum.dropped += now.dropped - before.dropped;
    }
    for (const name of this.#before.keys()) if (!seen.has(name)) this.#before.delete(name);
    this.#looks.push(sum);
    if (this.#looks.length > LOOKS) this.#looks.shift();
  }

  /** 0 to 1. */
  get loss(): number {
    const received = this.#looks.reduce((sum, one) => sum + one.received, 0);
    const dropped = this.#looks.reduce((sum, one) => sum + one.dropped, 0);
    return received + dropped === 0 ? 0 : dropped / (received + dropped);
  }
}
