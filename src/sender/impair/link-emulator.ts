import type { Millis } from '../../shared/clock.ts';
import { FlightQueue } from './flight-queue.ts';
import type { LinkConditions } from './link-conditions.ts';
import { LinkModel, type LinkTotals } from './link-model.ts';

/** A timer is late by half a millisecond on average: what is due within that goes with the others. */
const EARLY_MS: Millis = 0.5;
/** Lateness is counted in buckets of a millisecond. */
const LATENESS_BUCKETS = 256;

export interface EmulatorOptions {
  /** A datagram has crossed a link towards the receiver. */
  readonly deliverUp: (link: number, bytes: Uint8Array) => void;
  /** A datagram has crossed a link back to the sender. */
  readonly deliverDown: (link: number, bytes: Uint8Array) => void;
  /** A link has taken a datagram towards the receiver; it comes out at `dueMs`, or would have where `arrives` is false. */
  readonly onUp?: (bytes: Uint8Array, arrives: boolean, dueMs: Millis) => void;
  readonly clock: () => Millis;
  readonly seed?: number;
}

/** How late datagrams came out, against what the model said. */
export interface EmulatorLateness {
  p50Ms: Millis;
  p99Ms: Millis;
  maxMs: Millis;
}

/** Of both directions; what is left out is perfect at first, and stays as it is later. */
export interface WayConditions {
  readonly up: Partial<LinkConditions>;
  readonly down: Partial<LinkConditions>;
}

interface Way {
  readonly up: LinkModel;
  readonly down: LinkModel;
}

/**
 * Both directions of every link, in real time: the models say what happens to a datagram and when, one timer lets it out then. Nothing
 * is lost here but what a model loses.
 */
export class LinkEmulator {
  readonly #options: EmulatorOptions;
  readonly #ways = new Map<number, Way>();
  readonly #flights = new FlightQueue();
  readonly #lateness = new Uint32Array(LATENESS_BUCKETS);
  #latestMs: Millis = 0;
  #timer: NodeJS.Timeout | undefined;
  /** When the timer goes off; infinity while there is none. */
  #timerMs: Millis = Number.POSITIVE_INFINITY;

  constructor(options: EmulatorOptions) {
    this.#options = options;
  }

  add(link: number, { up, down }: WayConditions): void {
    const seed = (this.#options.seed ?? 1) + 2 * link;
    this.#ways.set(link, { up: new LinkModel(up, seed), down: new LinkModel(down, seed + 1) });
  }

  /** What is on its way is lost. */
  remove(link: number): void {
    this.#ways.delete(link);
  }

  /** From the next datagram on. */
  change(link: number, { up, down }: WayConditions): void {
    const way = this.#ways.get(link);
    if (way === undefined) return;
    Object.assign(way.up.conditions, up);
    Object.assign(way.down.conditions, down);
  }

  /** Towards the receiver. `bytes` must not be written to afterwards. */
  sendUp(link: number, bytes: Uint8Array): void {
    const way = this.#ways.get(link);
    if (way === undefined) return;
    const copies = this.#enter(way.up, 2 * link, bytes);
    this.#options.onUp?.(bytes, copies > 0, way.up.arrivalMs);
  }

  /** Back from the receiver. `bytes` must not be written to afterwards. */
  sendDown(link: number, bytes: Uint8Array): void {
    const way = this.#ways.get(link);
    if (way !== undefined) this.#enter(way.down, 2 * link + 1, bytes);
  }

  totals(link: number): { up: LinkTotals; down: LinkTotals } | undefined {
    const way = this.#ways.get(link);
    return way === undefined ? undefined : { up: { ...way.up.totals }, down: { ...way.down.totals } };
  }

  lateness(): EmulatorLateness {
    const count = this.#lateness.reduce((sum, each) => sum + each, 0);
    const quantile = (share: number): Millis => {
      let seen = 0;
      const bucket = this.#lateness.findIndex((each) => {
        seen += each;
        return seen >= count * share;
      });
      return count === 0 ? 0 : bucket;
    };
    return { p50Ms: quantile(0.5), p99Ms: quantile(0.99), maxMs: this.#latestMs };
  }

  close(): void {
    clearTimeout(this.#timer);
    this.#flights.clear();
    this.#ways.clear();
  }

  #enter(model: LinkModel, route: number, bytes: Uint8Array): 0 | 1 | 2 {
    const copies = model.send(bytes.length, this.#options.clock());
    if (copies > 0) this.#flights.add(model.arrivalMs, route, bytes);
    if (copies > 1) this.#flights.add(model.secondArrivalMs, route, bytes);
    if (this.#flights.nextMs < this.#timerMs) this.#arm();
    return copies;
  }

  #arm(): void {
    clearTimeout(this.#timer);
    const nextMs = this.#flights.nextMs;
    this.#timerMs = nextMs;
    if (nextMs === Number.POSITIVE_INFINITY) return;
    this.#timer = setTimeout(this.#run, Math.max(0, nextMs - this.#options.clock()));
  }

  readonly #run = (): void => {
    const { clock, deliverUp, deliverDown } = this.#options;
    const now = clock();
    for (let flight = this.#flights.take(now + EARLY_MS); flight; flight = this.#flights.take(now + EARLY_MS)) {
      const lateMs = Math.max(0, now - flight.dueMs);
      this.#lateness[Math.min(LATENESS_BUCKETS - 1, Math.floor(lateMs))]!++;
      this.#latestMs = Math.max(this.#latestMs, lateMs);
      const link = flight.route >> 1;
      if (!this.#ways.has(link)) continue;
      if ((flight.route & 1) === 0) deliverUp(link, flight.bytes);
      else deliverDown(link, flight.bytes);
    }
    this.#arm();
  };
}
