import { equalBytes, readU32, writeU32 } from '../srtla/bytes.ts';
import { type KeyCrypto, openKeyMessage, readKeyMessage, SALT_BYTES, type StreamKeys } from './key-material.ts';
import { KEY, LARGEST_PAYLOAD_BYTES } from './packet.ts';
import type { PayloadDecipher } from './types.ts';

const BLOCK_BYTES = 16;
const MOST_BLOCKS = Math.ceil(LARGEST_PAYLOAD_BYTES / BLOCK_BYTES);

/** AES of whole blocks under one key, each by itself; the result is valid until the next call. */
export type BlockCipher = (blocks: Uint8Array) => Uint8Array;

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
  readonly #counters = new Uint8Array(MOST_BLOCKS * BLOCK_BYTES);
  #keys: StreamKeys;
  #even: BlockCipher | undefined;
  #odd: BlockCipher | undefined;
  /** The key of the latest packet: it is not replaced under way. */
  #inUse: number = KEY.clear;

  constructor(keys: StreamKeys, passphrase: string, crypto: CipherCrypto) {
    this.#keys = keys;
    this.#passphrase = passphrase;
    this.#crypto = crypto;
    this.#even = keys.even && crypto.blockCipher(keys.even);
    this.#odd = keys.odd && crypto.blockCipher(keys.odd);
  }

  /** The key to encrypt with, of `KEY`. */
  get sendKey(): number {
    return this.#even ? KEY.even : KEY.odd;
  }

  /** Where it lies; the same as encrypting. */
  decrypt(bytes: Uint8Array, offset: number, length: number, sequence: number, key: number): boolean {
    const cipher = key === KEY.even ? this.#even : key === KEY.odd ? this.#odd : undefined;
    if (!cipher || length > LARGEST_PAYLOAD_BYTES) return false;
    this.#inUse = key;
    this.#apply(cipher, bytes, offset, length, sequence);
    return true;
  }

  /** From one place to another, under `sendKey`. */
  encrypt(from: Uint8Array, into: Uint8Array, sequence: number): void {
    into.set(from);
    this.#apply((this.#even ?? this.#odd)!, into, 0, from.length, sequence);
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
    this.#even = this.#next(KEY.even, this.#even, this.#keys.even, keys.even);
    this.#odd = this.#next(KEY.odd, this.#odd, this.#keys.odd, keys.odd);
    this.#keys = {
      ...keys,
      even: (this.#inUse === KEY.even ? this.#keys.even : undefined) ?? keys.even ?? this.#keys.even,
      odd: (this.#inUse === KEY.odd ? this.#keys.odd : undefined) ?? keys.odd ?? this.#keys.odd,
    };
    return message;
  }

  #next(
    which: number,
    now: BlockCipher | undefined,
    key: Uint8Array | undefined,
    next: Uint8Array | undefined,
  ): BlockCipher | undefined {
    if (!next || (now && which === this.#inUse)) return now;
    return key && equalBytes(key, 0, next, 0, key.length) ? now : this.#crypto.blockCipher(next);
  }

  #apply(cipher: BlockCipher, bytes: Uint8Array, offset: number, length: number, sequence: number): void {
    const counters = this.#counters;
    const blocks = Math.ceil(length / BLOCK_BYTES);
    counters.set(this.#keys.salt);
    // The sequence number goes into bytes 10 to 13; the last two count blocks.
    writeU32(counters, 10, readU32(counters, 10) ^ sequence);
    counters[14] = counters[15] = 0;
    for (let block = 1; block < blocks; block++) {
      const at = block * BLOCK_BYTES;
      counters.copyWithin(at, 0, BLOCK_BYTES - 2);
      counters[at + 14] = block >> 8;
      counters[at + 15] = block;
    }
    const stream = cipher(counters.subarray(0, blocks * BLOCK_BYTES));
    for (let i = 0; i < length; i++) bytes[offset + i]! ^= stream[i]!;
  }
}
