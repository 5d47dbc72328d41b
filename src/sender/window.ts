import type { Millis } from '../shared/clock.ts';
import { readU32 } from '../srtla/bytes.ts';
import type { LinkCore } from './link-core.ts';
import { SEQUENCE_MASK, sequenceBefore } from './wire.ts';

/** Numbers further behind the newest than libsrt's flow window can be in no log; a range that names more is cut to these. */
const REACH = 8_192;

/**
 * An SRTLA ACK (SRTLA specification §1.4, §6.1): each number frees its packet on the first link that sent it, and opens the window
 * of every link that has been heard from, whether the number is known or not. Where `first` is given, its packet is looked for there first:
 * a packet may be out on two links.
 */
export const applySrtlaAck = (
  links: readonly LinkCore[],
  first: LinkCore | undefined,
  packet: Uint8Array,
  step: number,
  now: Millis,
): void => {
  for (let at = 4; at + 4 <= packet.length; at += 4) {
    const sequence = readU32(packet, at) & SEQUENCE_MASK;
    if (first === undefined || !first.acknowledge(sequence, now)) {
      for (let i = 0; i < links.length; i++) if (links[i]!.acknowledge(sequence, now)) break;
    }
    for (let i = 0; i < links.length; i++) {
      const link = links[i]!;
      if (link.lastHeard !== Number.NEGATIVE_INFINITY) link.grow(step);
    }
  }
};

const markLost = (links: readonly LinkCore[], sequence: number, now: Millis): void => {
  for (let i = 0; i < links.length; i++) if (links[i]!.lost(sequence, now)) return;
};

/** An SRT loss report: single numbers and inclusive ranges. `newest` is the newest sequence number that was sent. */
export const applySrtNak = (links: readonly LinkCore[], packet: Uint8Array, newest: number, now: Millis): void => {
  const oldest = (newest - REACH + 1) & SEQUENCE_MASK;
  for (let at = 16; at + 4 <= packet.length; at += 4) {
    const word = readU32(packet, at);
    if (word <= SEQUENCE_MASK) {
      markLost(links, word, now);
      continue;
    }
    at += 4;
    if (at + 4 > packet.length) return;
    const first = word & SEQUENCE_MASK;
    const last = readU32(packet, at) & SEQUENCE_MASK;
    const from = sequenceBefore(first, oldest) ? oldest : first;
    const to = sequenceBefore(newest, last) ? newest : last;
    if (sequenceBefore(to, from)) continue;
    const end = (to + 1) & SEQUENCE_MASK;
    for (let sequence = from; sequence !== end; sequence = (sequence + 1) & SEQUENCE_MASK)
      markLost(links, sequence, now);
  }
};
