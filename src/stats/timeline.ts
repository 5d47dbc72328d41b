import type { DataPlaneSnapshot, PublisherSnapshot } from '../data-plane/snapshot.ts';
import type { Millis } from '../shared/clock.ts';

/** A publisher whose last payload is older than this is shown as stalled. */
export const STALLED_AFTER_MS: Millis = 2_000;
/** … and than this as gone: scene switchers go by it. */
export const GONE_AFTER_MS: Millis = 5_000;

/** A publisher that is shown, with a bitrate that does not flicker. */
export interface ShownPublisher {
  readonly publisher: PublisherSnapshot;
  /** No payload for 2 to 5 s. */
  readonly stalled: boolean;
  /** kbit/s over the last 2 s; 0 while it is stalled. */
  readonly bitrateKbps: number;
}

/**
 * What statistics show of a publisher id: nothing where SRT is closed, or nothing has come for 5 s. While one publisher takes over from
 * another, the one whose payload came last.
 */
export const shownPublisher = (
  { publishers }: Pick<DataPlaneSnapshot, 'publishers'>,
  publisherId: string,
): ShownPublisher | undefined => {
  let publisher: PublisherSnapshot | undefined;
  for (const one of publishers)
    if (one.publisherId === publisherId && (!publisher || isFresher(one, publisher))) publisher = one;
  return publisher && shown(publisher);
};

/** @returns undefined where it is gone */
export const shown = (publisher: PublisherSnapshot): ShownPublisher | undefined => {
  const { lastPayloadMs } = publisher;
  if (lastPayloadMs > GONE_AFTER_MS) return undefined;
  const stalled = lastPayloadMs >= STALLED_AFTER_MS;
  return { publisher, stalled, bitrateKbps: stalled ? 0 : publisher.meanKbps2s };
};

const isFresher = (a: PublisherSnapshot, b: PublisherSnapshot): boolean =>
  a.lastPayloadMs < b.lastPayloadMs || (a.lastPayloadMs === b.lastPayloadMs && a.uptimeMs < b.uptimeMs);
