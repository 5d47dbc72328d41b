import type { Millis } from '../shared/clock.ts';
import { mixSource } from './answer-budget.ts';
import { BucketTable, finishHash, hashSeed, mixText } from './bucket-table.ts';
import { equalBytes } from './bytes.ts';
import { FAILURE_BURST, FAILURES_PER_SECOND, NEVER, SRT_HEADER_BYTES, TRY_ANSWER_MS } from './constants.ts';
import { streamIdOf } from './srt-header.ts';

/**
 * What a handshake's type says when it was the moment that was wrong and not the caller: 1000 + libsrt's reason. None of them tells whether
 * a passphrase was right.
 */
const BLAMELESS: readonly number[] = [
  // No resources, a full backlog, a server that is closing.
  1003, 1005, 1007,
  // Overload (full or draining), conflict (taken), service unavailable.
  2402, 2409, 2503,
];

/** What became of a conclusion: to wait; the last one once more; another one. */
export const TRY = { delayed: 0, repeated: 1, fresh: 2 } as const;

/** The conclusion that a session has sent on last, and the token that it has cost. */
export class LastTry {
  /** The packet. */
  conclusion: Uint8Array | undefined;
  key = 0;
  sentMs: Millis = NEVER;
  /** Conclusions that were sent on, copies included, and not answered. */
  unanswered = 0;
  /** Its token is taken, and may be given back. */
  isOpen = false;
  /** Further copies of it cost nothing. */
  isPaid = false;
  /** Two were on their way at once, so that until then nobody can tell which of them an answer is for. */
  mixedUntilMs: Millis = NEVER;
}

/**
 * How often a stream id may be tried in vain from one source, an IPv4 address or an IPv6 /64. Past it the next try waits for up to two
 * seconds; nobody is shut out, and neighbours behind the same address are not concerned, since they ask for other ids.
 *
 * Each try costs its token before the server hears it, whatever else is sent meanwhile; it comes back when the server has let the caller in,
 * or has refused it for a reason that is not the caller's.
 */
export class AuthFailures {
  readonly #seed: number;
  readonly #tries = new BucketTable(FAILURE_BURST, FAILURES_PER_SECOND);

  /** `seed` is secret, so that nobody can choose ids that share a bucket. */
  constructor(seed: number) {
    this.#seed = seed;
  }

  /**
   * A conclusion is to be sent on that has come from `address`. Returns a value of `TRY`; unless that is `delayed` the caller sends it. Encoders
   * repeat theirs, byte for byte but for the header's timestamp, until they are answered.
   */
  take(last: LastTry, packet: Uint8Array, address: string, now: Millis): number {
    const repeated = isRepetition(packet, last.conclusion);
    const isRecent = now - last.sentMs < TRY_ANSWER_MS;
    if (!repeated || !last.isPaid) {
      const key = this.#key(streamIdOf(packet), address);
      if (!this.#tries.take(key, now)) return TRY.delayed;
      if (isRecent && last.unanswered > 0) last.mixedUntilMs = now + TRY_ANSWER_MS;
      last.key = key;
      last.isOpen = last.isPaid = true;
      // A copy of its own: `slice` of a Buffer is a view of bytes that live for this call only.
      if (!repeated) last.conclusion = new Uint8Array(packet);
    }
    last.unanswered = isRecent ? last.unanswered + 1 : 1;
    last.sentMs = now;
    return repeated ? TRY.repeated : TRY.fresh;
  }

  /** The server has let the caller in. */
  accepted(last: LastTry, now: Millis): void {
    this.#giveBack(last, now);
    last.isOpen = false;
  }

  /** The server has turned it down. `code` is the handshake's type. */
  rejected(last: LastTry, code: number, now: Millis): void {
    last.unanswered = Math.max(0, last.unanswered - 1);
    if (BLAMELESS.includes(code)) {
      this.#giveBack(last, now);
      // The passphrase in it was not looked at: the same bytes are a try of their own when the id is free.
      last.isPaid = false;
    }
    last.isOpen = false;
  }

  #giveBack(last: LastTry, now: Millis): void {
    if (last.isOpen && now >= last.mixedUntilMs) this.#tries.giveBack(last.key, now);
  }

  #key(streamId: string | undefined, address: string): number {
    return finishHash(mixText(mixSource(hashSeed(this.#seed), address), streamId ?? ''));
  }
}

/** Byte for byte, and no hash: whoever tries passphrases would look for collisions. */
const isRepetition = (packet: Uint8Array, last: Uint8Array | undefined): boolean =>
  last?.length === packet.length &&
  equalBytes(packet, SRT_HEADER_BYTES, last, SRT_HEADER_BYTES, packet.length - SRT_HEADER_BYTES);
