import type { Millis } from '../shared/clock.ts';
import type { CounterKind } from './counter-layout.ts';
import type { DoorEvent, PublisherSnapshot } from './snapshot.ts';

/** Whose a slot is: the texts that go with its numbers. Slot and generation are those of the counter record. */
export type RosterEntry =
  | { kind: 'groups'; slot: number; generation: number; id: string; streamId: string | undefined }
  | {
      kind: 'links';
      slot: number;
      generation: number;
      /** Slot of its group: whoever leaves that slot takes its links along. */
      group: number;
      address: string;
      port: number;
    }
  | {
      kind: 'publishers';
      slot: number;
      generation: number;
      publisherId: string;
      source: PublisherSnapshot['source'];
      group: string | undefined;
      address: string;
    }
  | {
      kind: 'players';
      slot: number;
      generation: number;
      key: string;
      playerId: string;
      publisherId: string;
      address: string;
      port: number;
    };

export type RosterChange =
  | RosterEntry
  | { kind: 'gone'; of: CounterKind; slot: number }
  /** Names of the values in the totals record, in order; `srtla` says to which of the two lists each belongs. */
  | { kind: 'totals'; names: readonly { name: string; srtla: boolean }[] }
  | { kind: 'refusal'; atMs: Millis; port: DoorEvent['port']; shortId: string; code: number };

export interface RosterMessage {
  type: 'roster';
  /** Main writes it into the header's `rosterSeen` when it has taken the message. */
  sequence: number;
  changes: readonly RosterChange[];
}

/**
 * What main has yet to be told. The latest state of each slot wins, and one message at a time is on its way: however long main is away,
 * there is at most one change for each slot here and one message in its queue.
 */
export class RosterOutlet {
  readonly #pending = new Map<string, RosterChange>();
  readonly #post: (message: RosterMessage) => void;
  readonly #seen: () => number;
  #sequence = 0;

  constructor(post: (message: RosterMessage) => void, seen: () => number) {
    this.#post = post;
    this.#seen = seen;
  }

  put(change: RosterChange): void {
    const key = keyOf(change);
    // Behind what it refers to, as if it were new.
    this.#pending.delete(key);
    this.#pending.set(key, change);
  }

  /** Sends what is there, unless main has not taken the last message yet. */
  flush(): void {
    if (this.#pending.size === 0 || this.#seen() !== this.#sequence) return;
    this.#sequence++;
    this.#post({ type: 'roster', sequence: this.#sequence, changes: [...this.#pending.values()] });
    this.#pending.clear();
  }
}

const keyOf = (change: RosterChange): string => {
  if (change.kind === 'totals' || change.kind === 'refusal') return change.kind;
  return `${change.kind === 'gone' ? change.of : change.kind} ${change.slot}`;
};
