import { basename, join } from 'node:path';
import { corruptDataFile, readDataFile, writeDataFile } from './data-file.ts';
import { TributaryError } from './errors.ts';

/** What a state file holds, without its version. */
export type StateContent = Readonly<Record<string, unknown>>;

/** The form of a state file of the data folder: JSON with a `version`. */
export interface StateFormat {
  /** File name: `streams.json`. */
  readonly name: string;
  /** What is written. Raised when an older Tributary would misunderstand the file, not for a field that it may pass over. */
  readonly version: number;
  /** From each older version the step to the next one. */
  readonly steps: Readonly<Record<number, (content: StateContent) => StateContent>>;
}

/** Where the file of an older version is kept when the first change replaces it: `streams.json.v1.bak`. */
export const keptName = (name: string, version: number): string => `${name}.v${version}.bak`;

const newer = (path: string, version: number, format: StateFormat): TributaryError => {
  const kept = keptName(basename(path), format.version);
  return new TributaryError(
    'TRIBUTARY_DATA_FILE_NEWER',
    `${path} was written by a newer Tributary (version ${version} of the file; this one knows ${format.version})`,
    `start the newer one, or put ${kept} in its place, where there is one: changes made since then are lost`,
  );
};

/**
 * The content of a state file in the form of today, and the version that it was written in.
 * @param path what errors name
 * @throws TributaryError TRIBUTARY_DATA_FILE_CORRUPT, TRIBUTARY_DATA_FILE_NEWER
 */
export const parseState = (
  path: string,
  text: string,
  format: StateFormat,
): { content: StateContent; version: number } => {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    throw corruptDataFile(path, 'not JSON');
  }
  const { version, ...rest } = (parsed ?? {}) as Record<string, unknown>;
  if (typeof version !== 'number' || !Number.isInteger(version) || version < 1)
    throw corruptDataFile(path, '"version" is not a number from 1 on');
  if (version > format.version) throw newer(path, version, format);
  let content: StateContent = rest;
  for (let from = version; from < format.version; from++) {
    const step = format.steps[from];
    if (!step) throw corruptDataFile(path, `nobody knows version ${from} any more`);
    content = step(content);
  }
  return { content, version };
};

/**
 * A state file that is read once and written often. Reading never writes: a file of an older version becomes one of today with the first
 * change, and stays beside it as it was. Until then an older Tributary can go on with the folder.
 */
export class StateFile {
  readonly path: string;
  readonly #dataDir: string;
  readonly #format: StateFormat;
  /** Of an older version, until it has been kept. */
  #old: { text: string; version: number } | undefined;

  private constructor(dataDir: string, format: StateFormat) {
    this.path = join(dataDir, format.name);
    this.#dataDir = dataDir;
    this.#format = format;
  }

  /**
   * @returns `content` is undefined where there is no file yet
   * @throws TributaryError TRIBUTARY_DATA_FILE_CORRUPT, TRIBUTARY_DATA_FILE_NEWER, TRIBUTARY_DATA_DIR_UNWRITABLE; the file is left as it is
   */
  static async open(
    dataDir: string,
    format: StateFormat,
  ): Promise<{ file: StateFile; content: StateContent | undefined }> {
    const file = new StateFile(dataDir, format);
    const text = await readDataFile(file.path);
    if (text === undefined) return { file, content: undefined };
    const { content, version } = parseState(file.path, text, format);
    if (version < format.version) file.#old = { text, version };
    return { file, content };
  }

  /** Replaces the file as a whole. @throws TributaryError TRIBUTARY_DATA_DIR_UNWRITABLE; the file is what it was then */
  async write(content: StateContent): Promise<void> {
    if (this.#old) {
      await writeDataFile(join(this.#dataDir, keptName(this.#format.name, this.#old.version)), this.#old.text);
      this.#old = undefined;
    }
    const whole = { version: this.#format.version, ...content };
    await writeDataFile(this.path, `${JSON.stringify(whole, undefined, 2)}\n`);
  }
}
