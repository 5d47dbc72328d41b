import type { DataPlaneSnapshot, PublisherSnapshot } from '../data-plane/snapshot.ts';
import type { Millis } from '../shared/clock.ts';
import type { GroupSnapshot, LinkSnapshot } from '../srtla/types.ts';
import { LinkCapacity } from './link-capacity.ts';
import type { QualityInput } from './types.ts';

/** A link is heard that has sent anything within this. */
const HEARD_WITHIN_MS: Millis = 3_000;
/** Seconds over which losses are reckoned. */
const LOOKS = 10;
/** A link carries enough to be judged by that has this share of the traffic. */
const CARRYING_SHARE = 0.1;

interface Totals {
  readonly received: number;
  readonly lost: number;
  readonly dropped: number;
}

const percentOf = (part: number, whole: number): number => (whole <= 0 ? 0 : (100 * part) / whole);

/** Losses on the links where they are known exactly; else what libsrt takes for losses, late packets among it. */
const totalsOf = ({ stats }: PublisherSnapshot, group: GroupSnapshot | undefined): Totals => ({
  received: stats.pktRecvUniqueTotal,
  lost: group?.lossesExact ? group.losses.lost - group.losses.falselyLost : stats.pktRcvLossTotal,
  dropped: stats.pktRcvDropTotal,
});

/** Of the slowest link that carries a share worth naming; of the SRT session where no link has told one. */
const roundTripOf = ({ stats }: PublisherSnapshot, links: readonly LinkSnapshot[]): Millis | undefined => {
  const least = links.reduce((bytes, { windowBytes }) => bytes + windowBytes, 0) * CARRYING_SHARE;
  let slowest: Millis | undefined;
  for (const { roundTrip, windowBytes } of links)
    if (roundTrip && windowBytes > 0 && windowBytes >= least) slowest = Math.max(slowest ?? 0, roundTrip.ms);
  return slowest ?? (stats.rttMs > 0 ? stats.rttMs : undefined);
};

/** What one stream was like in the last ten seconds, from what its node shows each second. */
export class StreamWindow {
  readonly #totals: Totals[] = [];
  readonly #capacity = new LinkCapacity();
  /** Of this session something has waited for its time: what is forwarded as it comes never does. */
  #hasBuffer = false;

  look(publisher: PublisherSnapshot, group: GroupSnapshot | undefined): QualityInput {
    const now = totalsOf(publisher, group);
    const last = this.#totals.at(-1);
    // A new session counts from 0 again.
    if (last && (now.received < last.received || now.lost < last.lost || now.dropped < last.dropped)) {
      this.#totals.length = 0;
      this.#hasBuffer = false;
    }
    this.#totals.push(now);
    if (this.#totals.length > LOOKS + 1) this.#totals.shift();
    const first = this.#totals[0]!;
    const received = now.received - first.received;
    const lost = now.lost - first.lost;
    const dropped = now.dropped - first.dropped;
    const heard = group?.links.filter(({ lastHeardMs }) => lastHeardMs < HEARD_WITHIN_MS) ?? [];
    return {
      linksHeard: group === undefined ? Number(publisher.lastPayloadMs < HEARD_WITHIN_MS) : heard.length,
      deliveredKbps: publisher.meanKbps2s,
      capacityKbps: this.#capacity.look(heard),
      lossPct: percentOf(lost, received + lost),
      playerLossPct: percentOf(dropped, received + dropped),
      rttMs: roundTripOf(publisher, heard),
      bufferMs: this.#bufferOf(publisher),
      latencyMs: publisher.latencyMs,
    };
  }
  #bufferOf({ stats, latencyMs }: PublisherSnapshot): Millis | undefined {
    this.#hasBuffer ||= stats.rcvBufMs >= latencyMs / 2;
    return this.#hasBuffer ? stats.rcvBufMs : undefined;
  }
}

/** The group through which a publisher sends. */
export const groupOf = ({ srtla }: DataPlaneSnapshot, { group }: PublisherSnapshot): GroupSnapshot | undefined =>
  group === undefined ? undefined : srtla.groups.find(({ id }) => id === group);
