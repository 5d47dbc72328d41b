import { equalBytes } from '../srtla/bytes.ts';
import { type KeyCrypto, openKeyMessage, readKeyMessage, SALT_BYTES, type StreamKeys } from './key-material.ts';
import { type BlockCipher, Keystream } from './keystream.ts';
import { KEY, LARGEST_PAYLOAD_BYTES } from './packet.ts';
import type { PayloadDecipher } from './types.ts';

export interface CipherCrypto extends KeyCrypto {
  blockCipher(key: Uint8Array): BlockCipher;
}

/**
 * The payloads of one session, encrypted and decrypted (AES-CTR; spec: srt.md §1.4). It has keys from its first moment on and is never without: a
 * message that does not open with the session's passphrase changes nothing.
 */
export class SessionCipher implements PayloadDecipher {
  readonly #passphrase: string;
  readonly #crypto: CipherCrypto;
  #keys: StreamKeys;
  #even: Keystream | undefined;
  #odd: Keystream | undefined;
  /** The key of the latest packet: it is not replaced under way. */
  #inUse: number = KEY.clear;

  constructor(keys: StreamKeys, passphrase: string, crypto: CipherCrypto) {
    this.#keys = keys;
    this.#passphrase = passphrase;
    this.#crypto = crypto;
    this.#even = keys.even && new Keystream(crypto.blockCipher(keys.even), keys.salt);
    this.#odd = keys.odd && new Keystream(crypto.blockCipher(keys.odd), keys.salt);
  }

  /** The key to encrypt with, of `KEY`. */
  get sendKey(): number {
    return this.#even ? KEY.even : KEY.odd;
  }

  /** Where it lies; the same as encrypting. */
  decrypt(bytes: Uint8Array, offset: number, length: number, sequence: number, key: number): boolean {
    const stream = key === KEY.even ? this.#even : key === KEY.odd ? this.#odd : undefined;
    if (!stream || length > LARGEST_PAYLOAD_BYTES) return false;
    this.#inUse = key;
    applied(stream.of(sequence, length), stream.at, bytes, offset, bytes, offset, length);
    return true;
  }

  /** `length` bytes from one place to the beginning of another, under `sendKey`. */
  encrypt(from: Uint8Array, into: Uint8Array, sequence: number, offset = 0, length: number = from.length): void {
    const stream = (this.#even ?? this.#odd)!;
    applied(stream.of(sequence, length), stream.at, from, offset, into, 0, length);
  }

  /**
   * A peer announces further keys (spec: srt.md §1.4, re-keying).
   * @returns what to answer; undefined where it is none of this session's, which changes nothing
   */
  rekey(message: Uint8Array): Uint8Array | undefined {
    const read = readKeyMessage(message);
    if (read === 'unknown' || read.lengthBytes !== this.#keys.lengthBytes) return undefined;
    const keys = openKeyMessage(read, this.#passphrase, this.#crypto);
    if (!keys) return undefined;
    const isSaltNew = !equalBytes(keys.salt, 0, this.#keys.salt, 0, SALT_BYTES);
    // What is in use has to open what is still on its way.
    if (isSaltNew && this.#inUse !== KEY.clear) return undefined;
    this.#even = this.#next(KEY.even, this.#even, this.#keys.even, keys.even, keys.salt);
    this.#odd = this.#next(KEY.odd, this.#odd, this.#keys.odd, keys.odd, keys.salt);
    this.#keys = {
      ...keys,
      even: (this.#inUse === KEY.even ? this.#keys.even : undefined) ?? keys.even ?? this.#keys.even,
      odd: (this.#inUse === KEY.odd ? this.#keys.odd : undefined) ?? keys.odd ?? this.#keys.odd,
    };
    return message;
  }

  #next(
    which: number,
    now: Keystream | undefined,
    key: Uint8Array | undefined,
    next: Uint8Array | undefined,
    salt: Uint8Array,
  ): Keystream | undefined {
    if (now && which === this.#inUse) return now;
    const used = next ?? key;
    if (!used) return undefined;
    const isSame = key !== undefined && equalBytes(key, 0, used, 0, key.length);
    const isSaltSame = equalBytes(salt, 0, this.#keys.salt, 0, SALT_BYTES);
    return now && isSame && isSaltSame ? now : new Keystream(this.#crypto.blockCipher(used), salt);
  }
}

const views = new WeakMap<ArrayBufferLike, Int32Array>();
const wordsOf = ({ buffer }: Uint8Array): Int32Array => {
  let words = views.get(buffer);
  if (words === undefined) {
    words = new Int32Array(buffer, 0, buffer.byteLength >> 2);
    views.set(buffer, words);
  }
  return words;
};

/** By words where both places allow it, as those of the store do. */
const applied = (
  stream: Int32Array,
  streamAt: number,
  from: Uint8Array,
  fromAt: number,
  into: Uint8Array,
  intoAt: number,
  length: number,
): void => {
  const start = from.byteOffset + fromAt;
  const target = into.byteOffset + intoAt;
  const words = ((start | target) & 3) === 0 ? length >> 2 : 0;
  if (words > 0) {
    const [source, sink] = [wordsOf(from), wordsOf(into)];
    const [first, to] = [start >> 2, target >> 2];
    for (let i = 0; i < words; i++) sink[to + i] = source[first + i]! ^ stream[streamAt + i]!;
  }
  if (words * 4 === length) return;
  const bytes = new Uint8Array(stream.buffer, stream.byteOffset + streamAt * 4, length);
  for (let i = words * 4; i < length; i++) into[intoAt + i] = from[fromAt + i]! ^ bytes[i]!;
};
