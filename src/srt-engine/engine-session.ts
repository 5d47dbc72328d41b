import type { SrtRole } from '../shared/addon.ts';
import type { Millis } from '../shared/clock.ts';
import type { Readable } from './batch.ts';
import type { Listening } from './listening.ts';
import { SlotQueue } from './slot-queue.ts';

/** A caller that was let in. */
export class EngineSession implements Readable {
  readonly socket: number;
  readonly role: SrtRole;
  readonly peer: number;
  readonly listening: Listening;
  /** As agreed on, of the direction in which the stream goes. */
  readonly latencyMs: Millis;
  /** Packets of a publisher that nobody has read. */
  readonly waiting = new SlotQueue();
  /** Data packets that had arrived when that was looked at last. */
  arrivals = 0;
  /** Of a player: see `SrtServer.delay`. */
  delayMs: Millis = 0;
  /** Nothing more comes, and what waits is read on. */
  isOver = false;

  constructor(facts: { socket: number; role: SrtRole; peer: number; listening: Listening; latencyMs: Millis }) {
    this.socket = facts.socket;
    this.role = facts.role;
    this.peer = facts.peer;
    this.listening = facts.listening;
    this.latencyMs = facts.latencyMs;
  }
}
