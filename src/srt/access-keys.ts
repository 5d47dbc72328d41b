import { type ConclusionRequest, REJECT } from './handshake.ts';
import { openKeyMessage, readKeyMessage } from './key-material.ts';
import { type CipherCrypto, SessionCipher } from './session-cipher.ts';

/** A session in the clear, one with keys, or the code of `REJECT` that turns the caller away. */
export type SessionKeys = { readonly cipher: SessionCipher | undefined } | { readonly reject: number };

/**
 * Whether a caller has the passphrase that is due, or none where none is (spec: srt.md §1.4). Costly where there is one to try.
 * @param passphrase undefined: the session is in the clear
 */
export const sessionKeysOf = (
  { keyMaterial }: Pick<ConclusionRequest, 'keyMaterial'>,
  passphrase: string | undefined,
  crypto: CipherCrypto,
): SessionKeys => {
  if (passphrase === undefined) return keyMaterial ? { reject: REJECT.unsecure } : { cipher: undefined };
  if (!keyMaterial) return { reject: REJECT.unsecure };
  const message = readKeyMessage(keyMaterial);
  if (message === 'unknown') return { reject: REJECT.crypto };
  const keys = openKeyMessage(message, passphrase, crypto);
  return keys ? { cipher: new SessionCipher(keys, passphrase, crypto) } : { reject: REJECT.badSecret };
};
