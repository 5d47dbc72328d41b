import { join } from 'node:path';
import { corruptDataFile, prepareDataDir, readDataFile, writeDataFile } from '../shared/data-file.ts';
import { messageOf } from '../shared/errors.ts';
import { type Row, StreamDirectory } from './directory.ts';
import { firstRows, newPair } from './new-ids.ts';

/** Changes of the directory that are on disk before they take effect. */
export interface DirectoryStore {
  /** @throws TributaryError TRIBUTARY_STREAM_ID_TAKEN, TRIBUTARY_STREAM_ID_INVALID, TRIBUTARY_DATA_DIR_UNWRITABLE */
  add(row: Row): Promise<Row>;
  /** A row with new ids; see `newPair`. Errors as `add`. */
  create(options: { forPlugin: boolean; description?: string; passphrase?: string }): Promise<Row>;
  /** By a player id its row, by a publisher id all of its rows. @returns what was taken away; empty where the id is unknown */
  remove(id: string): Promise<readonly Row[]>;
}

const FILE_NAME = 'streams.json';
const FILE_VERSION = 1;

const OPTIONAL = ['description', 'passphrase'] as const;

const isRow = (value: unknown): value is Row => {
  if (typeof value !== 'object' || value === null) return false;
  const row = value as Record<string, unknown>;
  return (
    typeof row.publisher === 'string' &&
    typeof row.player === 'string' &&
    OPTIONAL.every((name) => row[name] === undefined || typeof row[name] === 'string')
  );
};

const parse = (path: string, text: string): StreamDirectory => {
  let content: { version?: unknown; streams?: unknown } | null;
  try {
    content = JSON.parse(text) as typeof content;
  } catch {
    throw corruptDataFile(path, 'not JSON');
  }
  if (content?.version !== FILE_VERSION) throw corruptDataFile(path, `"version" is not ${FILE_VERSION}`);
  if (!Array.isArray(content.streams)) throw corruptDataFile(path, '"streams" is not a list');
  const directory = new StreamDirectory();
  content.streams.forEach((row: unknown, index) => {
    if (!isRow(row)) throw corruptDataFile(path, `row ${index + 1} is not a stream`);
    try {
      directory.add(row);
    } catch (error) {
      throw corruptDataFile(path, `row ${index + 1}: ${messageOf(error)}`);
    }
  });
  return directory;
};

/** The stream directory in `streams.json` of the data folder. */
export class DirectoryFile implements DirectoryStore {
  readonly directory: StreamDirectory;
  /** True when this start made the file, with the first ids in it. */
  readonly isNew: boolean;
  readonly #path: string;
  #last: Promise<unknown> = Promise.resolve();

  private constructor(path: string, directory: StreamDirectory, isNew: boolean) {
    this.#path = path;
    this.directory = directory;
    this.isNew = isNew;
  }

  /**
   * Reads the file, or makes it.
   * @throws TributaryError TRIBUTARY_DATA_DIR_UNWRITABLE, TRIBUTARY_DATA_FILE_CORRUPT; a damaged file is left as it is
   */
  static async open(dataDir: string): Promise<DirectoryFile> {
    await prepareDataDir(dataDir);
    const path = join(dataDir, FILE_NAME);
    const text = await readDataFile(path);
    if (text !== undefined) return new DirectoryFile(path, parse(path, text), false);
    const file = new DirectoryFile(path, new StreamDirectory(), true);
    const rows = firstRows();
    await file.#write(rows);
    for (const row of rows) file.directory.add(row);
    return file;
  }

  add(row: Row): Promise<Row> {
    return this.#inTurn(async () => {
      const added = this.directory.check(row);
      await this.#write([...this.directory.rows(), added]);
      return this.directory.add(added);
    });
  }

  create({ forPlugin, ...more }: { forPlugin: boolean; description?: string; passphrase?: string }): Promise<Row> {
    return this.add({ ...newPair(forPlugin), ...more });
  }

  remove(id: string): Promise<readonly Row[]> {
    return this.#inTurn(async () => {
      const rows = this.directory.rows();
      const gone = rows.filter((row) => row.player === id || row.publisher === id);
      if (gone.length === 0) return gone;
      await this.#write(rows.filter((row) => !gone.includes(row)));
      for (const row of gone) this.directory.removeByPlayer(row.player);
      return gone;
    });
  }

  /** One change at a time: each sees what the one before it has left on disk. */
  #inTurn<T>(change: () => Promise<T>): Promise<T> {
    const result = this.#last.then(change);
    this.#last = result.catch(() => {});
    return result;
  }

  #write(rows: readonly Row[]): Promise<void> {
    return writeDataFile(this.#path, `${JSON.stringify({ version: FILE_VERSION, streams: rows }, undefined, 2)}\n`);
  }
}
