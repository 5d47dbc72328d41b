import type { Millis } from '../shared/clock.ts';
import { mixSource } from './answer-budget.ts';
import { BucketTable, finishHash, hashSeed, mixText } from './bucket-table.ts';
import { FAILURE_BURST, FAILURES_PER_SECOND } from './constants.ts';

/** What a handshake's type says when it was not the moment but the caller that was wrong: 1000 + libsrt's reason. */
const AUTH_REJECTIONS: readonly number[] = [
  // Wrong passphrase; one where none is due, or none where one is.
  1010, 1011,
  // Unauthorised, forbidden, not found.
  2401, 2403, 2404,
];

/**
 * How often a stream id may be tried in vain from one source, an IPv4 address or an IPv6 /64. Past it the next try waits for up to two
 * seconds; nobody is shut out, and neighbours behind the same address are not concerned, since they ask for other ids.
 */
export class AuthFailures {
  readonly #seed: number;
  readonly #tries = new BucketTable(FAILURE_BURST, FAILURES_PER_SECOND);

  /** `seed` is secret, so that nobody can choose ids that share a bucket. */
  constructor(seed: number) {
    this.#seed = seed;
  }

  /** Whether this id may be asked for from there now. */
  allows(streamId: string | undefined, address: string, now: Millis): boolean {
    return this.#tries.has(this.#key(streamId, address), now);
  }

  /** The server has turned it down. `code` is the handshake's type. */
  rejected(streamId: string | undefined, address: string, code: number, now: Millis): void {
    if (AUTH_REJECTIONS.includes(code)) this.#tries.take(this.#key(streamId, address), now);
  }

  #key(streamId: string | undefined, address: string): number {
    return finishHash(mixText(mixSource(hashSeed(this.#seed), address), streamId ?? ''));
  }
}
