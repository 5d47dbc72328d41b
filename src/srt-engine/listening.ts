import { isIPv4 } from 'node:net';
import type { SrtListenOptions } from '../shared/addon.ts';
import type { Millis } from '../shared/clock.ts';
import { ipv6Prefix } from '../shared/ipv6-prefix.ts';
import { BucketTable, finishHash, hashSeed, mixText } from '../srtla/bucket-table.ts';

/** Neighbours behind one address ask for different ids. */
const IDS_PER_SOURCE = 10;
/** Tries of a passphrase that may come at once, as after a restart of many players: so many seconds' worth. */
const TRY_SECONDS = 30;
const SECONDS_PER_MINUTE = 60;

/** An IPv4 address, or the /64 of an IPv6 one, which is one household's. */
const sourceOf = (address: string): string => (isIPv4(address) ? address : ipv6Prefix(address, 4));

/** One listener: what it was asked for, and what strangers have left of their tries there. */
export class Listening {
  readonly number: number;
  readonly options: SrtListenOptions;
  /** Number of its UDP socket; -1 where it has none. */
  readonly socket: number;
  readonly #seed: number;
  readonly #closes: BucketTable | undefined;
  readonly #closesOfSource: BucketTable | undefined;
  readonly #tries: BucketTable | undefined;

  constructor(number: number, socket: number, options: SrtListenOptions, seed: number) {
    const { refuse, closesPerMinute, passphraseTriesPerSecond = 0 } = options;
    this.number = number;
    this.socket = socket;
    this.options = options;
    this.#seed = hashSeed(seed);
    if (refuse === 'close' && closesPerMinute > 0) {
      const ofSource = IDS_PER_SOURCE * closesPerMinute;
      this.#closes = new BucketTable(closesPerMinute, closesPerMinute / SECONDS_PER_MINUTE);
      this.#closesOfSource = new BucketTable(ofSource, ofSource / SECONDS_PER_MINUTE);
    }
    if (passphraseTriesPerSecond > 0)
      this.#tries = new BucketTable(TRY_SECONDS * passphraseTriesPerSecond, passphraseTriesPerSecond);
  }

  /** Whether somebody from there may be let in only to be closed, one more time. */
  mayClose(address: string, streamId: string, now: Millis): boolean {
    if (!this.#closes || !this.#closesOfSource) return false;
    return this.#closes.take(this.#key(address, streamId), now) && this.#closesOfSource.take(this.#key(address), now);
  }

  /** Whether somebody from there may try a passphrase for this id. */
  mayTry(address: string, streamId: string, now: Millis): boolean {
    return this.#tries?.take(this.#key(address, streamId), now) ?? true;
  }

  #key(address: string, streamId = ''): number {
    return finishHash(mixText(mixText(this.#seed, sourceOf(address)), `\n${streamId}`));
  }
}
