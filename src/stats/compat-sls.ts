import type { QualityLevel, StreamQuality } from '../quality/types.ts';
import { count, decimal, int32, uint16, wholeSeconds } from './numbers.ts';
import type { Peer } from './peers.ts';
import type { ShownPublisher } from './timeline.ts';

/*
 * Answers in the shape of OpenIRL's SLS. Keys are in alphabetical order, as its JSON library writes them. Readers: NOALBS (types
 * OpenIRL and SrtLiveServer), the Telemy OBS plugin, the web page of the old stack.
 */

export interface ErrorAnswer {
  message: string;
  status: 'error';
}
export const errorAnswer = (message: string): ErrorAnswer => ({ message, status: 'error' });

export interface SuccessAnswer {
  message: string;
  status: 'success';
}
export const successAnswer = (message: string): SuccessAnswer => ({ message, status: 'success' });

/** kbit/s, ms, packets, ms, ms, s. Whole numbers but `rtt`: NOALBS reads a fraction elsewhere as an offline stream. */
export interface ModernPublisher {
  bitrate: number;
  buffer: number;
  dropped_pkts: number;
  latency: number;
  peers?: Peer[];
  /** What its encoder should send; only where that is judged. */
  quality_advice?: QualityLevel;
  /** The name of what arrives. */
  quality_level?: QualityLevel;
  rtt: number;
  uptime: number;
}

/** Totals since the publisher connected. `pktRecv` is what the OBS plugin divides the loss by. */
export interface LegacyPublisher {
  bitrate: number;
  bytesRcvDrop: number;
  bytesRcvLoss: number;
  latency: number;
  mbpsBandwidth: number;
  mbpsRecvRate: number;
  msRcvBuf: number;
  peers?: Peer[];
  pktRcvDrop: number;
  pktRcvLoss: number;
  pktRecv: number;
  rtt: number;
  uptime: number;
}

const OFFLINE = 'Publisher is currently not streaming';

const withPeers = (peers: Peer[]): { peers?: Peer[] } => (peers.length > 0 ? { peers } : {});

/**
 * For NOALBS's types OpenIRL and Belabox a bitrate of 0 is an offline stream and 1 means "keep the scene", which is what a stall of a few
 * seconds is to be.
 */
export const bitrateOrOne = ({ bitrateKbps }: ShownPublisher): number => Math.max(1, int32(bitrateKbps));

export const modernStats = (
  live: ShownPublisher | undefined,
  peers: Peer[] = [],
  quality?: StreamQuality | undefined,
): object => {
  if (!live) return { message: OFFLINE, status: 'ok' };
  const { stats, latencyMs, uptimeMs } = live.publisher;
  const publisher: ModernPublisher = {
    bitrate: bitrateOrOne(live),
    buffer: int32(stats.rcvBufMs),
    dropped_pkts: int32(stats.pktRcvDropTotal),
    latency: uint16(latencyMs),
    ...withPeers(peers),
    ...(quality?.advice ? { quality_advice: quality.advice } : {}),
    ...(quality?.level ? { quality_level: quality.level } : {}),
    rtt: decimal(stats.rttMs),
    uptime: wholeSeconds(uptimeMs),
  };
  return { publisher, status: 'ok' };
};

/** To NOALBS's type SrtLiveServer, and to the plugin, a bitrate of 0 is a stream that stalls. */
export const legacyPublisher = (live: ShownPublisher, peers: Peer[] = []): LegacyPublisher => {
  const { stats, latencyMs, uptimeMs } = live.publisher;
  return {
    bitrate: int32(live.bitrateKbps),
    bytesRcvDrop: count(stats.byteRcvDropTotal),
    bytesRcvLoss: count(stats.byteRcvLossTotal),
    latency: uint16(latencyMs),
    mbpsBandwidth: decimal(stats.bandwidthMbps),
    mbpsRecvRate: decimal(stats.receiveRateMbps),
    msRcvBuf: int32(stats.rcvBufMs),
    ...withPeers(peers),
    pktRcvDrop: int32(stats.pktRcvDropTotal),
    pktRcvLoss: int32(stats.pktRcvLossTotal),
    pktRecv: count(stats.pktRecvTotal),
    rtt: decimal(stats.rttMs),
    uptime: wholeSeconds(uptimeMs),
  };
};

const SILENT: LegacyPublisher = {
  bitrate: 0,
  bytesRcvDrop: 0,
  bytesRcvLoss: 0,
  latency: 0,
  mbpsBandwidth: 0,
  mbpsRecvRate: 0,
  msRcvBuf: 0,
  pktRcvDrop: 0,
  pktRcvLoss: 0,
  pktRecv: 0,
  rtt: 0,
  uptime: 0,
};

/**
 * @param idleAsZero a silent publisher is an entry of zeros instead of no entry. The Telemy plugin needs it: without an entry its
 * scene rules go by OBS's own output. NOALBS must not get it: it reads bitrate 0 as "keep the scene".
 */
export const legacyStats = (live: ShownPublisher | undefined, idleAsZero: boolean, peers: Peer[] = []): object => {
  if (live) return { publishers: { live: legacyPublisher(live, peers) }, status: 'ok' };
  return { message: OFFLINE, publishers: idleAsZero ? { live: SILENT } : {}, status: 'ok' };
};
