import { randomBytes, scrypt, timingSafeEqual } from 'node:crypto';
import { TributaryError } from '../../shared/errors.ts';

export const MIN_PASSWORD_LENGTH = 10;
/** Longer ones are refused, so that hashing costs the same for everybody. */
export const MAX_PASSWORD_LENGTH = 256;

interface Cost {
  /** Base 2 logarithm of scrypt's N. */
  readonly logN: number;
  readonly r: number;
  readonly p: number;
}

/** 8 MiB and about 0.2 s: the process has to stay small, and p makes up for what N does not cost. */
const COST: Cost = { logN: 13, r: 8, p: 10 };
const SALT_BYTES = 16;
const HASH_BYTES = 32;
/** Hashes at once: more would take more memory, and the threads that the disk needs. */
const AT_ONCE = 1;
/** Waiting hashes; past it sign-in is refused rather than answered after half a minute. */
const MAX_WAITING = 32;

const derive = (password: string, salt: Buffer, { logN, r, p }: Cost): Promise<Buffer> =>
  new Promise((resolve, reject) => {
    const options = { N: 2 ** logN, r, p, maxmem: 256 * 2 ** logN * r };
    scrypt(password.normalize('NFKC'), salt, HASH_BYTES, options, (error, key) =>
      error ? reject(error) : resolve(key),
    );
  });

interface Parsed {
  readonly cost: Cost;
  readonly salt: Buffer;
  readonly hash: Buffer;
}

const parse = (stored: string): Parsed | undefined => {
  const match = /^scrypt\$(\d{1,2})\$(\d{1,2})\$(\d{1,2})\$([\w-]+)\$([\w-]+)$/.exec(stored);
  if (!match) return undefined;
  const [, logN, r, p, salt, hash] = match as unknown as [string, string, string, string, string, string];
  return {
    cost: { logN: Number(logN), r: Number(r), p: Number(p) },
    salt: Buffer.from(salt, 'base64url'),
    hash: Buffer.from(hash, 'base64url'),
  };
};

const noise = (cost: Cost): Parsed => ({ cost, salt: randomBytes(SALT_BYTES), hash: randomBytes(HASH_BYTES) });

/** Why a password is not taken, in words for a person; undefined where it is. */
export const passwordFault = (password: string): string | undefined => {
  if ([...password].length < MIN_PASSWORD_LENGTH)
    return `The password needs at least ${MIN_PASSWORD_LENGTH} characters.`;
  if (password.length > MAX_PASSWORD_LENGTH) return `The password may have at most ${MAX_PASSWORD_LENGTH} characters.`;
  if (new Set(password).size < 4) return 'The password repeats itself too much.';
  return undefined;
};

/** Hashes and checks passwords with scrypt, off the event loop, a few at a time. */
export class Passwords {
  readonly #cost: Cost;
  readonly #waiting: (() => void)[] = [];
  #running = 0;

  constructor(cost: Cost = COST) {
    this.#cost = cost;
  }

  /**
   * @returns `scrypt$logN$r$p$salt$hash`
   * @throws TributaryError TRIBUTARY_BUSY
   */
  async hash(password: string): Promise<string> {
    const salt = randomBytes(SALT_BYTES);
    const { logN, r, p } = this.#cost;
    const hash = await this.#inTurn(() => derive(password, salt, this.#cost));
    return `scrypt$${logN}$${r}$${p}$${salt.toString('base64url')}$${hash.toString('base64url')}`;
  }

  /**
   * @param stored what `hash` made; undefined where there is no such account, which takes as long and is never right
   * @throws TributaryError TRIBUTARY_BUSY
   */
  async verify(password: string, stored: string | undefined): Promise<boolean> {
    // A name without an account is checked against noise, so that it takes as long.
    const parsed = stored === undefined ? noise(this.#cost) : parse(stored);
    if (!parsed || password.length > MAX_PASSWORD_LENGTH) return false;
    const hash = await this.#inTurn(() => derive(password, parsed.salt, parsed.cost));
    return hash.length === parsed.hash.length && timingSafeEqual(hash, parsed.hash) && stored !== undefined;
  }

  /** True where the hash was made at another cost than new ones are. */
  isOutdated(stored: string): boolean {
    const cost = parse(stored)?.cost;
    return cost?.logN !== this.#cost.logN || cost.r !== this.#cost.r || cost.p !== this.#cost.p;
  }

  async #inTurn<T>(work: () => Promise<T>): Promise<T> {
    if (this.#running >= AT_ONCE) {
      if (this.#waiting.length >= MAX_WAITING)
        throw new TributaryError(
          'TRIBUTARY_BUSY',
          'too many people are signing in at this moment',
          'try again in a minute',
        );
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    } else this.#running++;
    try {
      return await work();
    } finally {
      // The place is handed on, not given back: nobody slips in between.
      const next = this.#waiting.shift();
      if (next) next();
      else this.#running--;
    }
  }
}
