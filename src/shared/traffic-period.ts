import type { Millis } from './clock.ts';

/** What of a period's traffic a provider counts: received and sent together, what was sent, or the larger of the two. */
export const TRAFFIC_COUNTS = ['both', 'out', 'max'] as const;
export type TrafficCount = (typeof TRAFFIC_COUNTS)[number];

/** Of the cap: from here on an operator is warned. */
export const TRAFFIC_WARNING_SHARE = 0.7;
/** Of the cap: from here on nothing new is sent to the node. */
export const TRAFFIC_DRAIN_SHARE = 0.95;

export type TrafficState = 'ok' | 'warning' | 'drain';

/** Unix ms at which the period of a month begins (UTC); a day that the month does not have is its last one. @param month from 0 */
const beginOf = (year: number, month: number, resetDay: number): Millis =>
  Date.UTC(year, month, Math.min(resetDay, new Date(Date.UTC(year, month + 1, 0)).getUTCDate()));

const monthIn = (unixMs: Millis, resetDay: number): { year: number; month: number } => {
  const date = new Date(unixMs);
  const year = date.getUTCFullYear();
  const month = date.getUTCMonth();
  return unixMs >= beginOf(year, month, resetDay) ? { year, month } : { year, month: month - 1 };
};

/** The month in which the running period began, `2030-01`. @param resetDay 1 to 31 */
export const trafficPeriodOf = (unixMs: Millis, resetDay: number): string => {
  const { year, month } = monthIn(unixMs, resetDay);
  return new Date(Date.UTC(year, month, 1)).toISOString().slice(0, 7);
};

/** Until the running period ends; always more than 0. */
export const trafficPeriodLeftMs = (unixMs: Millis, resetDay: number): Millis => {
  const { year, month } = monthIn(unixMs, resetDay);
  return beginOf(year, month + 1, resetDay) - unixMs;
};

/** What a provider counts of it. */
export const countedBytes = (
  { receivedBytes, sentBytes }: { readonly receivedBytes: number; readonly sentBytes: number },
  count: TrafficCount,
): number => {
  if (count === 'out') return sentBytes;
  return count === 'max' ? Math.max(receivedBytes, sentBytes) : receivedBytes + sentBytes;
};

/** @param capBytes undefined: there is no cap */
export const trafficStateOf = (usedBytes: number, capBytes: number | undefined): TrafficState => {
  if (capBytes === undefined || usedBytes < capBytes * TRAFFIC_WARNING_SHARE) return 'ok';
  return usedBytes < capBytes * TRAFFIC_DRAIN_SHARE ? 'warning' : 'drain';
};
