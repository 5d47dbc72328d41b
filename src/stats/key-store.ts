import { createHash, randomInt, timingSafeEqual } from 'node:crypto';
import { join } from 'node:path';
import { corruptDataFile, prepareDataDir, readDataFile, writeDataFile } from '../shared/data-file.ts';

export const PERMISSIONS = ['admin', 'write', 'read'] as const;
/** `admin` may do everything, `write` may list and add stream ids, `read` may list them. */
export type Permission = (typeof PERMISSIONS)[number];

export interface ApiKey {
  readonly name: string;
  readonly permissions: Permission;
}

interface StoredKey extends ApiKey {
  /** SHA-256 of the key, hex. Unsalted is enough: keys are random. */
  readonly sha256: string;
  /** ISO 8601. */
  readonly created: string;
}

const FILE_NAME = 'keys.json';
const FILE_VERSION = 1;
const KEY_LENGTH = 32;
const ALPHABET = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
const FIRST_KEY_NAME = 'Default Admin Key';

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

const parse = (path: string, text: string): StoredKey[] => {
  let content: { version?: unknown; keys?: unknown } | null;
  try {
    content = JSON.parse(text) as typeof content;
  } catch {
    throw corruptDataFile(path, 'not JSON');
  }
  if (content?.version !== FILE_VERSION) throw corruptDataFile(path, `"version" is not ${FILE_VERSION}`);
  if (!Array.isArray(content.keys) || !content.keys.every(isStoredKey))
    throw corruptDataFile(path, '"keys" is not a list of keys');
  return content.keys;
};

/** API keys, by their hashes, in `keys.json` of the data folder. */
export class KeyStore {
  readonly #path: string;
  readonly #keys: { readonly key: ApiKey; readonly digest: Buffer }[] = [];
  #stored: readonly StoredKey[];
  #last: Promise<unknown> = Promise.resolve();

  private constructor(path: string, stored: readonly StoredKey[], preset: string | undefined) {
    this.#path = path;
    this.#stored = stored;
    for (const key of stored) this.#keys.push({ key, digest: Buffer.from(key.sha256, 'hex') });
    if (preset !== undefined)
      this.#keys.push({ key: { name: 'Preset Admin Key', permissions: 'admin' }, digest: hash(preset) });
  }

  /**
   * Reads the file. Where there is no key at all an admin key is made; `generated` is the only time that it is told.
   * @param preset an admin key of the operator's choice; it is not written to the file
   * @throws TributaryError TRIBUTARY_DATA_DIR_UNWRITABLE, TRIBUTARY_DATA_FILE_CORRUPT; a damaged file is left as it is
   */
  static async open(dataDir: string, preset?: string): Promise<{ keys: KeyStore; generated: string | undefined }> {
    await prepareDataDir(dataDir);
    const path = join(dataDir, FILE_NAME);
    const text = await readDataFile(path);
    const keys = new KeyStore(path, text === undefined ? [] : parse(path, text), preset);
    const generated = keys.#keys.length === 0 ? await keys.create(FIRST_KEY_NAME, 'admin') : undefined;
    return { keys, generated };
  }

  /** The key's rights, or undefined where it is none of ours. Takes as long for a near miss as for a far one. */
  verify(key: string): ApiKey | undefined {
    const digest = hash(key);
    let found: ApiKey | undefined;
    for (const candidate of this.#keys) if (timingSafeEqual(candidate.digest, digest)) found = candidate.key;
    return found;
  }

  /**
   * Makes a key and stores its hash.
   * @returns the key, 32 characters `0-9A-Za-z`; it cannot be had again
   * @throws TributaryError TRIBUTARY_DATA_DIR_UNWRITABLE; there is no new key then
   */
  create(name: string, permissions: Permission): Promise<string> {
    const result = this.#last.then(async () => {
      const key = newKey();
      const digest = hash(key);
      const stored = { name, permissions, created: new Date().toISOString(), sha256: digest.toString('hex') };
      const all = [...this.#stored, stored];
      await writeDataFile(this.#path, `${JSON.stringify({ version: FILE_VERSION, keys: all }, undefined, 2)}\n`);
      this.#stored = all;
      this.#keys.push({ key: stored, digest });
      return key;
    });
    this.#last = result.catch(() => {});
    return result;
  }
}
