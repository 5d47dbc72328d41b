import type { Millis } from './clock.ts';

/**
 * An SRT server in this thread, for packets that need no socket to get there: what it sends to a session waits until it is taken, since
 * whoever hands a packet in is in the middle of something.
 */
export interface InsideServer {
  /** Called when packets wait that nobody's `receive` has caused. */
  onWaiting: () => void;
  open(session: number): void;
  close(session: number): void;
  /** A packet for the server, valid during the call. */
  receive(session: number, packet: Uint8Array, now: Millis): void;
  /** Hands out what waits, oldest first, until there is nothing left; each is valid during its call. */
  take(out: (session: number, packet: Uint8Array) => void): void;
}
