import type { Millis } from '../shared/clock.ts';

/** First 16 bits of SRTLA packets (SRTLA specification §1.2). */
export const SRTLA_TYPE = {
  keepalive: 0x9000,
  ack: 0x9100,
  reg1: 0x9200,
  reg2: 0x9201,
  reg3: 0x9202,
  regErr: 0x9210,
  regNgp: 0x9211,
} as const;

/** First 16 bits of SRT control packets (§1.7). */
export const SRT_TYPE = {
  handshake: 0x8000,
  keepalive: 0x8001,
  ack: 0x8002,
  nak: 0x8003,
  shutdown: 0x8005,
  ackAck: 0x8006,
  dropRequest: 0x8007,
  /** The last of the plain control types. */
  peerError: 0x8008,
  userDefined: 0xffff,
} as const;

/** Values of a handshake's type field, as int32. */
export const HANDSHAKE = { induction: 1, conclusion: -1, firstRejection: 1000 } as const;

export const GROUP_ID_BYTES = 256;
/** The first half of a group id is the sender's, the second ours. */
export const HALF_ID_BYTES = 128;
export const REG_BYTES = 2 + GROUP_ID_BYTES;
/** Some carriers drop datagrams of 2 bytes, so what we make ourselves is at least this long (§1.6). Never SRT packets, never ACKs. */
export const PADDED_BYTES = 32;
export const SRT_HEADER_BYTES = 16;
export const HANDSHAKE_BYTES = 64;
export const MAX_DATAGRAM_BYTES = 1500;
export const ACK_ENTRIES = 10;
export const KEEPALIVE_MAGIC = 0xc01f;
export const KEEPALIVE_VERSION = 1;

/** Heard within this: part of broadcasts. Senders keep an idle link alive every 1–2 s. */
export const LINK_ACTIVE_MS: Millis = 2_000;
/** A return link that has been silent for longer gives way to a fresher one. */
export const RETURN_SILENT_MS: Millis = 1_000;
/** A full group gives up a link that has been silent for longer. */
export const LINK_EVICTABLE_MS: Millis = 3_000;
/** Data stopped for longer: an induction with the same socket id is a new session, not a late copy. */
export const SESSION_SILENT_MS: Millis = 1_000;
/** On top of the largest skew of a group: what a SHUTDOWN waits for data that it has overtaken. */
export const SHUTDOWN_MARGIN_MS: Millis = 50;
/** Skews are learned from what senders write, so the wait they cause is bounded. */
export const SHUTDOWN_MAX_SKEW_MS: Millis = 2_000;
/** How long a session's port stays open behind its SHUTDOWN, for what the server still says. */
export const SESSION_LINGER_MS: Millis = 200;
/** Sessions of one group that may be ending at once; one more and the oldest ends without waiting. */
export const MAX_CLOSING_SESSIONS = 4;
/** Sessions a group may open: so many at once, then so many a second. Each costs a UDP port. */
export const SESSION_BURST = 8;
export const SESSIONS_PER_SECOND = 2;

/** Answers to REG1, and REG_NGP and REG_ERR, for one IPv4 address or IPv6 /64: so many at once, then so many a second. */
export const SOURCE_BURST = 20;
export const SOURCE_PER_SECOND = 10;
/** The same for everybody together. Few at once: each costs HMACs, and streams wait behind them. */
export const ANSWER_BURST = 200;
export const ANSWERS_PER_SECOND = 2_000;
/** REG2 with the id of a group that lives, for one source and for everybody. Links that join or come back must not wait for a flood's end. */
export const JOIN_SOURCE_BURST = 100;
export const JOIN_SOURCE_PER_SECOND = 50;
export const JOIN_BURST = 2_000;
export const JOINS_PER_SECOND = 10_000;
/** An id that a REG1 was answered with is good in the period of its issue and the next one. */
export const ID_PERIOD_MS: Millis = 30_000;
/** Handshakes of a group: so many at once, and as many a second. Encoders repeat theirs every 250 ms. */
export const HANDSHAKES_PER_SECOND = 20;
/** Vain tries of one stream id from one source: so many at once, then so many a second. */
export const FAILURE_BURST = 5;
export const FAILURES_PER_SECOND = 0.5;
/** A server has answered a conclusion by then. Whoever waits for that gains nothing over the tries that everybody has. */
export const TRY_ANSWER_MS: Millis = 2_000;
/** No server that serves is farther: copies of a conclusion that are sent on later are what it has answered. */
export const MOST_HOP_ROUND_TRIP_MS: Millis = 1_000;
/** A link that has been silent for longer may have got another address from its NAT. */
export const REBIND_SILENT_MS: Millis = 1_000;
/** Strangers that are looked at for a link's new address: of one source and of everybody. */
export const REBIND_SOURCE_BURST = 20;
export const REBIND_SOURCE_PER_SECOND = 5;
export const REBIND_BURST = 100;
export const REBINDS_PER_SECOND = 500;

/** libsrt acknowledges this often. */
export const ACK_EVERY_MS: Millis = 10;

export const STATS_WINDOW_MS: Millis = 5_000;
/** `tick` while anything lives: the granularity of ACK flushes and SHUTDOWN holds. */
export const TICK_MS: Millis = 10;
export const IDLE_TICK_MS: Millis = 250;
/** Timeouts of links and groups are looked for this often. */
export const SWEEP_MS: Millis = 100;

/** Before any other time: `now - NEVER` is larger than every limit. */
export const NEVER: Millis = Number.NEGATIVE_INFINITY;
export const FOREVER: Millis = Number.POSITIVE_INFINITY;
