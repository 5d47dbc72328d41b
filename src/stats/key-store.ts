import { createHash, randomInt, timingSafeEqual } from 'node:crypto';
import { corruptDataFile, prepareDataDir } from '../shared/data-file.ts';
import { TributaryError } from '../shared/errors.ts';
import { parseState, type StateContent, StateFile, type StateFormat } from '../shared/state-file.ts';

export const PERMISSIONS = ['admin', 'write', 'read'] as const;
/** `admin` may do everything, `write` may list, add, change and disconnect stream ids, `read` may list them. */
export type Permission = (typeof PERMISSIONS)[number];

export interface ApiKey {
  /** Names the key without being of use to anybody: the first 12 hex digits of its hash. */
  readonly id: string;
  readonly name: string;
  readonly permissions: Permission;
}

/** A key as it is kept. */
export interface StoredKey {
  readonly name: string;
  readonly permissions: Permission;
  /** ISO 8601. */
  readonly created: string;
  /** SHA-256 of the key, hex. Unsalted is enough: keys are random. */
  readonly sha256: string;
}

/** A key as a list shows it. */
export interface ListedKey extends ApiKey {
  /** ISO 8601; undefined for the preset one. */
  readonly created: string | undefined;
  /** ISO 8601: since this start. */
  readonly lastUsed: string | undefined;
  /** It comes from the settings, and goes with them. */
  readonly preset: boolean;
}

interface Known extends ApiKey {
  readonly digest: Buffer;
  readonly stored: StoredKey | undefined;
  lastUsedUnixMs: number | undefined;
}

const FORMAT: StateFormat = { name: 'keys.json', version: 1, steps: {} };
const KEY_LENGTH = 32;
const ALPHABET = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
const FIRST_KEY_NAME = 'Default Admin Key';
const PRESET_NAME = 'Preset Admin Key';
/** Every request is compared with each of them. */
export const MAX_KEYS = 1_000;

const hash = (key: string): Buffer => createHash('sha256').update(key).digest();

const newKey = (): string => Array.from({ length: KEY_LENGTH }, () => ALPHABET[randomInt(ALPHABET.length)]).join('');

const isStoredKey = (value: unknown): value is StoredKey => {
  if (typeof value !== 'object' || value === null) return false;
  const key = value as Record<string, unknown>;
  return (
    typeof key.name === 'string' &&
    typeof key.created === 'string' &&
    typeof key.sha256 === 'string' &&
    /^[0-9a-f]{64}$/.test(key.sha256) &&
    PERMISSIONS.some((permission) => permission === key.permissions)
  );
};

const keysOf = (path: string, { keys }: StateContent): StoredKey[] => {
  if (!Array.isArray(keys) || !keys.every(isStoredKey)) throw corruptDataFile(path, '"keys" is not a list of keys');
  return keys;
};

const knownKey = (stored: StoredKey): Known => {
  const { name, permissions, sha256 } = stored;
  const digest = Buffer.from(sha256, 'hex');
  return { id: sha256.slice(0, 12), name, permissions, digest, stored, lastUsedUnixMs: undefined };
};

const presetKey = (preset: string): Known => {
  const digest = hash(preset);
  const id = digest.toString('hex').slice(0, 12);
  return { id, name: PRESET_NAME, permissions: 'admin', digest, stored: undefined, lastUsedUnixMs: undefined };
};

/** API keys, by their hashes, in `keys.json` of the data folder. */
export class KeyStore {
  readonly #file: StateFile;
  #keys: readonly Known[];
  #last: Promise<unknown> = Promise.resolve();

  private constructor(file: StateFile, keys: readonly Known[]) {
    this.#file = file;
    this.#keys = keys;
  }

  /**
   * Reads the file. Where there is no key at all an admin key is made; `generated` is the only time that it is told.
   * @param preset an admin key of the operator's choice; it is not written to the file
   * @throws TributaryError TRIBUTARY_DATA_DIR_UNWRITABLE, TRIBUTARY_DATA_FILE_CORRUPT, TRIBUTARY_DATA_FILE_NEWER; such a
   * file is left as it is
   */
  static async open(dataDir: string, preset?: string): Promise<{ keys: KeyStore; generated: string | undefined }> {
    const keys = await KeyStore.openAsItIs(dataDir, preset);
    const generated = keys.#keys.length === 0 ? await keys.create(FIRST_KEY_NAME, 'admin') : undefined;
    return { keys, generated };
  }

  /**
   * Another admin key of the operator's choice than before, or none.
   * @returns the key that was made because none was left
   * @throws TributaryError TRIBUTARY_DATA_DIR_UNWRITABLE
   */
  async setPreset(preset: string | undefined): Promise<string | undefined> {
    await this.#inTurn(async () => {
      const stored = this.#keys.filter((key) => key.stored);
      this.#keys = preset === undefined ? stored : [...stored, presetKey(preset)];
    });
    return this.#keys.length === 0 ? this.create(FIRST_KEY_NAME, 'admin') : undefined;
  }

  /** As `open`, without a first key. */
  static async openAsItIs(dataDir: string, preset?: string): Promise<KeyStore> {
    await prepareDataDir(dataDir);
    const { file, content } = await StateFile.open(dataDir, FORMAT);
    const stored = content === undefined ? [] : keysOf(file.path, content).map(knownKey);
    return new KeyStore(file, preset === undefined ? stored : [...stored, presetKey(preset)]);
  }

  /**
   * @param path what the error names
   * @throws TributaryError TRIBUTARY_DATA_FILE_CORRUPT, TRIBUTARY_DATA_FILE_NEWER where it is no text of such a file
   */
  static check(path: string, text: string): void {
    keysOf(path, parseState(path, text, FORMAT).content);
  }

  /** The key's rights, or undefined where it is none of ours. Takes as long for a near miss as for a far one. */
  verify(key: string): ApiKey | undefined {
    const digest = hash(key);
    let found: Known | undefined;
    for (const candidate of this.#keys) if (timingSafeEqual(candidate.digest, digest)) found = candidate;
    if (found) found.lastUsedUnixMs = Date.now();
    return found;
  }

  /** @param id `ApiKey.id` */
  has(id: string): boolean {
    return this.#keys.some((key) => key.id === id);
  }

  /** @param id `ApiKey.id` */
  find(id: string): ApiKey | undefined {
    return this.#keys.find((key) => key.id === id);
  }

  list(): readonly ListedKey[] {
    return this.#keys.map(({ id, name, permissions, stored, lastUsedUnixMs }) => ({
      id,
      name,
      permissions,
      created: stored?.created,
      lastUsed: lastUsedUnixMs === undefined ? undefined : new Date(lastUsedUnixMs).toISOString(),
      preset: stored === undefined,
    }));
  }

  /** What is in the file, and the preset key as if it were. */
  stored(): readonly StoredKey[] {
    return this.#keys.map(
      ({ stored, name, permissions, digest }) =>
        stored ?? { name, permissions, created: new Date().toISOString(), sha256: digest.toString('hex') },
    );
  }

  /**
   * Makes a key and stores its hash.
   * @returns the key, 32 characters `0-9A-Za-z`; it cannot be had again
   * @throws TributaryError TRIBUTARY_DATA_DIR_UNWRITABLE, TRIBUTARY_KEY_LIMIT; there is no new key then
   */
  async create(name: string, permissions: Permission): Promise<string> {
    const key = newKey();
    await this.adopt([{ name, permissions, created: new Date().toISOString(), sha256: hash(key).toString('hex') }]);
    return key;
  }

  /**
   * Takes keys over by their hashes; what is known already is left as it is.
   * @returns how many are new
   * @throws TributaryError as `create`
   */
  adopt(stored: readonly StoredKey[]): Promise<number> {
    return this.#inTurn(async () => {
      const known = new Set(this.#keys.map(({ digest }) => digest.toString('hex')));
      const fresh = stored.filter(({ sha256 }) => !known.has(sha256) && known.add(sha256));
      if (fresh.length === 0) return 0;
      if (this.#keys.length + fresh.length > MAX_KEYS)
        throw new TributaryError(
          'TRIBUTARY_KEY_LIMIT',
          `there would be more than ${MAX_KEYS} API keys`,
          'revoke some that are not used',
        );
      await this.#replace([...this.#keys, ...fresh.map(knownKey)]);
      return fresh.length;
    });
  }

  /**
   * Takes a key away, by its `id`.
   * @returns its rights, or undefined where there is none
   * @throws TributaryError TRIBUTARY_KEY_NEEDED for the last admin key and the preset one, TRIBUTARY_DATA_DIR_UNWRITABLE
   */
  revoke(id: string): Promise<ApiKey | undefined> {
    return this.#inTurn(async () => {
      const gone = this.#keys.find((key) => key.id === id);
      if (!gone) return undefined;
      if (!gone.stored)
        throw new TributaryError('TRIBUTARY_KEY_NEEDED', 'this key is set by the settings', 'change api.key');
      const rest = this.#keys.filter((key) => key !== gone);
      if (!rest.some(({ permissions }) => permissions === 'admin'))
        throw new TributaryError('TRIBUTARY_KEY_NEEDED', 'this is the last admin key', 'make another one first');
      await this.#replace(rest);
      return gone;
    });
  }

  async #replace(keys: readonly Known[]): Promise<void> {
    const stored = keys.flatMap((key) => key.stored ?? []);
    await this.#file.write({ keys: stored });
    this.#keys = keys;
  }

  #inTurn<T>(change: () => Promise<T>): Promise<T> {
    const result = this.#last.then(change);
    this.#last = result.catch(() => {});
    return result;
  }
}
