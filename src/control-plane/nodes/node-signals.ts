import type { Millis } from '../../shared/clock.ts';
import type { Database } from '../database/database.ts';

/** A message may be lost with the database: whoever waits looks by himself as often as this. */
const LOOK_MS: Millis = 1_000;
/** Looks of that kind in a second; of more who wait each looks more seldom. */
const LOOKS_PER_SECOND = 100;

const DESIRED = 'desired';
const APPLIED = 'applied';

/** Wakes those who wait for a node, on whichever process they wait: long-polls for a new list, starts for the node's word. */
export class NodeSignals {
  readonly #db: Database;
  readonly #waiting = new Map<string, Set<() => void>>();
  readonly #end: () => void;
  /** All who wait. */
  #waiters = 0;
  #isStopped = false;

  constructor(db: Database) {
    this.#db = db;
    this.#end = db.subscribe((message) => {
      for (const wake of this.#waiting.get(message) ?? []) wake();
    });
  }

  /** The list of a node has changed; the change is committed. */
  desiredChanged(serverId: string): void {
    this.#db.publish(`${DESIRED} ${serverId}`);
  }

  /** A node has said what it has applied; that is stored. */
  appliedChanged(serverId: string): void {
    this.#db.publish(`${APPLIED} ${serverId}`);
  }

  /**
   * What `look` gives as soon as it gives something, looked for at each signal of this kind for this node; undefined after `waitMs`, or when `until`
   * is aborted, or at the end of the process.
   */
  waitFor<T>(
    kind: 'desired' | 'applied',
    serverId: string,
    waitMs: Millis,
    look: () => Promise<T | undefined>,
    until?: AbortSignal,
  ): Promise<T | undefined> {
    return new Promise((done, failed) => {
      const key = `${kind} ${serverId}`;
      let isOver = false;
      let isLooking = false;
      let isStale = false;
      const end = (): void => {
        if (isOver) return;
        isOver = true;
        this.#waiters--;
        clearTimeout(late);
        clearTimeout(again);
        until?.removeEventListener('abort', giveUp);
        const waiting = this.#waiting.get(key);
        waiting?.delete(wake);
        if (waiting?.size === 0) this.#waiting.delete(key);
      };
      const giveUp = (): void => {
        end();
        done(undefined);
      };
      const wake = (): void => {
        if (this.#isStopped) {
          giveUp();
          return;
        }
        // What comes while one looks may be what the look has missed.
        isStale = isLooking;
        if (isLooking || isOver) return;
        isLooking = true;
        look().then(
          (found) => {
            isLooking = false;
            if (isOver) return;
            if (found !== undefined) {
              end();
              done(found);
            } else if (isStale) wake();
          },
          (error) => {
            if (isOver) return;
            end();
            failed(error);
          },
        );
      };
      const late = setTimeout(giveUp, waitMs);
      this.#waiters++;
      const lookAgain = (): NodeJS.Timeout =>
        setTimeout(
          () => {
            again = lookAgain();
            wake();
          },
          LOOK_MS * Math.max(1, this.#waiters / LOOKS_PER_SECOND),
        );
      let again = lookAgain();
      const waiting = this.#waiting.get(key) ?? new Set();
      waiting.add(wake);
      this.#waiting.set(key, waiting);
      until?.addEventListener('abort', giveUp);
      if (until?.aborted) giveUp();
      else wake();
    });
  }

  /** Whoever waits goes on without. */
  stop(): void {
    this.#isStopped = true;
    this.#end();
    for (const waiting of [...this.#waiting.values()]) for (const wake of [...waiting]) wake();
  }
}
