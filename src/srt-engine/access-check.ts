import type { SrtAccess } from '../shared/addon.ts';

const LEAST_BUFFER_BYTES = 64 * 1_500;
const LEAST_WINDOW_PACKETS = 64;
const MOST_WINDOW_PACKETS = 1_000_000;
const MOST_LATENCY_MS = 60_000;
const MOST_INT32 = 2 ** 31 - 1;
const LEAST_SECRET_BYTES = 10;
const MOST_SECRET_BYTES = 79;

const inRange = (value: number | undefined, least: number, most: number): boolean =>
  value === undefined || (Number.isInteger(value) && value >= least && value <= most);

/** The limits of an id as the addon has them. @throws TypeError for what makes no sense */
export const checkAccess = (access: SrtAccess): void => {
  const { maxSockets, latencyMs, latencyCeilingMs, bufferBytes, flowWindowPackets, passphrase } = access;
  const isSound =
    Number.isInteger(maxSockets) &&
    maxSockets >= 1 &&
    inRange(latencyMs, 1, MOST_LATENCY_MS) &&
    inRange(latencyCeilingMs, 1, MOST_INT32) &&
    inRange(bufferBytes, LEAST_BUFFER_BYTES, MOST_INT32) &&
    inRange(flowWindowPackets, LEAST_WINDOW_PACKETS, MOST_WINDOW_PACKETS);
  if (!isSound) throw new TypeError('limits of an id must be whole numbers within their ranges');
  const bytes = passphrase === undefined ? LEAST_SECRET_BYTES : Buffer.byteLength(passphrase);
  if (bytes < LEAST_SECRET_BYTES || bytes > MOST_SECRET_BYTES)
    throw new TypeError('passphrase must have 10 to 79 bytes');
};
