import { TributaryError } from '../shared/errors.ts';
import { shortenId } from '../shared/redact.ts';

/** A player id and the publisher id whose stream it plays. */
export interface Row {
  /** A secret: the right to go live. */
  readonly publisher: string;
  /** Unique in the directory. */
  readonly player: string;
  readonly description?: string;
  /** 10–79 bytes; the same in all rows of a publisher id. */
  readonly passphrase?: string;
}

export interface DirectoryChange {
  readonly type: 'added' | 'removed';
  readonly row: Row;
}

const invalid = (message: string): TributaryError => new TributaryError('TRIBUTARY_STREAM_ID_INVALID', message);

/** Printable ASCII but space, `"`, `'`, `` ` `` and `\`: what passes unchanged through URLs, shells and JSON. libsrt takes 512 bytes. */
const STREAM_ID = /^[!#-&(-[\]-_a-~]{1,512}$/;
const PASSPHRASE = /^[\x20-\x7e]{10,79}$/;
const MAX_DESCRIPTION = 1_024;

const checkShape = (row: Row): void => {
  for (const name of ['publisher', 'player'] as const)
    if (!STREAM_ID.test(row[name]))
      throw invalid(`Invalid ${name}: give 1 to 512 printable ASCII characters without spaces, quotes and backslashes`);
  if (row.publisher === row.player) throw invalid('Invalid player: it must differ from the publisher');
  if (row.description !== undefined && row.description.length > MAX_DESCRIPTION)
    throw invalid(`Invalid description: give at most ${MAX_DESCRIPTION} characters`);
  if (row.passphrase !== undefined && !PASSPHRASE.test(row.passphrase))
    throw invalid('Invalid passphrase: give 10 to 79 printable ASCII characters');
};

/**
 * Who may publish and who may play what: rows in the order in which they were added. Held in memory; `DirectoryStore` keeps it on
 * disk.
 */
export class StreamDirectory {
  readonly #byPlayer = new Map<string, Row>();
  readonly #byPublisher = new Map<string, Row[]>();
  readonly #listeners = new Set<(change: DirectoryChange) => void>();

  rows(): readonly Row[] {
    return [...this.#byPlayer.values()];
  }

  publisherOfPlayer(playerId: string): string | undefined {
    return this.#byPlayer.get(playerId)?.publisher;
  }

  playersOf(publisherId: string): readonly Row[] {
    return this.#byPublisher.get(publisherId) ?? [];
  }

  hasPublisher(id: string): boolean {
    return this.#byPublisher.has(id);
  }

  get publisherCount(): number {
    return this.#byPublisher.size;
  }

  /**
   * The row as it would be added: a further player id takes over its publisher id's passphrase.
   * @throws TributaryError TRIBUTARY_STREAM_ID_TAKEN (player id exists), TRIBUTARY_STREAM_ID_INVALID
   */
  check(row: Row): Row {
    checkShape(row);
    if (this.#byPlayer.has(row.player))
      throw new TributaryError(
        'TRIBUTARY_STREAM_ID_TAKEN',
        `Stream ID with player '${shortenId(row.player)}' already exists`,
        'choose another player id, or delete the existing one first',
      );
    if (this.#byPublisher.has(row.player)) throw invalid('Invalid player: this id is a publisher id already');
    if (this.#byPlayer.has(row.publisher)) throw invalid('Invalid publisher: this id is a player id already');
    const sibling = this.#byPublisher.get(row.publisher)?.[0];
    if (!sibling || row.passphrase === sibling.passphrase) return row;
    if (row.passphrase !== undefined || sibling.passphrase === undefined)
      throw invalid('Invalid passphrase: this publisher id exists with another one, or with none');
    return { ...row, passphrase: sibling.passphrase };
  }

  /** @throws TributaryError as `check` does; nothing is changed then */
  add(row: Row): Row {
    const added = this.check(row);
    this.#byPlayer.set(added.player, added);
    this.#byPublisher.set(added.publisher, [...this.playersOf(added.publisher), added]);
    this.#tell({ type: 'added', row: added });
    return added;
  }

  /** @returns the row that was taken away */
  removeByPlayer(playerId: string): Row | undefined {
    const row = this.#byPlayer.get(playerId);
    if (!row) return undefined;
    this.#byPlayer.delete(playerId);
    const rest = this.playersOf(row.publisher).filter((other) => other !== row);
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

  #tell(change: DirectoryChange): void {
    for (const listener of this.#listeners) listener(change);
  }
}
