import type { Millis } from '../shared/clock.ts';

/** Bytes on the wire since the day of the month on which they are counted anew (UTC), headers included. */
export interface Traffic {
  /** The month in which that day was: `2030-01` */
  readonly month: string;
  readonly receivedBytes: number;
  readonly sentBytes: number;
}

/** What a link, a publisher or a player has moved since it is there. */
export interface SessionBytes {
  /** Unlike any other session's, now or lately. */
  readonly key: string;
  readonly uptimeMs: Millis;
  readonly receivedBytes: number;
  readonly sentBytes: number;
}

interface Seen {
  receivedBytes: number;
  sentBytes: number;
  uptimeMs: Millis;
}

/**
 * Adds up what sessions have moved, from their own totals, which begin with each of them. What a session moves after the last look before its
 * end is not counted.
 */
export class MonthlyTraffic {
  #traffic: Traffic;
  #seen = new Map<string, Seen>();

  /** @param before what was stored; another month's counts for nothing */
  constructor(month: string, before?: Traffic) {
    this.#traffic = before?.month === month ? before : { month, receivedBytes: 0, sentBytes: 0 };
  }

  /** @param month the one that it is now, `2030-01` */
  look(sessions: readonly SessionBytes[], month: string): void {
    // A clock that is set back does not bring a month back.
    const isNew = month > this.#traffic.month;
    let receivedBytes = isNew ? 0 : this.#traffic.receivedBytes;
    let sentBytes = isNew ? 0 : this.#traffic.sentBytes;
    const seen = new Map<string, Seen>();
    for (const session of sessions) {
      const before = this.#seen.get(session.key);
      // A shorter life is another session of the same name.
      const isSame = before !== undefined && session.uptimeMs >= before.uptimeMs;
      receivedBytes += Math.max(0, session.receivedBytes - (isSame ? before.receivedBytes : 0));
      sentBytes += Math.max(0, session.sentBytes - (isSame ? before.sentBytes : 0));
      seen.set(session.key, session);
    }
    this.#seen = seen;
    this.#traffic = { month: isNew ? month : this.#traffic.month, receivedBytes, sentBytes };
  }

  get traffic(): Traffic {
    return this.#traffic;
  }
}
