import { TOTALS_FIELDS } from './counter-layout.ts';
import type { RosterChange, RosterEntry } from './roster.ts';

type EntryOf<K extends RosterEntry['kind']> = Extract<RosterEntry, { kind: K }>;

/** An object that main has been told of, with the numbers that were last read for it. */
export interface Known<E extends RosterEntry> {
  readonly entry: E;
  /** Undefined before the first whole reading. */
  values: Float64Array | undefined;
}

type Book<E extends RosterEntry> = Map<number, Known<E>>;

/** Main's side of the roster: who has which slot, in the order in which they came. */
export class RosterBook {
  readonly groups: Book<EntryOf<'groups'>> = new Map();
  readonly links: Book<EntryOf<'links'>> = new Map();
  readonly publishers: Book<EntryOf<'publishers'>> = new Map();
  readonly players: Book<EntryOf<'players'>> = new Map();
  totals: Extract<RosterChange, { kind: 'totals' }>['names'] = [];
  refusal: Extract<RosterChange, { kind: 'refusal' }> | undefined;
  readonly totalsValues = new Float64Array(TOTALS_FIELDS);
  #linksOf: Map<number, Known<EntryOf<'links'>>[]> | undefined;

  apply(changes: readonly RosterChange[]): void {
    for (const change of changes) this.#apply(change);
    this.#linksOf = undefined;
  }

  /** Links of a group, in the order in which they came. */
  linksOf({ slot }: EntryOf<'groups'>): readonly Known<EntryOf<'links'>>[] {
    this.#linksOf ??= this.#sortLinks();
    return this.#linksOf.get(slot) ?? [];
  }

  #sortLinks(): Map<number, Known<EntryOf<'links'>>[]> {
    const sorted = new Map<number, Known<EntryOf<'links'>>[]>();
    for (const link of this.links.values()) {
      const group = sorted.get(link.entry.group);
      if (group) group.push(link);
      else sorted.set(link.entry.group, [link]);
    }
    return sorted;
  }

  #apply(change: RosterChange): void {
    switch (change.kind) {
      case 'totals':
        this.totals = change.names;
        break;
      case 'refusal':
        this.refusal = change;
        break;
      case 'gone':
        if (change.of !== 'totals') this[change.of].delete(change.slot);
        break;
      case 'groups':
        enter(this.groups, change);
        break;
      case 'links':
        enter(this.links, change);
        break;
      case 'publishers':
        enter(this.publishers, change);
        break;
      case 'players':
        enter(this.players, change);
        break;
    }
  }
}

/** What is known already keeps its place and its numbers; somebody new comes last. */
const enter = <E extends RosterEntry>(book: Book<E>, entry: E): void => {
  const known = book.get(entry.slot);
  if (known?.entry.generation === entry.generation) {
    book.set(entry.slot, { entry, values: known.values });
    return;
  }
  book.delete(entry.slot);
  book.set(entry.slot, { entry, values: undefined });
};
