import { createHmac, timingSafeEqual } from 'node:crypto';

/** A receiver takes nothing that is older or newer than this, and remembers the delivery numbers of as long. */
export const REPLAY_WINDOW_SECONDS = 300;

/** `v1=` and HMAC-SHA256, in hex, over the Unix seconds, a full stop and the body as it is sent. */
export const signHook = (secret: string, unixSeconds: number, body: string): string =>
  `v1=${createHmac('sha256', secret).update(`${unixSeconds}.${body}`).digest('hex')}`;

/**
 * What a receiver does first.
 * @param timestamp as it came in `Tributary-Timestamp` @param signature as it came in `Tributary-Signature`
 */
export const isSignedHook = (
  secret: string,
  {
    timestamp,
    signature,
    body,
    unixSeconds,
  }: { timestamp: string; signature: string; body: string; unixSeconds: number },
): boolean => {
  const sent = Number(timestamp);
  if (!/^\d{1,12}$/.test(timestamp) || Math.abs(unixSeconds - sent) > REPLAY_WINDOW_SECONDS) return false;
  const expected = Buffer.from(signHook(secret, sent, body));
  const given = Buffer.from(signature);
  return given.length === expected.length && timingSafeEqual(given, expected);
};
