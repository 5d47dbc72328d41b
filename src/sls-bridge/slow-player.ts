import type { Millis } from '../shared/clock.ts';

/** What a player that cannot keep up meets: it goes on at the live edge, or it is disconnected. */
export type SlowPolicy = 'skip' | 'disconnect';

/** libsrt gives up what is older than the player's latency, but never what is younger than this. */
const LEAST_BACKLOG_MS: Millis = 1_000;
/** So near to that bound, and libsrt is about to give up, or does so already. */
const BEHIND_FACTOR = 0.9;
/** Past what libsrt gives up by itself: reached where the player has asked it not to. */
const OVERDUE_MARGIN_MS: Millis = 500;
/** Behind for so long, and it will not catch up by itself. */
const PATIENCE_MS: Millis = 3_000;
/** Between two single messages to a player that is held: see `probe`. */
const PROBE_EVERY_MS: Millis = 2_000;
const TELL_EVERY_MS: Millis = 10_000;

/** What is known of a player's send buffer now. */
export interface SendBacklog {
  /** Span of what libsrt still holds for it. */
  bufferMs: Millis;
  bufferPackets: number;
  /** Messages that libsrt has given up since the connection began. */
  givenUpTotal: number;
}

export interface SlowVerdict {
  /**
   * `hold`: give it nothing more for now. `probe`: give it one message, since libsrt gives up what is too old only when there is something new
   * to send, and two ends that wait for each other would do so for ever. `resume`: it has acknowledged all.
   */
  action: 'none' | 'hold' | 'probe' | 'resume' | 'disconnect';
  /** Messages that it has missed and that nobody was told of yet; 0 = nothing to tell. */
  tellMissed: number;
}

/**
 * Follows one player. Its queue is libsrt's send buffer, bounded by bytes and, where the player lets libsrt drop, by time: what is older than
 * the player's latency (at least a second) is given up there. A player that stays that far behind, or whose buffer takes nothing more, is
 * given nothing until the buffer has drained, and goes on at the live edge, or it is disconnected.
 */
export class SlowPlayer {
  #givenUp = 0;
  #missed = 0;
  #untold = 0;
  #toldAtMs: Millis = Number.NEGATIVE_INFINITY;
  #behindSinceMs: Millis = Number.NaN;
  /** When it was held, or given a single message, last; NaN while it is not held. */
  #probedMs: Millis = Number.NaN;

  /**
   * @param missedTotal messages that were withheld from it since the connection began
   * @param isHeld it is given nothing at present
   */
  judge(
    backlog: SendBacklog,
    { missedTotal, isHeld, latencyMs }: { missedTotal: number; isHeld: boolean; latencyMs: Millis },
    policy: SlowPolicy,
    now: Millis,
  ): SlowVerdict {
    this.#untold += backlog.givenUpTotal - this.#givenUp + missedTotal - this.#missed;
    this.#givenUp = backlog.givenUpTotal;
    this.#missed = missedTotal;
    const boundMs = Math.max(LEAST_BACKLOG_MS, latencyMs);
    const isBehind = isHeld || backlog.bufferMs >= boundMs * BEHIND_FACTOR;
    if (!isBehind) this.#behindSinceMs = Number.NaN;
    else if (Number.isNaN(this.#behindSinceMs)) this.#behindSinceMs = now;
    const staysBehind = now - this.#behindSinceMs >= PATIENCE_MS;
    if (policy === 'disconnect' && staysBehind) return { action: 'disconnect', tellMissed: this.#tell(now, true) };
    const tellMissed = this.#tell(now, false);
    if (isHeld) return { action: this.#whileHeld(backlog.bufferPackets, now), tellMissed };
    this.#probedMs = Number.NaN;
    const isOverdue = backlog.bufferMs > boundMs + OVERDUE_MARGIN_MS;
    return { action: staysBehind || isOverdue ? 'hold' : 'none', tellMissed };
  }

  #whileHeld(bufferPackets: number, now: Millis): 'none' | 'probe' | 'resume' {
    if (bufferPackets === 0) return 'resume';
    if (Number.isNaN(this.#probedMs)) this.#probedMs = now;
    if (now - this.#probedMs < PROBE_EVERY_MS) return 'none';
    this.#probedMs = now;
    return 'probe';
  }

  #tell(now: Millis, atOnce: boolean): number {
    if (this.#untold === 0 || (!atOnce && now - this.#toldAtMs < TELL_EVERY_MS)) return 0;
    const untold = this.#untold;
    this.#untold = 0;
    this.#toldAtMs = now;
    return untold;
  }
}
