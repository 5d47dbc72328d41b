import { createHmac, createSecretKey } from 'node:crypto';
import type { Mac } from './group-ids.ts';
import type { RandomBytes } from './types.ts';

const KEY_BYTES = 64;

/** HMAC-SHA-512 under a key that is drawn now and known to nobody: ids of an earlier process are unknown, as senders expect. */
export const createMac = (random: RandomBytes): Mac => {
  // As an object: importing the key for each message would cost several times the message.
  const key = createSecretKey(random(KEY_BYTES));
  return (message) => createHmac('sha512', key).update(message).digest();
};
