import type { Millis } from '../shared/clock.ts';
import { LastTry } from './auth-failures.ts';
import { FOREVER, NEVER } from './constants.ts';
import type { Group } from './group.ts';
import type { Repair } from './repair/repair.ts';
import type { SessionId } from './types.ts';

export type SessionState = 'handshaking' | 'accepted' | 'closing';

/** One SRT session of a group. What moves it is in sessions.ts. */
export class Session {
  readonly id: SessionId;
  readonly group: Group;
  /** The encoder's SRT socket id (offset 40 of its induction), int32. */
  readonly encoderId: number;
  readonly openedMs: Millis;

  state: SessionState = 'handshaking';
  /** The server's SRT socket id, int32; 0 before its conclusion response. */
  serverId = 0;
  /** Its conclusion has been forwarded. */
  started = false;
  readonly lastTry = new LastTry();
  /** The server's answer to its last conclusion, where that was a rejection; 0 = none. */
  rejectionCode = 0;
  /** Its last conclusion was first sent on then, a copy only where the server seems not to have heard that. */
  concludedMs: Millis = NEVER;
  /** To the server and back, as its acceptance has shown, its work on the handshake included; NaN before that. */
  hopRoundTripMs: Millis = Number.NaN;
  acceptedMs: Millis = NEVER;
  lastDataMs: Millis = NEVER;

  /** The SHUTDOWN that is held back: the encoder's own bytes, or ours. */
  shutdown: Uint8Array | undefined;
  shutdownAtMs: Millis = FOREVER;
  shutdownSent = false;
  /** The port to the server closes then. */
  closeAtMs: Millis = FOREVER;

  /** Of its last conclusion: the sequence number of its first packet, and the time from stamp to arrival. */
  firstSequence = 0;
  stampOffsetMs: Millis = 0;
  /** From its acceptance on, where losses are detected exactly. */
  repair: Repair | undefined;

  /** The largest sequence number that a NAK of the server has reported; -1 before the first. */
  highestNaked = -1;

  constructor(id: SessionId, group: Group, encoderId: number, now: Millis) {
    this.id = id;
    this.group = group;
    this.encoderId = encoderId;
    this.openedMs = now;
  }

  /** Data, or what comes before it, as of which silence counts. */
  get lastSignMs(): Millis {
    return Math.max(this.openedMs, this.acceptedMs, this.lastDataMs);
  }
}
