import { createRequire } from 'node:module';
import { messageOf, TributaryError } from './errors.ts';

/** What a listener's admission looks an id up as. */
export type SrtRole = 'publish' | 'play';

export interface SrtEngineOptions {
  /** Least time between two wake-ups of the JavaScript thread, milliseconds. Messages keep their source time, so it adds no delay. */
  tickMs: number;
  /** Receive slots of `SRT_SLOT_BYTES` each. */
  slots: number;
  /** A publisher may be replaced once no datagram of it has arrived for this long (sampled every 250 ms). */
  takeoverSilenceMs: number;
  /**
   * Called on the JavaScript thread when there is something to take. Gated: it is not called again before `rearm()`.
   * Take with `takeEvents()` and with `receive()` until it returns 0, then call `rearm()`.
   */
  onWake: () => void;
}

export interface SrtListenOptions {
  /** Numeric address. `::` is dual-stack. */
  host: string;
  /** 0 picks a free one: see `listenerPort`. */
  port: number;
  role: SrtRole;
  /** What an unwelcome caller meets: accepted and closed at once (as SLS does), or a reject code in the handshake. */
  refuse: 'close' | 'reject';
  /**
   * With `refuse: 'close'`: so many per minute for one stream id from one source address, and ten times as many for all ids from there;
   * then rejection in the handshake.
   */
  closesPerMinute: number;
  /**
   * Handshakes that try a passphrase, for one stream id from one source address: 30 s' worth at once, more are rejected with 1402 before
   * libsrt spends time on them. Default 0: without limit.
   */
  passphraseTriesPerSecond?: number;
  /** RCVLATENCY floor for publishers, PEERLATENCY floor for players; 0 leaves libsrt's default. */
  latencyFloorMs: number;
  /** SRTO_LOSSMAXTTL, packets. */
  reorderTolerancePackets: number;
  peerIdleTimeoutMs: number;
  /** SRTO_RCVBUF of a publisher's socket, SRTO_SNDBUF of a player's. */
  bufferBytes: number;
  /** SRTO_FC, packets. */
  flowWindowPackets: number;
  /** SRTO_UDP_RCVBUF and SRTO_UDP_SNDBUF; the kernel may grant less. */
  udpBufferBytes: number;
  backlog: number;
  /** Which of the engines listens, where there are two side by side. */
  engine?: 'libsrt' | 'direct';
  /** Of engines that take packets without a socket: this listener has none (see `InsideServer`). */
  isInside?: boolean;
}

export interface SrtConnectOptions {
  /** Numeric address. */
  host: string;
  port: number;
  streamId: string;
  /** 10–79 bytes. */
  passphrase?: string;
  latencyMs: number;
  connectTimeoutMs: number;
  peerIdleTimeoutMs?: number;
  /** SRTO_RCVBUF of a caller that reads, SRTO_SNDBUF of one that sends; absent = 32 MiB. */
  bufferBytes?: number;
  /** True for a caller that reads (a player), false for one that sends. */
  reads: boolean;
}

export interface SrtAccess {
  /** 10–79 bytes; absent means the caller must not encrypt. */
  passphrase?: string;
  /** Sockets that may be open on this id at once: 1 for a publisher id. */
  maxSockets: number;
  /** RCVLATENCY floor of a publisher, PEERLATENCY floor of a player; absent = the listener's. */
  latencyMs?: number;
  /** Whoever has negotiated more is closed with 1406, and does not take over from anybody; absent = no limit. */
  latencyCeilingMs?: number;
  /** SRTO_RCVBUF of a publisher, SRTO_SNDBUF of a player; absent = the listener's. */
  bufferBytes?: number;
  /** SRTO_FC; absent = the listener's. */
  flowWindowPackets?: number;
}

/** Reject codes of the listen callback (srt's access-control numbers); libsrt's own are below 1000. */
export const SRT_REJECT = { forbidden: 1403, notFound: 1404, latency: 1406, conflict: 1409, overload: 1402 } as const;

export type SrtEvent =
  /**
   * `streamId` as it was allowed, whichever dialect the caller spoke. `replaces` is the incumbent's socket when a silent publisher is taken
   * over, else 0.
   */
  | {
      type: 'accepted';
      socket: number;
      listener: number;
      streamId: string;
      address: string;
      port: number;
      /** Negotiated: receive direction for a publisher, send direction for a player. */
      latencyMs: number;
      encrypted: boolean;
      replaces: number;
    }
  /**
   * `code` as in `SRT_REJECT`, or libsrt's own: 10 where a secret is due and was wrong or missing, 11 where none is due and one was given.
   * Of libsrt's own the canonical id is told.
   */
  | {
      type: 'refused';
      listener: number;
      streamId: string;
      address: string;
      port: number;
      code: number;
      how: 'closed' | 'rejected';
    }
  | { type: 'connected'; socket: number; latencyMs: number }
  /** `rejectReason`: srt_getrejectreason of the failed caller (0 = none: timeout or unreachable). */
  | { type: 'connect-failed'; socket: number; rejectReason: number; message: string }
  /** The end of arrival. A reading socket goes on delivering what it has buffered until `ended`; the native side sees to that. */
  | { type: 'broken'; socket: number }
  /** Nothing more will come from this socket; it is closed and its number means nothing any more. */
  | { type: 'ended'; socket: number };

/** Bytes from one slot to the next in the arena: more than the largest SRT payload (1456). */
export const SRT_SLOT_BYTES = 1500;

/** Order of the values that `stats()` writes. Totals since the socket's start unless the name says otherwise. Units in the names. */
export const SRT_STATS_FIELDS = [
  'rttMs',
  'bandwidthMbps',
  'receiveRateMbps',
  'sendRateMbps',
  'pktRecvTotal',
  'pktRecvUniqueTotal',
  'pktRcvLossTotal',
  'pktRcvDropTotal',
  'pktRcvRetransTotal',
  'pktRcvBelatedTotal',
  'pktSentTotal',
  'pktSndLossTotal',
  'pktSndDropTotal',
  'pktRetransTotal',
  'pktSentNakTotal',
  'pktRecvNakTotal',
  'byteRecvTotal',
  'byteRecvUniqueTotal',
  'byteRcvLossTotal',
  'byteRcvDropTotal',
  'byteSentTotal',
  'rcvBufMs',
  'rcvBufPackets',
  'sndBufMs',
  'sndBufPackets',
  'rcvLatencyMs',
  'sndLatencyMs',
  'flightPackets',
  'uptimeMs',
  'reorderTolerancePackets',
  'rcvBufAvailableBytes',
  'sndBufBytes',
] as const;
export type SrtStatsField = (typeof SRT_STATS_FIELDS)[number];

/** One engine an environment: it owns one epoll thread and every socket it made. All methods belong to the creating thread. */
export interface NativeSrtEngine {
  /** `slots × SRT_SLOT_BYTES`; what `receive` filled stays until the next `receive`. */
  readonly arena: Uint8Array;
  /** Bytes in each slot. */
  readonly lengths: Int32Array;
  /** SRT source time of each slot, µs (the time at which the message was due). */
  readonly sourceTimesUs: Float64Array;
  /** Triples (socket, first slot, slot count) of the last `receive`. */
  readonly runs: Int32Array;

  /** Throws an Error with `code` (`EADDRINUSE`, `EADDRNOTAVAIL`, `EACCES` or `SRT_…`). Returns the listener's number. */
  listen(options: SrtListenOptions): number;
  listenerPort(listener: number): number;
  closeListener(listener: number): void;
  /** Starts to connect; `connected` or `connect-failed` follows. Throws a coded Error for what is wrong at once. */
  connect(options: SrtConnectOptions): number;

  /** Lets an id in, or changes what it is let in with. Sockets that are open stay. */
  allow(role: SrtRole, streamId: string, access: SrtAccess): void;
  /** @param known the id goes on to mean itself: it is refused (1404), and never taken for the dialect of another server */
  forbid(role: SrtRole, streamId: string, known?: boolean): void;
  /** This publisher may be taken over from now on, however lively it is (its encoder has started anew). */
  yieldPublisher(socket: number): void;
  /** While true every new caller is refused with 1402. */
  refuseAll(refuse: boolean): void;
  /** While true every new publisher is refused with 1402; players are let in. */
  refusePublishers(refuse: boolean): void;

  takeEvents(): SrtEvent[];
  /** Events that `takeEvents` would bring now. */
  queuedEvents(): number;
  /**
   * Notes which sockets have something due, before `takeEvents()` and `receive()`, for a caller that comes by itself every few ms and
   * leaves the gate shut. Meanwhile callers and ends are noticed every 20 ms.
   */
  look(): void;
  /** Reads what is due into the slots. Returns the number of runs; 0 = nothing left. */
  receive(): number;
  /**
   * Copies slots to sockets, source times kept. `dropped[i]` grows by the messages that `sockets[i]` would not take.
   */
  send(sockets: Int32Array, socketCount: number, firstSlot: number, slotCount: number, dropped: Float64Array): void;
  /**
   * One message. `sourceTimeUs` 0 = now; `from`: the publisher that it is of, where it is of one. Returns its length, -1 when the send buffer
   * is full, -2 when the socket is gone.
   */
  sendMessage(socket: number, message: Uint8Array, sourceTimeUs: number, from?: number): number;
  /** Opens the gate for the next wake-up. */
  rearm(): void;

  /** Writes `SRT_STATS_FIELDS` in order. False when the socket is gone: `out` keeps what it held. */
  stats(socket: number, out: Float64Array): boolean;
  /** Closes at once: what a reading socket has buffered is lost. `ended` follows. Unknown numbers are ignored. */
  close(socket: number): void;
  /** Lines of libsrt's own log since the last call (bounded; `dropped` counts the rest). */
  takeLog(): { lines: { level: number; text: string }[]; dropped: number };
  /** Closes every socket and joins the thread. Safe twice; everything else throws afterwards. */
  dispose(): void;
}

export interface NativeAddon {
  /** libsrt's version that is loaded, such as `1.5.1`. */
  readonly srtVersion: string;
  createSrtEngine(options: SrtEngineOptions): NativeSrtEngine;
  /** What an unknown stream id may mean; twin of `streamIdForms` in sls-bridge. */
  streamIdForms(streamId: string, role: SrtRole): string[];
  /** Absent where the addon was built without it. */
  readonly createUdpEngine?: (options: NativeUdpOptions) => NativeUdpEngine;
}

/** `TRIBUTARY_ADDON_PATH` names another build, such as the one with sanitizers. */
const addonPath = (): string => process.env.TRIBUTARY_ADDON_PATH ?? '../../native/build/tributary.node';
let loaded: NativeAddon | undefined;

/**
 * Loads the native addon: the only place that does.
 * @throws TributaryError TRIBUTARY_ADDON_MISSING (not built) or TRIBUTARY_LIBSRT_MISSING (the shared library is not there)
 */
export const loadAddon = (): NativeAddon => {
  if (loaded) return loaded;
  try {
    loaded = createRequire(import.meta.url)(addonPath()) as NativeAddon;
    return loaded;
  } catch (error) {
    const text = messageOf(error);
    if (/libsrt[^:]*: cannot open shared object/.test(text)) {
      throw new TributaryError(
        'TRIBUTARY_LIBSRT_MISSING',
        'libsrt is not installed',
        'run `apt-get install libsrt1.5-openssl` (or `npm start`, which does it)',
        error,
      );
    }
    throw new TributaryError(
      'TRIBUTARY_ADDON_MISSING',
      `the native addon does not load (${text.split('\n')[0]})`,
      'run `npm run build:native`',
      error,
    );
  }
};

/** Bytes from one slot of received datagrams to the next; a longer datagram is cut, which shows in its length. */
export const UDP_SLOT_BYTES = 1536;

/** How many SRTLA registrations pass: at once and a second. A source is an IPv4 address or an IPv6 /64. */
export interface NativeRegistrationRates {
  sourceBurst: number;
  sourcePerSecond: number;
  everybodyBurst: number;
  everybodyPerSecond: number;
  /** REG2 with the id of a group that lives (`knowGroup`); they count in no other budget. */
  joinSourceBurst: number;
  joinSourcePerSecond: number;
}

export interface NativeUdpOptions {
  /** Datagrams that one `receive` may bring. */
  slots: number;
  /** Datagrams that one `flush` may send. */
  sendEntries: number;
  /** Bytes behind the slots for what is sent but was not received. */
  scratchBytes: number;
  /**
   * Datagrams per second from which on it is busy. Below, a datagram wakes JavaScript at once; above, `rearm` asks JavaScript to look
   * again by itself, since one thread that wakes another for each batch costs more than the batch.
   */
  busyPacketsPerSecond: number;
  /** False: it never asks so. Default true. */
  paces?: boolean;
  /** False: never UDP_SEGMENT. Default true. */
  segmentation?: boolean;
  /** SRTLA registrations over these rates never reach JavaScript; absent: all do. */
  registrations?: NativeRegistrationRates;
  /** Called when there is something to receive. Gated: not again before `rearm()`. */
  onWake: () => void;
}

export interface NativeUdpBindOptions {
  /** Numeric address. `::` is dual-stack. A wildcard socket answers from the address that was asked. */
  host: string;
  /** 0 picks a free one. */
  port: number;
  /** SO_RCVBUF and SO_SNDBUF; the kernel may grant less. */
  bufferBytes: number;
  /** Ties the socket to a network device. */
  device?: string;
  /** It faces the SRT server: its failures are counted apart, and what it sends may be segmented. */
  towardsServer?: boolean;
}

export interface NativeUdpConnectOptions {
  host: string;
  port: number;
  bufferBytes: number;
}

export interface NativeUdpFacts {
  address: string;
  port: number;
  /** Granted, in the unit of `bufferBytes`. */
  receiveBufferBytes: number;
  sendBufferBytes: number;
  /** Datagrams that the kernel has dropped because nobody read them in time. */
  kernelDrops: number;
  /** Options that this kernel has not, and that the socket does without: `SO_TIMESTAMPNS`. */
  lacks: string[];
}

/**
 * Order of the values that `counters()` writes; totals since the start, but for `spilledWaiting`, which is now. Datagrams unless the name
 * says otherwise.
 */
export const UDP_COUNTERS = [
  'receivedDatagrams',
  'receiveCalls',
  'sentDatagrams',
  'sendCalls',
  'segmentedRuns',
  'linkSendsDropped',
  'serverSendsDropped',
  'linkErrors',
  'serverErrors',
  'serverRefused',
  'linkKernelDrops',
  'serverKernelDrops',
  'wakeups',
  'reg1Dropped',
  'reg2Dropped',
  'spilledDatagrams',
  'spilledWaiting',
] as const;

/**
 * `sleep`: the next datagram wakes. `more`: something has come meanwhile, or did not fit; `receive` again. `later`: the same after a pause,
 * nobody wakes.
 */
export const UDP_NEXT = { sleep: 0, more: 1, later: 2 } as const;

/**
 * Sockets, peers and batches. One an environment or more; all methods belong to the creating thread, and none of them blocks. Errors of
 * `bind`, `connect` and `peer` carry `code` (`EADDRINUSE`, …); what goes wrong later is counted.
 */
export interface NativeUdpEngine {
  /** `slots × UDP_SLOT_BYTES`, then the scratch. What `receive` filled stays until the next `receive`. */
  readonly arena: Uint8Array;
  /** Of each slot: bytes, number of the socket, peer (-1 on a connected socket), arrival on the clock of `receive`. */
  readonly lengths: Int32Array;
  readonly sockets: Int32Array;
  readonly peers: Int32Array;
  readonly arrivalsMs: Float64Array;
  /** What `flush` sends: to a peer, or to connected socket `-1 - entry`; from which offset of the arena, how many bytes. */
  readonly sendTo: Int32Array;
  readonly sendFrom: Int32Array;
  readonly sendBytes: Int32Array;

  /** Returns the socket's number. */
  bind(options: NativeUdpBindOptions): number;
  connect(options: NativeUdpConnectOptions): number;
  /** Undefined when it is closed. */
  facts(socket: number): NativeUdpFacts | undefined;
  close(socket: number): void;

  /** A held peer of an unconnected socket: a remote address and, unless empty, the address of ours that it speaks to. */
  peer(socket: number, host: string, port: number, localHost: string): number;
  /** Keeps this number for its address. Others are good until the next `receive`. */
  hold(peer: number): void;
  release(peer: number): void;
  /** Numeric, never IPv4-mapped. */
  address(peer: number): string;
  port(peer: number): number;
  /** Of ours; empty where the socket has only one. */
  localAddress(peer: number): string;

  /** A group lives under this id of 256 bytes: REG2 with it have the budget of joins. Nothing where there are no budgets. */
  knowGroup(id: Uint8Array): void;
  forgetGroup(id: Uint8Array): void;

  /** Fills slots and returns how many; 0 = nothing left. `nowMs` sets the clock of the arrival times. */
  receive(nowMs: number): number;
  /** Sends the first `count` entries: in order for each socket; several to one server at once where their sizes allow. */
  flush(count: number): void;
  /** After a `receive` that brought nothing more, or not all. Returns what is to be done next, one of `UDP_NEXT`. */
  rearm(): number;
  /** Whether runs are segmented by the kernel; turns false for good at its first refusal. */
  segments(): boolean;
  /** Writes `UDP_COUNTERS` in order. */
  counters(out: Float64Array): void;
  /** Closes every socket and ends the thread. Safe twice; everything else throws `UDP_DISPOSED` afterwards. */
  dispose(): void;
}
