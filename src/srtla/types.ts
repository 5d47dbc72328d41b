import type { Millis } from '../shared/clock.ts';
import type { LossCounts } from './repair/loss-detector.ts';

/**
 * A remote address as a small integer, handed out by the UDP shell. Only registered links keep theirs (`hold`); others may be
 * given to somebody else after the call in which they appeared.
 */
export type PeerId = number;

/** What the core asks the shell about peers. */
export interface PeerDirectory {
  /** Normalised numeric address, never an IPv4-mapped one. */
  address(peer: PeerId): string;
  port(peer: PeerId): number;
  /** The link is registered: keep this number for it. */
  hold(peer: PeerId): void;
  release(peer: PeerId): void;
  /** A group lives under this 256-byte id: REG2 with it are no strangers', should the shell drop any before the core sees them. */
  knowGroup?(id: Uint8Array): void;
  forgetGroup?(id: Uint8Array): void;
}

/** One SRT session of a group towards the SRT server; each has a UDP port of its own there. Never reused. */
export type SessionId = number;

/** Where the core writes its effects. Bytes are valid during the call only. */
export interface SrtlaOutbox {
  sendToLink(peer: PeerId, bytes: Uint8Array): void;
  sendToServer(session: SessionId, bytes: Uint8Array): void;
  /** Before the first `sendToServer` of a session. `encoderId`: the encoder's SRT socket id, int32. */
  openSession(session: SessionId, encoderId: number): void;
  /** After the last one. */
  closeSession(session: SessionId): void;
  event(event: SrtlaEvent): void;
}

export type SrtlaEvent =
  | { type: 'group-created'; group: string }
  | { type: 'group-ended'; group: string; why: 'idle' | 'no-session' | 'evicted' | 'stopped' }
  | { type: 'link-joined'; group: string; address: string; port: number }
  | {
      type: 'link-left';
      group: string;
      address: string;
      port: number;
      why: 'timeout' | 'evicted' | 'moved' | 'rebound' | 'group-ended';
    }
  /** An SRT session of the group has sent its conclusion; the stream id it asked for, if it carried one. */
  | { type: 'session-started'; group: string; session: SessionId; streamId: string | undefined }
  /** The server's conclusion response: this session is up. `serverSocket`: the server's SRT socket id, int32. */
  | { type: 'session-accepted'; group: string; session: SessionId; serverSocket: number }
  /** The server turned the handshake down with this code (1000 + libsrt's reason, or 2000 and above). */
  | { type: 'session-rejected'; group: string; session: SessionId; code: number }
  /** The encoder has started a new session; this one may be taken over at once. */
  | { type: 'session-superseded'; group: string; session: SessionId; serverSocket: number }
  | { type: 'session-ended'; group: string; session: SessionId };

/** What an extended keepalive told last (spec/srtla §1.5). */
export interface LinkTelemetry {
  connectionId: number;
  /** Packets; the wire's thousandths divided out. */
  windowPackets: number;
  inFlightPackets: number;
  rttMs: number;
  nakCount: number;
  bitrateKbps: number;
  /** The layout with microseconds, of 42 bytes. */
  inMicroseconds: boolean;
  ageMs: Millis;
}

/** Where a round trip is from: an extended keepalive of 42 or 38 bytes, or the encoder's answers to SRT ACKs. */
export const ROUND_TRIP_SOURCES = ['keepalive42', 'keepalive38', 'srt'] as const;

export interface LinkRoundTrip {
  ms: Millis;
  source: (typeof ROUND_TRIP_SOURCES)[number];
}

export interface LinkSnapshot {
  address: string;
  port: number;
  state: 'active' | 'quiet';
  /** UDP payload bytes of SRT datagrams (data and control) since registration; keepalives and registration are not counted. */
  bytes: number;
  packets: number;
  dataPackets: number;
  retransmittedPackets: number;
  /** First copies without the mark of a retransmission. */
  uniquePackets: number;
  /** Data packets that had come already, by this link or another. */
  duplicatePackets: number;
  /** Certainly lost packets, where it can be told that this link has lost them; and those of them that came late after all. */
  lostPackets: number;
  falselyLostPackets: number;
  /** Bytes of SRT datagrams in the last 5 s. */
  windowBytes: number;
  /** Over the last 5, 1 and 10 s. */
  bitrateKbps: number;
  bitrate1sKbps: number;
  bitrate10sKbps: number;
  /** Since any datagram of the link, keepalives included. */
  lastHeardMs: Millis;
  uptimeMs: Millis;
  /** Arrival of first copies relative to the fastest link, worst of the last seconds; undefined while unknown. */
  skewMs: Millis | undefined;
  /** Mean difference between the delays of neighbouring packets (RFC 3550); undefined while unknown. */
  jitterMs: Millis | undefined;
  /** How long after a later packet an earlier one has still come, worst of the last minute; 0 = in order. */
  reorderMs: Millis;
  /** Undefined while unknown. */
  roundTrip: LinkRoundTrip | undefined;
  /** How often its NAT has given it another address; counted while `srtla.adoptRebinds` is on. */
  rebinds: number;
  telemetry: LinkTelemetry | undefined;
}

export interface GroupSnapshot {
  /** `0x` and 16 hex digits: the first 8 bytes of the group id. */
  id: string;
  /** The stream id its encoder asked for last; undefined before the first conclusion. A secret. */
  streamId: string | undefined;
  session: SessionId | undefined;
  sessionAccepted: boolean;
  totalBytes: number;
  /** Bytes of all links in the last 5 s. */
  windowBytes: number;
  lastHeardMs: Millis;
  uptimeMs: Millis;
  /** Since the last SRT data packet; undefined before the first. */
  lastDataMs: Millis | undefined;
  /** Of the group's latest session. */
  losses: LossCounts;
  /** Losses are detected exactly; else `losses` stays 0. */
  lossesExact: boolean;
  /** Of all its links, those that have left included. */
  rebinds: number;
  links: LinkSnapshot[];
}

export interface SrtlaSnapshot {
  groups: GroupSnapshot[];
  /** Cumulative counters, by the names in counters.ts. */
  counters: Readonly<Record<string, number>>;
}

/** Limits and times of the core; every one is a setting. */
/** A core reads them when it needs them: ceilings and times may change while it runs. */
export interface SrtlaSettings {
  maxGroups: number;
  maxLinksPerGroup: number;
  linkTimeoutMs: Millis;
  /** A group ends this long after its last datagram. */
  groupTimeoutMs: Millis;
  /**
   * `exact`: packets are asked for when no link can bring them any more, once and on the best link; the server's own NAKs stay here.
   * `plain`: its NAKs go on as they are.
   */
  lossDetection: 'exact' | 'plain';
  /** A group of which no session was ever accepted ends this long after its first link. */
  sessionTimeoutMs: Millis;
  /** What one group may send, both averaged over a second; more is dropped. */
  maxGroupKbps: number;
  maxGroupPacketsPerSecond: number;
  /** A packet from a new address that only a silent link can have sent takes its place. */
  adoptRebinds: boolean;
  /** SRTLA ACK at the latest this long after the first unacknowledged packet of a link. */
  ackFlushMs: Millis;
}

export const DEFAULT_SRTLA_SETTINGS: SrtlaSettings = {
  maxGroups: 200,
  maxLinksPerGroup: 16,
  linkTimeoutMs: 15_000,
  groupTimeoutMs: 30_000,
  lossDetection: 'exact',
  sessionTimeoutMs: 10_000,
  maxGroupKbps: 100_000,
  maxGroupPacketsPerSecond: 15_000,
  adoptRebinds: false,
  ackFlushMs: 30,
};

/** Cryptographic randomness as a parameter: fills and returns `bytes` random bytes. */
export type RandomBytes = (bytes: number) => Uint8Array;

export interface SrtlaCore {
  /** A datagram from a link or a stranger. Never throws on its content. */
  receive(datagram: Uint8Array, peer: PeerId, now: Millis, out: SrtlaOutbox): void;
  /** A datagram that the SRT server sent to this session. */
  fromServer(session: SessionId, datagram: Uint8Array, now: Millis, out: SrtlaOutbox): void;
  /** Time has passed; call at least every 10 ms while `nextTickMs` says so. */
  tick(now: Millis, out: SrtlaOutbox): void;
  /** How long the next `tick` may wait: 10 ms while a group or a session lives, 250 ms else. Changes with every call above. */
  nextTickMs(): Millis;
  /** Ends every group: SHUTDOWN to the server for each accepted session. */
  stop(now: Millis, out: SrtlaOutbox): void;
  snapshot(now: Millis): SrtlaSnapshot;
}
