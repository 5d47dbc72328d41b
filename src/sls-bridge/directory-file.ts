import { corruptDataFile, prepareDataDir } from '../shared/data-file.ts';
import { messageOf } from '../shared/errors.ts';
import { parseState, type StateContent, StateFile, type StateFormat } from '../shared/state-file.ts';
import { type LeavingRow, type Row, type RowChange, StreamDirectory } from './directory.ts';
import { NUMBER_RANGES, OPTIONAL_FIELDS } from './directory-rules.ts';
import { firstRows, newPair } from './new-ids.ts';

/** Changes of the directory that are on disk before they take effect; only who is to be cut at once is cut before. */
export interface DirectoryStore {
  /**
   * A row that is leaving comes back.
   * @throws TributaryError TRIBUTARY_STREAM_ID_TAKEN, TRIBUTARY_STREAM_ID_INVALID, TRIBUTARY_DATA_DIR_UNWRITABLE
   */
  add(row: Row): Promise<Row>;
  /** A row with new ids; see `newPair`. Errors as `add`. */
  create(options: { forPlugin: boolean } & Omit<Row, 'publisher' | 'player'>): Promise<Row>;
  /** By a player id its row, by a publisher id all of its rows. @returns the rows afterwards; empty where the id is unknown. Errors as `add`. */
  update(id: string, change: RowChange): Promise<readonly Row[]>;
  /**
   * By a player id its row, by a publisher id all of its rows.
   * @param leaveUntil Unix ms until which a row stays admitted although it is listed no more; undefined: it is over at once. Without this
   *   parameter rows that are leaving already are meant too, and they are cut whether or not that can be written down.
   * @returns what was taken away; empty where the id is unknown
   */
  remove(id: string, leaveUntil?: (row: Row) => number | undefined): Promise<readonly Row[]>;
}

const FORMAT: StateFormat = { name: 'streams.json', version: 1, steps: {} };

const isRow = (value: unknown): value is Row => {
  if (typeof value !== 'object' || value === null) return false;
  const row = value as Record<string, unknown>;
  return (
    typeof row.publisher === 'string' &&
    typeof row.player === 'string' &&
    OPTIONAL_FIELDS.every((name) => row[name] === undefined || typeof row[name] === typeOf(name))
  );
};

const typeOf = (name: string): 'number' | 'string' => (name in NUMBER_RANGES ? 'number' : 'string');

const isLeaving = (value: unknown): value is LeavingRow =>
  isRow((value as LeavingRow | null)?.row) && Number.isFinite((value as LeavingRow).until);

const directoryOf = (path: string, { streams, leaving = [] }: StateContent, unixNow: number): StreamDirectory => {
  if (!Array.isArray(streams)) throw corruptDataFile(path, '"streams" is not a list');
  if (!Array.isArray(leaving)) throw corruptDataFile(path, '"leaving" is not a list');
  const directory = new StreamDirectory();
  const load = (row: Row, until: number | undefined, name: string): void => {
    try {
      directory.load(row, until);
    } catch (error) {
      throw corruptDataFile(path, `${name}: ${messageOf(error)}`);
    }
  };
  streams.forEach((row: unknown, index) => {
    if (!isRow(row)) throw corruptDataFile(path, `row ${index + 1} is not a stream`);
    load(row, undefined, `row ${index + 1}`);
  });
  leaving.forEach((one: unknown, index) => {
    if (!isLeaving(one)) throw corruptDataFile(path, `leaving row ${index + 1} is not a stream`);
    // Its time may have run out while the node was away.
    if (one.until > unixNow) load(one.row, one.until, `leaving row ${index + 1}`);
  });
  return directory;
};

/** The stream directory in `streams.json` of the data folder. */
export class DirectoryFile implements DirectoryStore {
  readonly directory: StreamDirectory;
  /** True when this start made the file, with the first ids in it. */
  readonly isNew: boolean;
  readonly #file: StateFile;
  readonly #unixNow: () => number;
  #last: Promise<unknown> = Promise.resolve();
  /** Something has taken effect and is not on disk. */
  #overdue = false;

  private constructor(file: StateFile, directory: StreamDirectory, isNew: boolean, unixNow: () => number) {
    this.#file = file;
    this.#unixNow = unixNow;
    this.directory = directory;
    this.isNew = isNew;
  }

  /**
   * Reads the file, or makes it.
   * @param unixNow the wall clock, Unix ms: what was leaving and is over by then is dropped
   * @param first the rows of a file that is made
   * @throws TributaryError TRIBUTARY_DATA_DIR_UNWRITABLE, TRIBUTARY_DATA_FILE_CORRUPT, TRIBUTARY_DATA_FILE_NEWER; such a
   * file is left as it is
   */
  static async open(
    dataDir: string,
    unixNow: () => number = Date.now,
    first: () => readonly Row[] = firstRows,
  ): Promise<DirectoryFile> {
    await prepareDataDir(dataDir);
    const { file, content } = await StateFile.open(dataDir, FORMAT);
    if (content) return new DirectoryFile(file, directoryOf(file.path, content, unixNow()), false, unixNow);
    const made = new DirectoryFile(file, new StreamDirectory(), true, unixNow);
    for (const row of first()) made.directory.load(row);
    await made.#write(made.directory.rows());
    return made;
  }

  /**
   * @param path what the error names
   * @throws TributaryError TRIBUTARY_DATA_FILE_CORRUPT, TRIBUTARY_DATA_FILE_NEWER where it is no text of such a file
   */
  static check(path: string, text: string): void {
    directoryOf(path, parseState(path, text, FORMAT).content, Number.POSITIVE_INFINITY);
  }

  add(row: Row): Promise<Row> {
    return this.#inTurn(async () => {
      const { directory } = this;
      const now = this.#unixNow();
      const added = directory.check(row, now);
      const staying = directory.leaving().filter((one) => one.row.player !== added.player);
      await this.#write([...directory.rows(), added], staying);
      return directory.add(row, now);
    });
  }

  create({ forPlugin, ...more }: { forPlugin: boolean } & Omit<Row, 'publisher' | 'player'>): Promise<Row> {
    return this.add({ ...newPair(forPlugin), ...more });
  }

  /**
   * Many rows that exist elsewhere, in one step; see `StreamDirectory.load`.
   * @throws TributaryError as `load` does; nothing is changed then
   */
  load(rows: readonly Row[]): Promise<void> {
    return this.#inTurn(async () => {
      const { directory } = this;
      const trial = new StreamDirectory();
      for (const row of [...directory.rows(), ...directory.leaving().map((one) => one.row), ...rows]) trial.load(row);
      await this.#write([...directory.rows(), ...rows]);
      for (const row of rows) directory.load(row);
    });
  }

  update(id: string, change: RowChange): Promise<readonly Row[]> {
    return this.#inTurn(async () => {
      const { directory } = this;
      const meant = new Set(directory.listedOf(id).map((row) => row.player));
      const changes = directory.checkUpdate(id, change);
      const after = new Map(changes.map((one) => [one.before.player, one.after]));
      const current = (row: Row): Row => after.get(row.player) ?? row;
      if (changes.length > 0)
        await this.#write(
          directory.rows().map(current),
          directory.leaving().map(({ row, until }) => ({ row: current(row), until })),
        );
      directory.update(changes);
      return changes.filter((one) => meant.has(one.after.player)).map((one) => one.after);
    });
  }

  remove(id: string, leaveUntil?: (row: Row) => number | undefined): Promise<readonly Row[]> {
    return this.#inTurn(async () => {
      const { directory } = this;
      if (!leaveUntil) return this.#revoke(directory.knownOf(id));
      const gone = directory.listedOf(id);
      if (gone.length === 0) return gone;
      const leaving = gone.flatMap((row) => {
        const until = leaveUntil(row);
        return until === undefined ? [] : [{ row, until }];
      });
      const stays = ({ row }: LeavingRow): boolean => !gone.includes(row);
      await this.#write(
        directory.rows().filter((row) => !gone.includes(row)),
        [...directory.leaving().filter(stays), ...leaving],
      );
      for (const { row, until } of leaving) directory.retire(row.player, until);
      for (const { player } of gone) if (directory.leavingUntil(player) === undefined) directory.removeByPlayer(player);
      return gone;
    });
  }

  /**
   * Many changes of somebody who keeps the rows too, in one step. They take effect at once, and are written by `writeOverdue`: a start of the
   * node that comes between finds the rows of before, and is told again.
   * @param remove player ids that are over at once, first @param put rows as they are to be; one that exists keeps its publisher id
   * @returns the rows that were refused, and why
   */
  govern(remove: readonly string[], put: readonly Row[]): Promise<readonly { row: Row; error: unknown }[]> {
    return this.#inTurn(async () => {
      const { directory } = this;
      for (const player of remove) directory.removeByPlayer(player);
      const refused: { row: Row; error: unknown }[] = [];
      for (const row of put)
        try {
          directory.put(row, this.#unixNow());
        } catch (error) {
          refused.push({ row, error });
        }
      this.#overdue ||= remove.length > 0 || put.length > 0;
      return refused;
    });
  }

  /** Writes what could not be written when it took effect; nothing where there is nothing. Errors as `add`. */
  writeOverdue(): Promise<void> {
    return this.#inTurn(async () => {
      if (this.#overdue) await this.#write(this.directory.rows());
    });
  }

  /** A full disk does not keep anybody in. Whoever asks again is told of it again. */
  async #revoke(rows: readonly Row[]): Promise<readonly Row[]> {
    for (const { player } of rows) this.directory.removeByPlayer(player);
    if (rows.length > 0) this.#overdue = true;
    if (this.#overdue) await this.#write(this.directory.rows());
    return rows;
  }

  /**
   * The time of rows that were leaving is over. They are cut whether or not that can be written down: a start drops them as well.
   * @throws TributaryError TRIBUTARY_DATA_DIR_UNWRITABLE
   */
  endLeaving(playerIds: readonly string[]): Promise<void> {
    return this.#inTurn(async () => {
      const { directory } = this;
      const due = playerIds.filter((player) => directory.leavingUntil(player) !== undefined);
      await this.#revoke(due.flatMap((player) => directory.knownOf(player)));
    });
  }

  /** One change at a time: each sees what the one before it has left on disk. */
  #inTurn<T>(change: () => Promise<T>): Promise<T> {
    const result = this.#last.then(change);
    this.#last = result.catch(() => {});
    return result;
  }

  async #write(rows: readonly Row[], leaving: readonly LeavingRow[] = this.directory.leaving()): Promise<void> {
    await this.#file.write({ streams: rows, ...(leaving.length > 0 ? { leaving } : {}) });
    this.#overdue = false;
  }
}
