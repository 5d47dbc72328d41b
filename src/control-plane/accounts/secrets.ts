import { createHash, createHmac, randomBytes } from 'node:crypto';

const BASE32 = 'abcdefghijklmnopqrstuvwxyz234567';

/** RFC 4648 base32 in lower case, without padding: what survives being read out, typed and put into a host name. */
export const base32 = (bytes: Uint8Array): string => {
  let out = '';
  let bits = 0;
  let value = 0;
  for (const byte of bytes) {
    value = (value << 8) | byte;
    bits += 8;
    for (; bits >= 5; bits -= 5) out += BASE32[(value >>> (bits - 5)) & 31];
    value &= (1 << bits) - 1;
  }
  return bits > 0 ? out + BASE32[(value << (5 - bits)) & 31] : out;
};

/** 128 random bits, 26 characters. */
export const randomToken = (): string => base32(randomBytes(16));

/** `usr_…`: a name that nobody has yet. */
export const newId = (prefix: string): string => `${prefix}_${randomToken()}`;

/** What is kept of a secret that we made: unsalted is enough for 128 random bits. Hex. */
export const hashOfSecret = (secret: string): string => createHash('sha256').update(secret).digest('hex');

/** A value that only who knows `key` can make of `text`; base64url. */
export const macOf = (key: string, text: string): string => createHmac('sha256', key).update(text).digest('base64url');
