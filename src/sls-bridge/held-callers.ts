import type { Millis } from '../shared/clock.ts';
import type { SrtEvent } from './srt-engine.ts';

type Accepted = Extract<SrtEvent, { type: 'accepted' }>;

/** Whether somebody may come in, asked of the main thread. Plain values, so that it can cross a thread. */
export interface AccessQuestion {
  readonly socket: number;
  readonly role: 'publisher' | 'player';
  /** The id, as the directory has it: a secret. */
  readonly streamId: string;
  readonly address: string;
  readonly port: number;
}

/** Callers that may wait for an answer at once; one more is turned away. */
export const MAX_HELD_CALLERS = 256;
/** An answer takes 3 s at the most; main may be away for a while. */
const HOLD_LIMIT_MS: Millis = 8_000;

/** Callers that libsrt has let in, and that nobody has said yes to: they are in no stream, and what they send is passed over. */
export class HeldCallers {
  readonly #held = new Map<number, { readonly event: Accepted; readonly sinceMs: Millis }>();

  /** @returns false where there is no room */
  hold(event: Accepted, now: Millis): boolean {
    if (this.#held.size >= MAX_HELD_CALLERS) return false;
    this.#held.set(event.socket, { event, sinceMs: now });
    return true;
  }

  /** Answered, or gone. @returns undefined where it is not held */
  release(socket: number): Accepted | undefined {
    const held = this.#held.get(socket);
    this.#held.delete(socket);
    return held?.event;
  }

  /** Sockets that have waited for too long. */
  overdue(now: Millis): number[] {
    const sockets: number[] = [];
    for (const [socket, { sinceMs }] of this.#held) if (now - sinceMs > HOLD_LIMIT_MS) sockets.push(socket);
    return sockets;
  }
}
