import type { Millis } from '../shared/clock.ts';
import { RateWindow } from '../shared/rate-window.ts';
import { equalBytes } from './bytes.ts';
import { ACK_ENTRIES, FOREVER, GROUP_ID_BYTES, LINK_ACTIVE_MS, NEVER } from './constants.ts';
import type { Group } from './group.ts';
import type { TelemetryFields } from './packet.ts';
import { LinkFlow } from './repair/link-flow.ts';
import { SmoothedRoundTrip } from './repair/round-trip.ts';
import type { PeerId } from './types.ts';

const RATE_WINDOW_MS: Millis = 10_000;
const RATE_BUCKETS = 100;

/** One registered uplink: a peer that has presented a group id. */
export class Link {
  readonly peer: PeerId;
  /** Names it within its group, in a byte. */
  readonly number: number;
  readonly address: string;
  readonly port: number;
  readonly joinedMs: Millis;
  readonly group: Group;

  /** Any datagram, registration included. */
  lastHeardMs: Millis;
  lastDataMs: Millis = NEVER;
  /**
   * It has sent something besides registration. Before that nothing but REG3 goes to it: a REG2 with a forged source would
   * otherwise turn every broadcast against its victim.
   */
  confirmed = false;
  /** New addresses that its NAT has given it, while `srtla.adoptRebinds` is on. */
  rebinds = 0;

  bytes = 0;
  packets = 0;
  dataPackets = 0;
  retransmittedPackets = 0;
  /** First copies without the mark of a retransmission. */
  uniquePackets = 0;
  /** Data packets that had come already. */
  duplicatePackets = 0;
  /** Certainly lost packets that this link is blamed for, and those of them that came late after all. Both only grow. */
  lostPackets = 0;
  falselyLostPackets = 0;
  readonly window = new RateWindow(RATE_WINDOW_MS, RATE_BUCKETS);
  readonly flow = new LinkFlow();
  /** By the encoder's answers to ACKs that have come by this link. */
  readonly roundTrip = new SmoothedRoundTrip();

  /** Data packets not yet listed in an SRTLA ACK, in order of arrival. */
  readonly unacked = new Uint32Array(ACK_ENTRIES);
  unackedCount = 0;
  firstUnackedMs: Millis = FOREVER;

  readonly telemetry: TelemetryFields = {
    connectionId: 0,
    windowPackets: 0,
    inFlightPackets: 0,
    rttMs: 0,
    nakCount: 0,
    bitrateKbps: 0,
    inMicroseconds: false,
  };
  telemetryMs: Millis = NEVER;
  #offered: Uint8Array | undefined;

  constructor(peer: PeerId, address: string, port: number, group: Group, now: Millis) {
    this.peer = peer;
    this.address = address;
    this.port = port;
    this.group = group;
    this.number = group.nextLinkNumber();
    this.joinedMs = now;
    this.lastHeardMs = now;
  }

  /** A REG1 of this address was answered with that id of another group. */
  offer(id: Uint8Array): void {
    this.#offered ??= new Uint8Array(GROUP_ID_BYTES);
    this.#offered.set(id);
  }

  /** Only for an id that we gave to this very address may it leave its group: anybody else could pull links out of strangers' groups. */
  wasOffered(id: Uint8Array): boolean {
    return this.#offered !== undefined && equalBytes(this.#offered, 0, id, 0, GROUP_ID_BYTES);
  }

  isActive(now: Millis): boolean {
    return now - this.lastHeardMs <= LINK_ACTIVE_MS;
  }

  /** An SRT datagram, data or control. */
  countSrt(bytes: number, now: Millis): void {
    this.bytes += bytes;
    this.packets += 1;
    this.window.add(bytes, now);
  }

  /** Returns true when ten numbers are waiting. */
  addUnacked(sequence: number, now: Millis): boolean {
    if (this.unackedCount === 0) this.firstUnackedMs = now;
    this.unacked[this.unackedCount] = sequence;
    this.unackedCount += 1;
    return this.unackedCount === ACK_ENTRIES;
  }

  clearUnacked(): void {
    this.unackedCount = 0;
    this.firstUnackedMs = FOREVER;
  }
}
