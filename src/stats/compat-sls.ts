import type { DataPlaneSnapshot, PublisherSnapshot } from '../data-plane/snapshot.ts';
import { count, decimal, int32, uint16, wholeSeconds } from './numbers.ts';

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
  pktRcvDrop: number;
  pktRcvLoss: number;
  pktRecv: number;
  rtt: number;
  uptime: number;
}

const OFFLINE = 'Publisher is currently not streaming';

/** The publisher of an id: while one takes over from another, the one whose stream is going out. */
export const livePublisher = (snapshot: DataPlaneSnapshot, publisherId: string): PublisherSnapshot | undefined => {
  const all = snapshot.publishers.filter((publisher) => publisher.publisherId === publisherId);
  const newestFirst = all.sort((a, b) => a.uptimeMs - b.uptimeMs);
  return newestFirst.find((publisher) => publisher.bitrateKbps > 0) ?? newestFirst[0];
};

export const modernStats = (live: PublisherSnapshot | undefined): object => {
  if (!live) return { message: OFFLINE, status: 'ok' };
  const publisher: ModernPublisher = {
    bitrate: int32(live.bitrateKbps),
    buffer: int32(live.stats.rcvBufMs),
    dropped_pkts: int32(live.stats.pktRcvDropTotal),
    latency: uint16(live.latencyMs),
    rtt: decimal(live.stats.rttMs),
    uptime: wholeSeconds(live.uptimeMs),
  };
  return { publisher, status: 'ok' };
};

const legacyPublisher = (live: PublisherSnapshot): LegacyPublisher => ({
  bitrate: int32(live.bitrateKbps),
  bytesRcvDrop: count(live.stats.byteRcvDropTotal),
  bytesRcvLoss: count(live.stats.byteRcvLossTotal),
  latency: uint16(live.latencyMs),
  mbpsBandwidth: decimal(live.stats.bandwidthMbps),
  mbpsRecvRate: decimal(live.stats.receiveRateMbps),
  msRcvBuf: int32(live.stats.rcvBufMs),
  pktRcvDrop: int32(live.stats.pktRcvDropTotal),
  pktRcvLoss: int32(live.stats.pktRcvLossTotal),
  pktRecv: count(live.stats.pktRecvTotal),
  rtt: decimal(live.stats.rttMs),
  uptime: wholeSeconds(live.uptimeMs),
});

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
export const legacyStats = (live: PublisherSnapshot | undefined, idleAsZero: boolean): object => {
  if (live) return { publishers: { live: legacyPublisher(live) }, status: 'ok' };
  return { message: OFFLINE, publishers: idleAsZero ? { live: SILENT } : {}, status: 'ok' };
};
