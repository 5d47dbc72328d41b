import { readU16, readU32, writeU16, writeU32 } from '../srtla/bytes.ts';

/*
 * The message that carries the keys of a stream (spec: srt.md §1.4). Lengths are exact, and looked at before anything is copied.
 */

const KEYS_AT = 32;
const SALT_AT = 16;
export const SALT_BYTES = 16;
/** What wrapping adds. */
const WRAP_BYTES = 8;
const SIGNATURE = 0x2029;
const CIPHER_CTR = 2;
const ENCAPSULATION_SRT = 2;
export const KEY_LENGTHS = [16, 24, 32] as const;
export type KeyLengthBytes = (typeof KEY_LENGTHS)[number];

/** What of keys has to be reckoned outside: with a passphrase at hand, and nothing kept. */
export interface KeyCrypto {
  /** PBKDF2 with HMAC-SHA1, 2,048 rounds. Costly: not before a cookie was checked. */
  derive(passphrase: string, salt: Uint8Array, lengthBytes: KeyLengthBytes): Uint8Array;
  /** RFC 3394; undefined where the passphrase was another one. */
  unwrap(wrapped: Uint8Array, kek: Uint8Array): Uint8Array | undefined;
  wrap(keys: Uint8Array, kek: Uint8Array): Uint8Array;
}

export interface KeyMessage {
  readonly lengthBytes: KeyLengthBytes;
  readonly salt: Uint8Array;
  /** Which keys there are, in this order. */
  readonly hasEven: boolean;
  readonly hasOdd: boolean;
  readonly wrapped: Uint8Array;
}

/** `unknown`: another cipher, or no such message. */
export const readKeyMessage = (bytes: Uint8Array): KeyMessage | 'unknown' => {
  if (bytes.length < KEYS_AT || bytes[0] !== 0x12 || readU16(bytes, 1) !== SIGNATURE) return 'unknown';
  const which = bytes[3]!;
  const lengthBytes = KEY_LENGTHS.find((length) => length === bytes[15]! * 4);
  if (which < 1 || which > 3 || lengthBytes === undefined || bytes[14] !== SALT_BYTES / 4) return 'unknown';
  if (readU32(bytes, 4) !== 0 || bytes[8] !== CIPHER_CTR || bytes[9] !== 0 || bytes[10] !== ENCAPSULATION_SRT)
    return 'unknown';
  const keys = which === 3 ? 2 : 1;
  if (bytes.length !== KEYS_AT + keys * lengthBytes + WRAP_BYTES) return 'unknown';
  return {
    lengthBytes,
    salt: bytes.slice(SALT_AT, KEYS_AT),
    hasEven: (which & 1) !== 0,
    hasOdd: (which & 2) !== 0,
    wrapped: bytes.slice(KEYS_AT),
  };
};

/** The message of these keys. */
export const writeKeyMessage = ({ lengthBytes, salt, hasEven, hasOdd, wrapped }: KeyMessage): Uint8Array => {
  const bytes = new Uint8Array(KEYS_AT + wrapped.length);
  bytes[0] = 0x12;
  writeU16(bytes, 1, SIGNATURE);
  bytes[3] = Number(hasEven) | (Number(hasOdd) << 1);
  writeU32(bytes, 4, 0);
  bytes[8] = CIPHER_CTR;
  bytes[10] = ENCAPSULATION_SRT;
  bytes[14] = SALT_BYTES / 4;
  bytes[15] = lengthBytes / 4;
  bytes.set(salt, SALT_AT);
  bytes.set(wrapped, KEYS_AT);
  return bytes;
};

/** The keys that encrypt a stream; one of them at least. */
export interface StreamKeys {
  readonly lengthBytes: KeyLengthBytes;
  readonly salt: Uint8Array;
  readonly even: Uint8Array | undefined;
  readonly odd: Uint8Array | undefined;
}

/** Undefined where the passphrase is another one. */
export const openKeyMessage = (message: KeyMessage, passphrase: string, crypto: KeyCrypto): StreamKeys | undefined => {
  const { lengthBytes, salt, hasEven, hasOdd, wrapped } = message;
  const keys = crypto.unwrap(wrapped, crypto.derive(passphrase, salt.subarray(SALT_BYTES / 2), lengthBytes));
  if (keys?.length !== lengthBytes * (Number(hasEven) + Number(hasOdd))) return undefined;
  return {
    ...{ lengthBytes, salt },
    even: hasEven ? keys.slice(0, lengthBytes) : undefined,
    odd: hasOdd ? keys.slice(keys.length - lengthBytes) : undefined,
  };
};

/** The message that tells a peer of them. */
export const sealKeyMessage = (
  { lengthBytes, salt, even, odd }: StreamKeys,
  passphrase: string,
  crypto: KeyCrypto,
): Uint8Array => {
  const keys = new Uint8Array((Number(even !== undefined) + Number(odd !== undefined)) * lengthBytes);
  if (even) keys.set(even);
  if (odd) keys.set(odd, keys.length - lengthBytes);
  const kek = crypto.derive(passphrase, salt.subarray(SALT_BYTES / 2), lengthBytes);
  const wrapped = crypto.wrap(keys, kek);
  return writeKeyMessage({ lengthBytes, salt, hasEven: even !== undefined, hasOdd: odd !== undefined, wrapped });
};
