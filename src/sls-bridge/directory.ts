import { TributaryError } from '../shared/errors.ts';
import { shortenId } from '../shared/redact.ts';
import {
  changedRow,
  checkKnownRow,
  checkNewRow,
  invalidRow,
  OPTIONAL_FIELDS,
  PUBLISHER_FIELDS,
  type Row,
  type RowChange,
  sharedChange,
  tidyRow,
} from './directory-rules.ts';

export type { Row, RowChange } from './directory-rules.ts';

/** What admission has to know: rows that may come in, that may no longer, and whose limits are others now. */
export interface DirectoryChange {
  readonly type: 'added' | 'updated' | 'removed';
  readonly row: Row;
}

/** A row that was deleted while its stream was live: it is listed no more, and admitted until then. */
export interface LeavingRow {
  readonly row: Row;
  /** Unix ms. */
  readonly until: number;
}

interface Entry {
  row: Row;
  /** Unix ms; undefined: it stays. */
  until: number | undefined;
}

/** Rows in one directory: what fits into a file that is written as a whole at each change. */
export const MAX_ROWS = 20_000;

/**
 * Who may publish and who may play what: rows in the order in which they were added. Held in memory; `DirectoryStore` keeps it on
 * disk.
 */
export class StreamDirectory {
  readonly #byPlayer = new Map<string, Entry>();
  readonly #byPublisher = new Map<string, Entry[]>();
  readonly #listeners = new Set<(change: DirectoryChange) => void>();

  /** What a list shows. */
  rows(): readonly Row[] {
    return [...this.#byPlayer.values()].filter((entry) => entry.until === undefined).map((entry) => entry.row);
  }

  leaving(): readonly LeavingRow[] {
    const all = [...this.#byPlayer.values()];
    return all.flatMap(({ row, until }) => (until === undefined ? [] : [{ row, until }]));
  }

  /** What admission starts with: rows that are leaving too. */
  admitted(): readonly Row[] {
    return [...this.#byPlayer.values()].map((entry) => entry.row);
  }

  /** The listed row of a player id. */
  rowOf(playerId: string): Row | undefined {
    const entry = this.#byPlayer.get(playerId);
    return entry?.until === undefined ? entry?.row : undefined;
  }

  /** Rows that are leaving count in this and in what follows: their streams are live. */
  publisherOfPlayer(playerId: string): string | undefined {
    return this.#byPlayer.get(playerId)?.row.publisher;
  }

  playersOf(publisherId: string): readonly Row[] {
    return this.#entriesOf(publisherId).map((entry) => entry.row);
  }

  hasPublisher(id: string): boolean {
    return this.#byPublisher.has(id);
  }

  get publisherCount(): number {
    return this.#byPublisher.size;
  }

  /** Unix ms at which a deleted row is over. */
  leavingUntil(playerId: string): number | undefined {
    return this.#byPlayer.get(playerId)?.until;
  }

  /**
   * The row as it would be added: a further player id takes over what belongs to its publisher id, and a row that is leaving keeps what
   * is not given anew, but for an expiry that is over: whoever adds it means it to work.
   * @param unixNow the wall clock, Unix ms
   * @throws TributaryError TRIBUTARY_STREAM_ID_TAKEN (player id exists), TRIBUTARY_STREAM_ID_INVALID
   */
  check(row: Row, unixNow = 0): Row {
    const known = this.#byPlayer.get(row.player);
    if (known !== undefined) {
      // Only the id itself has a say here: a row of SLS may have a form that is not given out any more.
      if (known.until === undefined || known.row.publisher !== row.publisher) throw taken(row.player);
      this.#likeSiblings(row, known);
      const { expiresAt } = known.row;
      const over = expiresAt !== undefined && expiresAt <= unixNow ? { expiresAt: null } : {};
      return changedRow(known.row, { ...over, ...optionsOf(tidyRow(row)) });
    }
    checkNewRow(row);
    if (this.#byPublisher.has(row.player)) throw invalidRow('Invalid player: this id is a publisher id already');
    if (this.#byPlayer.has(row.publisher)) throw invalidRow('Invalid publisher: this id is a player id already');
    if (this.#byPlayer.size >= MAX_ROWS) throw invalidRow(`The directory is full: it holds ${MAX_ROWS} stream ids`);
    return this.#likeSiblings(row);
  }

  /** @throws TributaryError as `check` does; nothing is changed then */
  add(row: Row, unixNow = 0): Row {
    const added = this.check(row, unixNow);
    const known = this.#byPlayer.get(added.player);
    if (known) this.#restore(known, added);
    else this.#enter(added, undefined);
    return added;
  }

  /**
   * The row as given: a new one, or every field of the one with its player id, which comes back where it is leaving.
   * @throws TributaryError TRIBUTARY_STREAM_ID_TAKEN (the player id has another publisher id), TRIBUTARY_STREAM_ID_INVALID; nothing is changed then
   */
  put(row: Row, unixNow = 0): void {
    const known = this.#byPlayer.get(row.player);
    if (known === undefined) {
      this.add(row, unixNow);
      return;
    }
    if (known.row.publisher !== row.publisher) throw taken(row.player);
    const change: RowChange = Object.fromEntries(OPTIONAL_FIELDS.map((name) => [name, row[name] ?? null]));
    // Checked before anything is changed: it may throw.
    changedRow(known.row, change);
    if (known.until !== undefined) this.#restore(known, known.row);
    this.update(this.checkUpdate(row.player, change));
  }

  /**
   * A row that exists already: from the file, or from SLS, whose ids are kept whatever they look like.
   * @param until Unix ms; see `LeavingRow`
   * @throws TributaryError TRIBUTARY_STREAM_ID_TAKEN, TRIBUTARY_STREAM_ID_INVALID
   */
  load(row: Row, until?: number): Row {
    checkKnownRow(row);
    if (this.#byPlayer.has(row.player)) throw taken(row.player);
    const loaded = this.#likeSiblings(row);
    this.#enter(loaded, until);
    return loaded;
  }

  /**
   * The listed rows of an id as a change would leave them: the row of a player id, or all rows of a publisher id. Passphrase, bitrate
   * ceiling and latency change in every row of the publisher id.
   * @returns nothing where the id is unknown
   * @throws TributaryError TRIBUTARY_STREAM_ID_INVALID
   */
  checkUpdate(id: string, change: RowChange): readonly { before: Row; after: Row }[] {
    const chosen = new Set(this.listedOf(id));
    const [first] = chosen;
    if (first === undefined) return [];
    const shared = sharedChange(change);
    return this.playersOf(first.publisher).map((before) => ({
      before,
      after: changedRow(before, chosen.has(before) ? change : shared),
    }));
  }

  /** @param rows of `checkUpdate` */
  update(rows: readonly { before: Row; after: Row }[]): void {
    for (const { before, after } of rows) {
      const entry = this.#byPlayer.get(before.player);
      if (entry) this.#change(entry, after);
    }
  }

  /** The listed rows that an id means: a player id its row, a publisher id all of its rows. */
  listedOf(id: string): readonly Row[] {
    const row = this.rowOf(id);
    if (row) return [row];
    const entries = this.#entriesOf(id);
    return entries.filter((entry) => entry.until === undefined).map((entry) => entry.row);
  }

  /** As `listedOf`, with the rows that are leaving. */
  knownOf(id: string): readonly Row[] {
    const entry = this.#byPlayer.get(id);
    return entry ? [entry.row] : this.playersOf(id);
  }

  /** The row is listed no more, and admitted until then, which `removeByPlayer` ends. @param until Unix ms */
  retire(playerId: string, until: number): void {
    const entry = this.#byPlayer.get(playerId);
    if (entry) entry.until = until;
  }

  /** @returns the row that was taken away */
  removeByPlayer(playerId: string): Row | undefined {
    const entry = this.#byPlayer.get(playerId);
    if (!entry) return undefined;
    const { row } = entry;
    this.#byPlayer.delete(playerId);
    const rest = this.#entriesOf(row.publisher).filter((other) => other !== entry);
    if (rest.length > 0) this.#byPublisher.set(row.publisher, rest);
    else this.#byPublisher.delete(row.publisher);
    this.#tell({ type: 'removed', row });
    return row;
  }

  /** @returns the rows that were taken away */
  removePublisher(publisherId: string): readonly Row[] {
    const rows = this.playersOf(publisherId);
    for (const row of rows) this.removeByPlayer(row.player);
    return rows;
  }

  /** @returns a function that ends it */
  onChange(listener: (change: DirectoryChange) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  #entriesOf(publisherId: string): readonly Entry[] {
    return this.#byPublisher.get(publisherId) ?? [];
  }

  /** @param except the row itself, where it is there already */
  #likeSiblings(row: Row, except?: Entry): Row {
    const sibling = this.#entriesOf(row.publisher).find((entry) => entry !== except)?.row;
    if (!sibling) return tidyRow(row);
    for (const name of PUBLISHER_FIELDS)
      if (row[name] !== undefined && row[name] !== sibling[name])
        throw invalidRow(`Invalid ${name}: this publisher id exists with another one, or with none`);
    const shared = Object.fromEntries(PUBLISHER_FIELDS.map((name) => [name, sibling[name]]));
    return tidyRow({ ...row, ...shared });
  }

  #enter(row: Row, until: number | undefined): void {
    const entry: Entry = { row, until };
    this.#byPlayer.set(row.player, entry);
    this.#byPublisher.set(row.publisher, [...this.#entriesOf(row.publisher), entry]);
    this.#tell({ type: 'added', row });
  }

  /** Back in the list, as the last one. */
  #restore(entry: Entry, row: Row): void {
    entry.until = undefined;
    this.#byPlayer.delete(row.player);
    this.#byPlayer.set(row.player, entry);
    const others = this.#entriesOf(row.publisher).filter((other) => other !== entry);
    this.#byPublisher.set(row.publisher, [...others, entry]);
    this.#change(entry, row);
  }

  #change(entry: Entry, row: Row): void {
    entry.row = row;
    this.#tell({ type: 'updated', row });
  }

  #tell(change: DirectoryChange): void {
    for (const listener of this.#listeners) listener(change);
  }
}

const optionsOf = ({ publisher: _publisher, player: _player, ...options }: Row): RowChange => options;

const taken = (playerId: string): TributaryError =>
  new TributaryError(
    'TRIBUTARY_STREAM_ID_TAKEN',
    `Stream ID with player '${shortenId(playerId)}' already exists`,
    'choose another player id, or delete the existing one first',
  );
