import type { Millis } from '../shared/clock.ts';
import { HANDSHAKES_PER_SECOND, SRT_TYPE } from './constants.ts';
import { COUNTER, type Counters } from './counters.ts';
import type { Link } from './link.ts';
import { KIND } from './packet.ts';
import { controlType, destinationId } from './srt-header.ts';
import type { SrtlaSettings } from './types.ts';

const PACKETS = 0;
const BYTES = 1;
const HANDSHAKES = 2;
const REFILLED_MS = 3;
const HANDSHAKES_REFILLED_MS = 4;

/** The token buckets of a group: datagrams, bytes, handshakes. Of each it has a second's worth at once. */
export class GroupAdmission {
  /** Doubles in one block: reading and writing them allocates nothing. */
  readonly #values = new Float64Array(5);

  constructor(now: Millis) {
    const values = this.#values;
    values[PACKETS] = values[BYTES] = Number.POSITIVE_INFINITY;
    values[HANDSHAKES] = HANDSHAKES_PER_SECOND;
    values[REFILLED_MS] = values[HANDSHAKES_REFILLED_MS] = now;
  }

  /** False when the group has used up what it may send. */
  takeDatagram(bytes: number, packetsPerSecond: number, bytesPerSecond: number, now: Millis): boolean {
    const values = this.#values;
    const seconds = Math.max(0, now - values[REFILLED_MS]!) / 1000;
    const packets = Math.min(packetsPerSecond, values[PACKETS]! + seconds * packetsPerSecond);
    const room = Math.min(bytesPerSecond, values[BYTES]! + seconds * bytesPerSecond);
    const granted = packets >= 1 && room >= bytes;
    values[PACKETS] = granted ? packets - 1 : packets;
    values[BYTES] = granted ? room - bytes : room;
    values[REFILLED_MS] = Math.max(now, values[REFILLED_MS]!);
    return granted;
  }

  takeHandshake(now: Millis): boolean {
    const values = this.#values;
    const refill = (Math.max(0, now - values[HANDSHAKES_REFILLED_MS]!) * HANDSHAKES_PER_SECOND) / 1000;
    const tokens = Math.min(HANDSHAKES_PER_SECOND, values[HANDSHAKES]! + refill);
    values[HANDSHAKES] = tokens >= 1 ? tokens - 1 : tokens;
    values[HANDSHAKES_REFILLED_MS] = Math.max(now, values[HANDSHAKES_REFILLED_MS]!);
    return tokens >= 1;
  }
}

/**
 * How much of what registered links send is looked at: SRTLA registration has no secret, so a link may be a stranger. Which session a
 * packet may go to is decided behind it (uplink.ts): before acceptance handshakes alone, afterwards what names the server's socket.
 */
export class Admission {
  readonly #settings: SrtlaSettings;
  readonly #counters: Counters;

  constructor(settings: SrtlaSettings, counters: Counters) {
    this.#settings = settings;
    this.#counters = counters;
  }

  /** False = dropped, and counted. `kind` is that of `classify`; registration has budgets of its own. */
  admits(datagram: Uint8Array, kind: number, link: Link, now: Millis): boolean {
    const { maxGroupPacketsPerSecond, maxGroupKbps } = this.#settings;
    const bytesPerSecond = maxGroupKbps * 125;
    if (!link.group.admission.takeDatagram(datagram.length, maxGroupPacketsPerSecond, bytesPerSecond, now)) {
      this.#counters.count(COUNTER.overGroupCeiling);
      return false;
    }
    if (kind !== KIND.srtControl || controlType(datagram) !== SRT_TYPE.handshake || destinationId(datagram) !== 0) {
      return true;
    }
    if (!link.group.admission.takeHandshake(now)) {
      this.#counters.count(COUNTER.handshakesOverBudget);
      return false;
    }
    return true;
  }
}
