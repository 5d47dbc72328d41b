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

/**
 * What the links of one stream can carry, from the window and the round trip that its sender tells (spec: neighbours.md §4.3). Such a number
 * says little of a link that is used a little: nothing is told then, rather than a number that a level would be chosen by. To be told once a
 * second. Pure.
 */
export class LinkCapacity {
  /** The most that each link has carried, by the look that saw it, newest last. */
  readonly #carriedKbps = new Map<string, number[]>();

  /** @returns kbit/s; undefined where a link has no fresh telemetry or its limit is out of sight */
  look(links: readonly LinkSnapshot[]): number | undefined {
    let sum: number | undefined = links.length > 0 ? 0 : undefined;
    const seen = new Set<string>();
    for (const link of links) {
      const name = `${link.address} ${link.port}`;
      seen.add(name);
      const carried = this.#carriedKbps.get(name) ?? [];
      this.#carriedKbps.set(name, carried);
      carried.push(link.bitrate1sKbps);
      if (carried.length > REMEMBERED_LOOKS) carried.shift();
      const told = toldKbps(link);
      if (told === undefined || told > Math.max(...carried) * TRUSTED_FACTOR) sum = undefined;
      else if (sum !== undefined) sum += told;
    }
    for (const name of this.#carriedKbps.keys()) if (!seen.has(name)) this.#carriedKbps.delete(name);
    return sum;
  }
}

const toldKbps = ({ telemetry, roundTrip }: LinkSnapshot): number | undefined => {
  if (!telemetry || telemetry.ageMs > FRESH_MS) return undefined;
  const rttMs = telemetry.rttMs > 0 ? telemetry.rttMs : roundTrip?.ms;
  return rttMs === undefined || rttMs <= 0 ? undefined : (telemetry.windowPackets * PACKET_BITS) / rttMs;
};
