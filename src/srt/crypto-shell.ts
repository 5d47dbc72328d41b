import { createCipheriv, createDecipheriv, createHmac, createSecretKey, pbkdf2Sync } from 'node:crypto';
import type { CookieMac } from './cookie.ts';
import type { KeyLengthBytes } from './key-material.ts';
import type { CipherCrypto } from './session-cipher.ts';

const ROUNDS = 2_048;
/** RFC 3394. */
const WRAP_IV = Buffer.alloc(8, 0xa6);
const COOKIE_KEY_BYTES = 32;
/** Of them a caller may bring another one with each try. */
const KEPT_DERIVED = 256;

const wrapName = (kek: Uint8Array): string => `id-aes${kek.length * 8}-wrap`;

/** Node's own cryptography, for one listener: derived keys are kept for a while, since encoders come back with the same ones. */
export const createSrtCrypto = (): CipherCrypto => {
  const derived = new Map<string, Uint8Array>();
  return {
    derive: (passphrase: string, salt: Uint8Array, lengthBytes: KeyLengthBytes): Uint8Array => {
      const name = `${lengthBytes} ${Buffer.from(salt).toString('hex')} ${passphrase}`;
      const known = derived.get(name);
      if (known) return known;
      const key = new Uint8Array(pbkdf2Sync(passphrase, salt, ROUNDS, lengthBytes, 'sha1'));
      derived.set(name, key);
      if (derived.size > KEPT_DERIVED) derived.delete(derived.keys().next().value!);
      return key;
    },
    unwrap: (wrapped, kek) => {
      try {
        const decipher = createDecipheriv(wrapName(kek), kek, WRAP_IV);
        return new Uint8Array(Buffer.concat([decipher.update(wrapped), decipher.final()]));
      } catch {
        return undefined;
      }
    },
    wrap: (keys, kek) => {
      const cipher = createCipheriv(wrapName(kek), kek, WRAP_IV);
      return new Uint8Array(Buffer.concat([cipher.update(keys), cipher.final()]));
    },
    blockCipher: (key) => {
      const cipher = createCipheriv(`aes-${key.length * 8}-ecb`, key, null).setAutoPadding(false);
      return (blocks) => cipher.update(blocks);
    },
  };
};

/** @param random draws so many bytes */
export const createCookieMac = (random: (bytes: number) => Uint8Array): CookieMac => {
  const key = createSecretKey(random(COOKIE_KEY_BYTES));
  return (message) => createHmac('sha256', key).update(message).digest();
};
