import type { NativeAddon } from '../shared/addon.ts';
import type { Millis } from '../shared/clock.ts';
import type { InsideServer } from '../shared/inside-server.ts';
import type { Logger } from '../shared/logger.ts';
import type { HopLossShares } from './hop-loss.ts';
import type { ListeningSocket } from './link-sockets.ts';
import type { RandomBytes, SessionId, SrtlaEvent, SrtlaSettings, SrtlaSnapshot } from './types.ts';

/** `batched`: the addon, many datagrams in one system call. `dgram`: Node's own sockets, everywhere. */
export type UdpTransport = 'batched' | 'dgram';

/**
 * How the batched transport tells the sessions of the SRT server apart: by a `socket` for each; by a source `address` of 127/8 for each,
 * on one socket (server on 127.0.0.1 only); or by their socket ids on one `shared` socket.
 */
export type ServerWay = 'socket' | 'address' | 'shared';

/** What has work every few ms on the shell's thread. */
export interface Visited {
  /** A batch of the links is done, and the next one is looked for in a few ms. */
  visit(now: Millis): void;
  /** From now on datagrams wake the shell, which may be long. Called once after the last `visit`. */
  leave(): void;
}

export interface SrtlaShellOptions {
  /** Numeric addresses to listen on, one socket each; `::` is dual-stack and gives way to `0.0.0.0` where the host has no IPv6. */
  addresses: readonly string[];
  /** 0 picks a free one, the same on every address: see `SrtlaReceiver.ports`. */
  ports: readonly number[];
  settings: SrtlaSettings;
  /** Where the SRT listener is. The port is read when a session begins. */
  bondHost: string;
  bondPort: () => number;
  /** The SRT server is in this thread: no socket leads there, and `bondHost` and `bondPort` are nobody's. */
  inside?: InsideServer;
  /** Kernel buffers to ask for on each socket. */
  udpBufferBytes?: number;
  /** Cap on `udpBufferBytes`; 0 = none. */
  udpBufferMaxBytes?: number;
  /** Default `auto`: batched where it can be had. */
  transport?: 'auto' | UdpTransport;
  /** Least time between two wake-ups of the batched transport while it is busy. */
  coalesceMs?: Millis;
  /** Looked after by the batched transport for as long as it is busy and looks for datagrams by itself. */
  visited?: Visited;
  /** Default: `shared` for a server on this machine, else `socket`. Of the batched transport. */
  serverWay?: ServerWay;
  /** For tests: datagrams that get lost between here and the SRT server. */
  hopLoss?: HopLossShares | undefined;
  /** Loads the addon; for tests. */
  addon?: () => NativeAddon;
  random: RandomBytes;
  clock: () => Millis;
  logger: Logger;
  onEvent?: (event: SrtlaEvent) => void;
}

/** The SRTLA receiver on UDP, whatever it stands on. */
export interface SrtlaReceiver {
  readonly transport: UdpTransport;
  /** Why it is dgram although nobody asked for it. */
  readonly transportNote: string | undefined;
  /** Ports in the order asked for, with the real number where it was 0. */
  readonly ports: readonly number[];
  /** In the order in which they were opened, those of lost addresses included. */
  readonly sockets: readonly ListeningSocket[];
  snapshot(now: Millis): SrtlaSnapshot;
  /** The port from which this session speaks to the SRT listener; others may share it. Undefined while it opens and once it is over. */
  localPortOf(session: SessionId): number | undefined;
  /** The session that speaks from this port alone. */
  sessionOfLocalPort(port: number): SessionId | undefined;
  /** The group's name, from the session's conclusion on. */
  groupOfSession(session: SessionId): string | undefined;
  /** The group whose session has this socket at the SRT server, from its acceptance on. */
  groupOfServerSocket(id: number): string | undefined;
  /** The machine's addresses have changed: closes the sockets of those that are gone, opens new ones. What fails is logged. */
  adjust(addresses: readonly string[]): Promise<void>;
  /** Ends every group (SHUTDOWN to the server for accepted sessions) and closes all sockets once these are sent. Safe twice. */
  close(): Promise<void>;
}

const DEFAULT_UDP_BUFFER_BYTES = 8 * 1024 * 1024;

/** What to ask the kernel for on each socket. */
export const bufferBytesOf = ({ udpBufferBytes, udpBufferMaxBytes }: SrtlaShellOptions): number =>
  Math.min(udpBufferBytes ?? DEFAULT_UDP_BUFFER_BYTES, udpBufferMaxBytes || Number.POSITIVE_INFINITY);
