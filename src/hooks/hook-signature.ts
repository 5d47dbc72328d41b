import { createHmac, timingSafeEqual } from 'node:crypto';

export const TIMESTAMP_HEADER = 'tributary-timestamp';
export const SIGNATURE_HEADER = 'tributary-signature';

/** What a receiver should take for a replay: a timestamp further away than this. A delivery with its tries takes less. */
export const SIGNATURE_VALID_S = 300;

/** `v1=` and the HMAC-SHA256, in hex, of the timestamp (Unix s, as in its header), a dot and the body as sent. */
export const signHook = (secret: string, timestampS: number, body: string): string =>
  `v1=${createHmac('sha256', secret).update(`${timestampS}.${body}`).digest('hex')}`;

/** The check that a receiver makes: whether body and timestamp are signed with the secret, and of now. Headers as they came. */
export const isHookSigned = (
  secret: string,
  headers: { timestamp: string | undefined; signature: string | undefined },
  body: string,
  nowS: number,
): boolean => {
  const timestampS = /^\d{1,12}$/.test(headers.timestamp ?? '') ? Number(headers.timestamp) : Number.NaN;
  if (!(Math.abs(nowS - timestampS) <= SIGNATURE_VALID_S)) return false;
  const due = Buffer.from(signHook(secret, timestampS, body));
  const given = Buffer.from(headers.signature ?? '');
  return due.length === given.length && timingSafeEqual(due, given);
};

/** The headers of a request that is signed now; without a secret only its time. @param unixMs now */
export const hookSignatureHeaders = (
  secret: string | undefined,
  unixMs: number,
  body: string,
): Record<string, string> => {
  const timestampS = Math.floor(unixMs / 1_000);
  return {
    [TIMESTAMP_HEADER]: String(timestampS),
    ...(secret === undefined ? {} : { [SIGNATURE_HEADER]: signHook(secret, timestampS, body) }),
  };
};
