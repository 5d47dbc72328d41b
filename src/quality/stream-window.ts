import type { DataPlaneSnapshot, PublisherSnapshot } from '../data-plane/snapshot.ts';
import type { Millis } from '../shared/clock.ts';
import type { GroupSnapshot, LinkSnapshot } from '../srtla/types.ts';
import type { QualityInput } from './types.ts';

/** A link is heard that has sent anything within this. */
const HEARD_WITHIN_MS: Millis = 3_000;
/** Seconds over which losses are reckoned. */
const LOOKS = 10;

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

/** Weighted by what each link carries; of the SRT session where no link has told one. */
const roundTripOf = ({ stats }: PublisherSnapshot, links: readonly LinkSnapshot[]): Millis | undefined => {
  let weighted = 0;
  let bytes = 0;
  for (const { roundTrip, windowBytes } of links) {
    if (roundTrip === undefined || windowBytes === 0) continue;
    weighted += roundTrip.ms * windowBytes;
    bytes += windowBytes;
  }
  if (bytes > 0) return weighted / bytes;
  return stats.rttMs > 0 ? stats.rttMs : undefined;
};

/** What one stream was like in the last ten seconds, from what its node shows each second. */
export class StreamWindow {
  readonly #totals: Totals[] = [];

  look(publisher: PublisherSnapshot, group: GroupSnapshot | undefined): QualityInput {
    const now = totalsOf(publisher, group);
    const last = this.#totals.at(-1);
    // A new session counts from 0 again.
    if (last && (now.received < last.received || now.lost < last.lost || now.dropped < last.dropped))
      this.#totals.length = 0;
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
      // What a window and a round trip say of a link is no capacity while the encoder leaves it half used.
      capacityKbps: undefined,
      lossPct: percentOf(lost, received + lost),
      playerLossPct: percentOf(dropped, received + dropped),
      rttMs: roundTripOf(publisher, heard),
      latencyMs: publisher.latencyMs,
    };
  }
}

/** The group through which a publisher sends. */
export const groupOf = ({ srtla }: DataPlaneSnapshot, { group }: PublisherSnapshot): GroupSnapshot | undefined =>
  group === undefined ? undefined : srtla.groups.find(({ id }) => id === group);
