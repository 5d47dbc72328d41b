import type { Millis } from '../shared/clock.ts';
import type { SenderLinkSnapshot } from './link-core.ts';

/** An uplink of the sender, numbered by its owner; never reused. */
export type LinkId = number;

export type SenderEvent =
  /** The receiver has accepted the group. */
  | { type: 'group-registered' }
  | { type: 'link-up'; link: LinkId }
  | { type: 'link-down'; link: LinkId; why: 'timeout' | 'send-error' | 'regrouped' | 'removed' | 'refused' }
  /** REG_ERR or REG_NAK: the receiver is full or does not want this link. */
  | { type: 'registration-refused'; link: LinkId }
  /** The encoder has closed its SRT session; its SHUTDOWN went out with this. */
  | { type: 'encoder-shutdown' };

/**
 * Where the core writes its effects. Bytes are the datagram that came in or a packet that is never written to again, so that a
 * shell may hand them to an asynchronous send as they are.
 */
export interface SenderOutbox {
  sendOnLink(link: LinkId, bytes: Uint8Array): void;
  sendToEncoder(bytes: Uint8Array): void;
  /** The link gets a new socket, which the receiver sees as another address. What is sent on it at once may be lost. */
  renewSocket(link: LinkId): void;
  event(event: SenderEvent): void;
}

export interface SenderSnapshot {
  profile: string;
  registered: boolean;
  linksUp: number;
  /** SRT datagrams taken from the encoder and sent on some link. */
  sentPackets: number;
  sentBytes: number;
  /** Copies of data packets that went out on a second link, to see whether it delivers. */
  probePackets: number;
  /** SRT datagrams from the encoder while no link was up. */
  droppedPackets: number;
  /** SRT datagrams of the receiver handed to the encoder (each copy of an ACK counts). */
  returnedPackets: number;
  /** Datagrams that are neither SRT nor understood SRTLA. */
  malformedPackets: number;
  registrationsRefused: number;
  links: SenderLinkSnapshot[];
}

/** Cryptographic randomness as a parameter: returns so many random bytes. */
export type RandomBytes = (bytes: number) => Uint8Array;

export interface SenderCore {
  /** A datagram of the encoder. Never throws on its content. */
  fromEncoder(datagram: Uint8Array, now: Millis, out: SenderOutbox): void;
  /** A datagram that the receiver sent to this link. Never throws on its content. */
  fromLink(link: LinkId, datagram: Uint8Array, now: Millis, out: SenderOutbox): void;
  /** Time has passed; call every 50–200 ms, earlier where `nextTickMs` says so. The first call sends the opening probes. */
  tick(now: Millis, out: SenderOutbox): void;
  /** How long the next `tick` may wait: 100 ms at most, less while packets wait for their batch. */
  nextTickMs(now: Millis): Millis;
  /** The operating system would not send on this link: it is out of use until something is received on it. */
  sendFailed(link: LinkId, now: Millis, out: SenderOutbox): void;
  addLink(link: LinkId, now: Millis): void;
  removeLink(link: LinkId, out: SenderOutbox): void;
  /** The larger, the more of the stream goes there; 1 is usual, and weak links have no more than that (§6.3). */
  setPriority(link: LinkId, priority: number): void;
  /** While blocked, both directions of the link are dropped without a sign, as with an unplugged cable. */
  setBlocked(link: LinkId, blocked: boolean): void;
  snapshot(now: Millis): SenderSnapshot;
}
