import type { DataPlaneSnapshot } from '../data-plane/snapshot.ts';
import { decimal, int32 } from './numbers.ts';
import { type ShownPublisher, shownPublisher } from './timeline.ts';

/** A stream in the shape of NOALBS's type WebSocket: kbit/s, percent, ms. */
export interface PushedStream {
  streamId: string;
  /** The last part of the id. */
  feed: string;
  bitrate: number;
  packetLoss: number;
  rtt: number;
  connected: boolean;
}

/** A name that a client uses, and the publisher id behind it; undefined where there is none any more. */
export interface Subject {
  readonly streamId: string;
  readonly publisherId: string | undefined;
}

interface Totals {
  received: number;
  dropped: number;
}

/** Percent of the payload that was lost for good between two looks. */
export class LossMeter {
  #before = new Map<string, Totals>();
  #percent = new Map<string, number>();

  look({ publishers }: Pick<DataPlaneSnapshot, 'publishers'>): void {
    const after = new Map<string, Totals>();
    const percent = new Map<string, number>();
    for (const { publisherId, stats } of publishers) {
      const now = { received: stats.pktRecvTotal, dropped: stats.pktRcvDropTotal };
      const before = this.#before.get(publisherId);
      after.set(publisherId, now);
      const received = now.received - (before?.received ?? now.received);
      const dropped = now.dropped - (before?.dropped ?? now.dropped);
      if (received >= 0 && dropped > 0) percent.set(publisherId, (dropped / (received + dropped)) * 100);
    }
    this.#before = after;
    this.#percent = percent;
  }

  of(publisherId: string): number {
    return this.#percent.get(publisherId) ?? 0;
  }
}

/** The message of one moment. A stream that is not there is said to be so: a missing one is taken for a mistake in the settings. */
export const pushMessage = (
  snapshot: Pick<DataPlaneSnapshot, 'publishers'>,
  subjects: readonly Subject[],
  loss: LossMeter,
  unixMs: number,
): { type: 'stats'; timestamp: number; streams: PushedStream[] } => ({
  type: 'stats',
  timestamp: Math.round(unixMs),
  streams: subjects.map(({ streamId, publisherId }) =>
    pushed(streamId, publisherId === undefined ? undefined : shownPublisher(snapshot, publisherId), loss),
  ),
});

const pushed = (streamId: string, live: ShownPublisher | undefined, loss: LossMeter): PushedStream => ({
  streamId,
  feed: streamId.slice(streamId.lastIndexOf('/') + 1),
  bitrate: live ? int32(live.bitrateKbps) : 0,
  packetLoss: live ? decimal(loss.of(live.publisher.publisherId)) : 0,
  rtt: live ? decimal(live.publisher.stats.rttMs) : 0,
  connected: live !== undefined,
});
