import type { Millis } from '../shared/clock.ts';
import type { GroupSnapshot, LinkSnapshot } from '../srtla/types.ts';
import { PacketMeter } from './dashboard-meter.ts';
import type { LinkNames, NamedLink } from './link-names.ts';

/** A link that has left is shown for so long. */
export const GONE_SHOWN_MS: Millis = 60_000;
/** Slots of one stream: as many as there are colours to tell apart, and then some. */
export const MAX_SLOTS = 16;

/** A place for a link: its lane and its colour. */
export interface LinkSlot {
  readonly slot: number;
  readonly address: string;
  readonly meter: PacketMeter;
  group: string;
  port: number;
  /** As it was last seen. */
  link: LinkSnapshot;
  named: NamedLink;
  seenMs: Millis;
}

interface Seen {
  readonly group: string;
  readonly link: LinkSnapshot;
  readonly named: NamedLink;
}

const slotFor = (slot: number, seen: Seen, now: Millis): LinkSlot => ({
  ...{ slot, ...seen, address: seen.link.address, port: seen.link.port },
  ...{ meter: new PacketMeter(), seenMs: now },
});

/**
 * Gives the links of one stream their places. A link that registers anew from an address that has a place without a link takes it: phones
 * get another port with every reconnection, and people think of it as the same link.
 */
export class LinkSlots {
  #slots: LinkSlot[] = [];

  /** By their places. */
  get all(): readonly LinkSlot[] {
    return this.#slots;
  }

  /** @param groups of the stream; while one encoder replaces another there are two */
  observe(groups: readonly GroupSnapshot[], names: LinkNames, now: Millis): void {
    const strangers: Seen[] = [];
    for (const group of groups) {
      const named = names.of(group);
      group.links.forEach((link, index) => {
        const seen: Seen = { group: group.id, link, named: named[index]! };
        const known = this.#slots.find(
          (slot) => slot.group === group.id && slot.address === link.address && slot.port === link.port,
        );
        if (known) this.#see(known, seen, now);
        else strangers.push(seen);
      });
    }
    for (const seen of strangers) {
      const free = this.#slots.find((slot) => slot.seenMs < now && slot.address === seen.link.address);
      if (free) this.#see(free, seen, now);
      else this.#enter(seen, now);
    }
  }

  /** Those that are there, and those that have left lately. */
  shown(now: Millis): readonly LinkSlot[] {
    return this.#slots.filter((slot) => now - slot.seenMs < GONE_SHOWN_MS);
  }

  /** Forgets the links that have not been seen since; their places are free. */
  forget(beforeMs: Millis): void {
    this.#slots = this.#slots.filter((slot) => slot.seenMs >= beforeMs);
  }

  #see(slot: LinkSlot, seen: Seen, now: Millis): void {
    Object.assign(slot, seen, { port: seen.link.port, seenMs: now });
    const { packets, lostPackets, falselyLostPackets, retransmittedPackets } = seen.link;
    const lost = lostPackets - falselyLostPackets;
    slot.meter.look({ received: packets, lost, dropped: 0, resent: retransmittedPackets }, now);
  }

  #enter(seen: Seen, now: Millis): void {
    if (this.#slots.length >= MAX_SLOTS) {
      const longestGone = [...this.#slots].sort((a, b) => a.seenMs - b.seenMs)[0]!;
      // More links than places: the rest is counted in the stream and has no lane.
      if (longestGone.seenMs >= now) return;
      this.#slots = this.#slots.filter((slot) => slot !== longestGone);
    }
    const taken = new Set(this.#slots.map(({ slot }) => slot));
    let number = 0;
    while (taken.has(number)) number++;
    const slot = slotFor(number, seen, now);
    this.#slots = [...this.#slots, slot].sort((a, b) => a.slot - b.slot);
    this.#see(slot, seen, now);
  }
}
