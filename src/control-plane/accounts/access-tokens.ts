import { randomUUID } from 'node:crypto';
// Parts of it: the whole library is 8 MB more in memory.
import { compactVerify } from 'jose/jws/compact/verify';
import { SignJWT } from 'jose/jwt/sign';
import { z } from 'zod';
import type { Millis } from '../../shared/clock.ts';
import type { Caller } from './authenticator.ts';
import type { SigningKeys } from './signing-keys.ts';

/** telemy.md §3.1. */
export const ACCESS_TOKEN_LIFE_MS: Millis = 15 * 60_000;
/** Clocks of two processes may differ by this. */
const SKEW_MS: Millis = 60_000;
const MAX_TOKEN_LENGTH = 2_048;
const ALGORITHM = 'HS256';

const claimsSchema = z.object({
  uid: z.string().min(1),
  sid: z.string().min(1),
  exp: z.number().int(),
  iat: z.number().int(),
  jti: z.string().min(1),
});

export interface ReadToken extends Caller {
  readonly isExpired: boolean;
}

/** JWTs of clients: HS256 with claims `uid`, `sid`, `exp`, `iat`, `jti` (telemy.md §3.1). */
export class AccessTokens {
  readonly #keys: SigningKeys;
  readonly #unixNow: () => Millis;

  constructor(keys: SigningKeys, unixNow: () => Millis) {
    this.#keys = keys;
    this.#unixNow = unixNow;
  }

  async issue({ userId, sid }: Caller): Promise<string> {
    const { kid, secret } = await this.#keys.current();
    const iat = Math.floor(this.#unixNow() / 1_000);
    return new SignJWT({ uid: userId, sid })
      .setProtectedHeader({ alg: ALGORITHM, typ: 'JWT', kid })
      .setIssuedAt(iat)
      .setExpirationTime(iat + ACCESS_TOKEN_LIFE_MS / 1_000)
      .setJti(randomUUID())
      .sign(secret);
  }

  /** What a token says that we have signed, expired or not; undefined for any other text. Throws only what the database throws. */
  async read(token: string): Promise<ReadToken | undefined> {
    if (token.length > MAX_TOKEN_LENGTH) return undefined;
    const kid = kidOf(token);
    const key = kid === undefined ? undefined : await this.#keys.find(kid);
    if (!key) return undefined;
    let payload: Uint8Array;
    try {
      ({ payload } = await compactVerify(token, key.secret, { algorithms: [ALGORITHM] }));
    } catch {
      return undefined;
    }
    const claims = claimsSchema.safeParse(jsonOf(Buffer.from(payload).toString()));
    if (!claims.success) return undefined;
    const { uid, sid, exp, iat } = claims.data;
    const now = this.#unixNow();
    if (iat * 1_000 > now + SKEW_MS) return undefined;
    return { userId: uid, sid, isExpired: exp * 1_000 <= now };
  }
}

const jsonOf = (text: string): unknown => {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
};

/** The name of the key in the header, which proves nothing by itself. */
const kidOf = (token: string): string | undefined => {
  const header = jsonOf(Buffer.from(token.split('.', 1)[0]!, 'base64url').toString());
  const kid = (header as { kid?: unknown } | null | undefined)?.kid;
  return typeof kid === 'string' ? kid : undefined;
};
