import type { Millis } from '../shared/clock.ts';
import type { LinkSnapshot } from '../srtla/types.ts';

/** What a link was seen to carry is remembered for so many looks, one a second. */
const REMEMBERED_LOOKS = 60;
/** A link that is told to carry more than this many times what it has carried is one whose limit nobody has seen. */
const TRUSTED_FACTOR = 1.5;
/** Older telemetry is what was (spec: neighbours.md §2B.2). */
const FRESH_MS: Millis = 2_000;
/** An SRT packet as IRL encoders make it: seven transport stream packets and its header. */
const PACKET_BITS = 8 * (7 * 188 + 16);

/** What its sender tells of a link by window and round trip, kbit/s; undefined without fresh telemetry. */
const toldKbps = ({ telemetry, roundTrip }: LinkSnapshot): number | undefined => {
  if (!telemetry || telemetry.ageMs > FRESH_MS) return undefined;
  const rttMs = telemetry.rttMs > 0 ? telemetry.rttMs : roundTrip?.ms;
  return rttMs === undefined || rttMs <= 0 ? undefined : (telemetry.windowPackets * PACKET_BITS) / rttMs;
};

/** What one link can carry (spec: neighbours.md §4.3). To be told once a second. Pure. */
export class LinkBandwidth {
  readonly #carriedKbps: number[] = [];

  /** @returns kbit/s that its sender tells, no more than can be believed; `isBelieved` where nothing had to be taken off */
  look(link: LinkSnapshot): { kbps: number; isBelieved: boolean } | undefined {
    this.#carriedKbps.push(link.bitrate1sKbps);
    if (this.#carriedKbps.length > REMEMBERED_LOOKS) this.#carriedKbps.shift();
    const told = toldKbps(link);
    if (told === undefined) return undefined;
    const most = Math.max(...this.#carriedKbps) * TRUSTED_FACTOR;
    return told > most ? { kbps: most, isBelieved: false } : { kbps: told, isBelieved: true };
  }
}

/**
 * What the links of one stream can carry together. What is told says little of a link that is used a little: nothing is told then, rather than a
 * number that a level would be chosen by. To be told once a second. Pure.
 */
export class LinkCapacity {
  readonly #links = new Map<string, LinkBandwidth>();

  /** @returns kbit/s; undefined where a link has no fresh telemetry or its limit is out of sight */
  look(links: readonly LinkSnapshot[]): number | undefined {
    let sum: number | undefined = links.length > 0 ? 0 : undefined;
    const seen = new Set<string>();
    for (const link of links) {
      const name = `${link.address} ${link.port}`;
      seen.add(name);
      const bandwidth = this.#links.get(name) ?? new LinkBandwidth();
      this.#links.set(name, bandwidth);
      const told = bandwidth.look(link);
      if (!told?.isBelieved) sum = undefined;
      else if (sum !== undefined) sum += told.kbps;
    }
    for (const name of this.#links.keys()) if (!seen.has(name)) this.#links.delete(name);
    return sum;
  }
}
