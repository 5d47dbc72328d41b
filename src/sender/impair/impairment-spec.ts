import { TributaryError } from '../../shared/errors.ts';
import { type LinkConditions, PERFECT_LINK } from './link-conditions.ts';

/** What one uplink goes through, in both directions. */
export interface LinkImpairment {
  /** Towards the receiver. */
  readonly up: LinkConditions;
  /** Back from it. */
  readonly down: LinkConditions;
  /** A NAT gives the link another port each time so much has passed; 0 = never. */
  readonly rebindMs: number;
}

export const IMPAIR_HELP: readonly (readonly [word: string, meaning: string])[] = [
  ['30±10ms', 'one-way delay, all of it within ±10 ms, in order (also 30+-10ms)'],
  ['loss=0.5%', 'each datagram by itself'],
  ['burst=1%/20%', 'bursts of loss: the chances to enter and to leave one'],
  ['rate=4M', 'bit/s (500k, 4M)'],
  ['queue=200ms', 'what may wait for that rate (also 256K); the rest is dropped'],
  ['blackout=600ms/4s', 'nothing gets through for the last 600 ms of every 4 s'],
  ['flap=3s/1s', 'up for 3 s, down for 1 s'],
  ['reorder=0.5%:5-30ms', 'so many are late by so much, and overtaken'],
  ['dup=1%', 'arrives twice'],
  ['rebind=20s', 'another source port that often, as behind a NAT'],
  ['up.…, down.…', 'before a word: only to the receiver, only from it'],
  ['none', 'no impairment'],
];

const MEND = 'write for instance 30±10ms,loss=0.5%,rate=4M (see ./tributary send --help)';
const DAY_MS = 86_400_000;

const bad = (item: string, why: string): TributaryError =>
  new TributaryError('TRIBUTARY_BAD_ARGUMENT', `--impair: "${item}" ${why}`, MEND);

const NUMBER = '\\d+(?:\\.\\d+)?';
const DURATION = new RegExp(`^(${NUMBER})(ms|s)$`);
const DELAY = new RegExp(`^(${NUMBER})(ms|s)?(?:(?:±|\\+-|\\+/-)(${NUMBER})(ms|s)?)?$`);

type Pieces = Partial<LinkConditions> & { rebindMs?: number };

/** Reads one value; each complaint names the whole item. */
class Reader {
  readonly #item: string;

  constructor(item: string) {
    this.#item = item;
  }

  share(text: string | undefined): number {
    const match = new RegExp(`^(${NUMBER})%$`).exec(text ?? '');
    const share = match === null ? Number.NaN : Number(match[1]) / 100;
    if (!(share <= 1)) throw bad(this.#item, 'wants a share from 0% to 100%');
    return share;
  }

  durationMs(text: string | undefined): number {
    const match = DURATION.exec(text ?? '');
    const ms = match === null ? Number.NaN : Number(match[1]) * (match[2] === 's' ? 1_000 : 1);
    if (!(ms <= DAY_MS)) throw bad(this.#item, 'wants a time such as 600ms or 4s');
    return ms;
  }

  /** `5-30ms`, `5ms-30ms` */
  span(text: string | undefined): [from: number, to: number] {
    const [first = '', last, ...rest] = (text ?? '').split('-');
    const to = this.durationMs(last ?? first);
    const from =
      last === undefined ? 0 : this.durationMs(/[a-z]$/.test(first) ? first : `${first}${last.replace(/[\d.]/g, '')}`);
    if (rest.length > 0 || from > to) throw bad(this.#item, 'wants times such as 5-30ms');
    return [from, to];
  }

  /** Of `A/B` or `A/B/C`. */
  parts(text: string, least: number, most: number): string[] {
    const parts = text.split('/');
    if (parts.length >= least && parts.length <= most) return parts;
    throw bad(this.#item, `wants ${least === most ? least : `${least} or ${most}`} values with / between them`);
  }

  /** Bits a second, in kbit/s. */
  rateKbps(text: string): number {
    const match = new RegExp(`^(${NUMBER})([kM])(?:bit(?:/s)?)?$`).exec(text);
    const kbps = match === null ? Number.NaN : Number(match[1]) * (match[2] === 'M' ? 1_000 : 1);
    if (kbps > 0) return kbps;
    throw bad(this.#item, 'wants bit/s such as 500k or 4M');
  }

  queue(text: string): Pieces {
    if (DURATION.test(text)) return { queueMs: this.durationMs(text), queueBytes: Number.POSITIVE_INFINITY };
    const match = new RegExp(`^(${NUMBER})([KM])B?$`).exec(text);
    const bytes = match === null ? 0 : Number(match[1]) * 1024 ** (match[2] === 'M' ? 2 : 1);
    if (bytes > 0) return { queueBytes: bytes, queueMs: 0 };
    throw bad(this.#item, 'wants a size such as 256K or a time such as 200ms');
  }

  delay(text: string): Pieces {
    const match = DELAY.exec(text);
    const unit = match?.[4] ?? match?.[2];
    if (match === null || unit === undefined) throw bad(this.#item, 'is no delay such as 30ms or 30±10ms');
    const factor = unit === 's' ? 1_000 : 1;
    const pieces = { delayMs: Number(match[1]) * factor, jitterMs: Number(match[3] ?? 0) * factor };
    if (pieces.delayMs > DAY_MS || pieces.jitterMs > DAY_MS) throw bad(this.#item, 'is longer than a day');
    return pieces;
  }

  /** For so long at the end of every so long. */
  blackout(forMs: number, everyMs: number): Pieces {
    if (!(forMs < everyMs)) throw bad(this.#item, 'must leave some of the time');
    return { blackout: { forMs, everyMs } };
  }
}

type Read = (value: string, reader: Reader) => Pieces;

const KEYS: ReadonlyMap<string, Read> = new Map<string, Read>([
  ['delay', (value, reader) => reader.delay(value)],
  ['loss', (value, reader) => ({ lossRate: reader.share(value) })],
  ['dup', (value, reader) => ({ duplicateRate: reader.share(value) })],
  ['rate', (value, reader) => ({ rateKbps: reader.rateKbps(value) })],
  ['queue', (value, reader) => reader.queue(value)],
  ['rebind', (value, reader) => ({ rebindMs: reader.durationMs(value) })],
  [
    'burst',
    (value, reader) => {
      const [enter, leave, loss = '100%'] = reader.parts(value, 2, 3);
      const burst = { enterRate: reader.share(enter), leaveRate: reader.share(leave), lossRate: reader.share(loss) };
      return { burst };
    },
  ],
  [
    'blackout',
    (value, reader) => {
      const [forMs, everyMs] = reader.parts(value, 2, 2);
      return reader.blackout(reader.durationMs(forMs), reader.durationMs(everyMs));
    },
  ],
  [
    'flap',
    (value, reader) => {
      const [up, down] = reader.parts(value, 2, 2).map((part) => reader.durationMs(part));
      return reader.blackout(down!, up! + down!);
    },
  ],
  [
    'reorder',
    (value, reader) => {
      const [share, span] = value.split(':');
      const [reorderMinMs, reorderMaxMs] = reader.span(span);
      return { reorderRate: reader.share(share), reorderMinMs, reorderMaxMs };
    },
  ],
]);

const ITEM = /^(?:(up|down)\.)?([a-z]+)=(.+)$/;

/**
 * One link's impairment, such as `30±10ms,loss=0.5%,rate=4M`; the words are those of `IMPAIR_HELP`.
 * @throws TributaryError TRIBUTARY_BAD_ARGUMENT, which names the item
 */
export const parseImpairment = (text: string): LinkImpairment => {
  const up: LinkConditions = { ...PERFECT_LINK };
  const down: LinkConditions = { ...PERFECT_LINK };
  let rebindMs = 0;
  const items = text.split(',').map((part) => part.trim());
  if (items.length === 1 && items[0] === 'none') return { up, down, rebindMs };
  for (const item of items) {
    const [, direction, key = '', value = ''] = ITEM.exec(item) ?? [];
    const reader = new Reader(item);
    const read = KEYS.get(key);
    if (key !== '' && read === undefined) throw bad(item, `is not known; known: ${[...KEYS.keys()].join(', ')}`);
    const { rebindMs: rebind, ...conditions } = read === undefined ? reader.delay(item) : read(value, reader);
    if (rebind !== undefined) {
      if (direction !== undefined) throw bad(item, 'has no direction');
      if (rebind < 1_000) throw bad(item, 'wants a second at least');
      rebindMs = rebind;
    }
    if (direction !== 'down') Object.assign(up, conditions);
    if (direction !== 'up') Object.assign(down, conditions);
  }
  return { up, down, rebindMs };
};

/**
 * `SPEC` for every link, or `SPEC;SPEC;…` for link 1, 2, …; links beyond the last one are as the last one.
 * @throws TributaryError TRIBUTARY_BAD_ARGUMENT
 */
export const parseImpairments = (text: string): LinkImpairment[] => text.split(';').map(parseImpairment);
