import { createHash, randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { corruptDataFile, readDataFile, writeDataFile } from '../shared/data-file.ts';
import { TributaryError } from '../shared/errors.ts';
import type { ShareView } from './dashboard-types.ts';

const FILE_NAME = 'shares.json';
const FILE_VERSION = 1;
export const MAX_SHARES = 1_000;
const DAY_MS = 86_400_000;
/** Days that a link may be good for. */
export const SHARE_DAYS = [1, 365] as const;

/** A link as it is kept: neither its token nor the publisher id can be had from it. */
interface StoredShare extends ShareView {
  /** SHA-256 of the token, hex. */
  readonly token: string;
  /** SHA-256 of the publisher id, hex. */
  readonly stream: string;
}

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');
const HEX = /^[0-9a-f]{64}$/;

const isStored = (value: unknown): value is StoredShare => {
  const share = value as Partial<StoredShare> | null;
  return (
    typeof share === 'object' &&
    share !== null &&
    typeof share.id === 'string' &&
    HEX.test(share.token ?? '') &&
    HEX.test(share.stream ?? '') &&
    Number.isFinite(share.createdMs) &&
    Number.isFinite(share.expiresMs)
  );
};

const parse = (path: string, text: string): StoredShare[] => {
  let content: { version?: unknown; shares?: unknown } | null;
  try {
    content = JSON.parse(text) as typeof content;
  } catch {
    throw corruptDataFile(path, 'not JSON');
  }
  if (content?.version !== FILE_VERSION) throw corruptDataFile(path, `"version" is not ${FILE_VERSION}`);
  if (!Array.isArray(content.shares) || !content.shares.every(isStored))
    throw corruptDataFile(path, '"shares" is not a list of shared links');
  return content.shares;
};

/** Links that show one stream to whoever has them, in `shares.json` of the data folder. */
export class ShareStore {
  readonly #path: string;
  readonly #unixNow: () => number;
  #shares: readonly StoredShare[];
  #last: Promise<unknown> = Promise.resolve();

  private constructor(path: string, shares: readonly StoredShare[], unixNow: () => number) {
    this.#path = path;
    this.#shares = shares;
    this.#unixNow = unixNow;
  }

  /** @throws TributaryError TRIBUTARY_DATA_DIR_UNWRITABLE, TRIBUTARY_DATA_FILE_CORRUPT */
  static async open(dataDir: string, unixNow: () => number = Date.now): Promise<ShareStore> {
    const path = join(dataDir, FILE_NAME);
    const text = await readDataFile(path);
    return new ShareStore(path, text === undefined ? [] : parse(path, text), unixNow);
  }

  /**
   * @returns the token, 22 characters: it cannot be had again
   * @throws TributaryError TRIBUTARY_SHARE_LIMIT, TRIBUTARY_DATA_DIR_UNWRITABLE
   */
  create(publisherId: string, days: number): Promise<{ token: string; share: ShareView }> {
    return this.#inTurn(async () => {
      const now = this.#unixNow();
      const token = randomBytes(16).toString('base64url');
      const times = { createdMs: now, expiresMs: now + days * DAY_MS };
      const share = { id: randomBytes(6).toString('hex'), ...times };
      const current = this.#shares.filter(({ expiresMs }) => expiresMs > now);
      if (current.length >= MAX_SHARES)
        throw new TributaryError(
          'TRIBUTARY_SHARE_LIMIT',
          `there would be more than ${MAX_SHARES} shared links`,
          'take some back that are not used',
        );
      await this.#replace([...current, { ...share, token: sha256(token), stream: sha256(publisherId) }]);
      return { token, share };
    });
  }

  /** @returns whether there was one @throws TributaryError TRIBUTARY_DATA_DIR_UNWRITABLE */
  revoke(publisherId: string, id: string): Promise<boolean> {
    return this.#inTurn(async () => {
      const stream = sha256(publisherId);
      const rest = this.#shares.filter((share) => share.id !== id || share.stream !== stream);
      if (rest.length === this.#shares.length) return false;
      await this.#replace(rest);
      return true;
    });
  }

  of(publisherId: string): ShareView[] {
    const [stream, now] = [sha256(publisherId), this.#unixNow()];
    return this.#shares
      .filter((share) => share.stream === stream && share.expiresMs > now)
      .map(({ id, createdMs, expiresMs }) => ({ id, createdMs, expiresMs }));
  }

  /** The SHA-256 of the publisher id that a token shows; undefined where there is no such link, or it is over. */
  streamOf(token: string): string | undefined {
    const hash = sha256(token);
    const share = this.#shares.find((one) => one.token === hash);
    return share && share.expiresMs > this.#unixNow() ? share.stream : undefined;
  }

  async #replace(shares: readonly StoredShare[]): Promise<void> {
    await writeDataFile(this.#path, `${JSON.stringify({ version: FILE_VERSION, shares }, undefined, 2)}\n`);
    this.#shares = shares;
  }

  #inTurn<T>(change: () => Promise<T>): Promise<T> {
    const result = this.#last.then(change);
    this.#last = result.catch(() => {});
    return result;
  }
}
