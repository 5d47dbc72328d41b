import { maskedAddress } from '../shared/masked-address.ts';
import { type AddressView, publicStreamName } from '../shared/redact.ts';
import { count, decimal, int32 } from './numbers.ts';
import type { QualityView } from './quality-view.ts';
import { type StreamWindow, WINDOW_S } from './srtla-windows.ts';
import type { ShownPublisher } from './timeline.ts';

/*
 * Answers for VVLIVE's adapter (spec: neighbours.md §1B.3). It fails on a `null` where it wants a number, reads 0 ms as an excellent round trip, and
 * keeps what it has read last where a document is gone.
 */

export interface SrtlaDocumentLink {
  id: number;
  source_ip: string;
  /** Of the last `window_s` seconds, as are the others. */
  packets_sent: number;
  packets_acked: number;
  packets_lost: number;
  /** 0 while it is unknown: the link is not active then. */
  rtt_ms: number;
  /** What it can carry where its sender tells, else what it carries. */
  bandwidth_bps: number;
  window_size: number;
  active: boolean;
  rtt_source: 'sender' | 'srt' | 'none';
  bandwidth_source: 'sender' | 'received';
}

export interface SrtlaDocument {
  version: 1;
  /** Unix ms. */
  updated_at_ms: number;
  /** Of SRTLA. */
  port: number;
  /** Its public name; empty where nobody publishes. */
  stream_id: string;
  window_s: number;
  total_packets: number;
  packets_reordered: number;
  links: SrtlaDocumentLink[];
  quality?: { level: string; advice?: string; since_ms: number; reason: string };
}

export interface DocumentFacts {
  readonly port: number;
  readonly unixMs: number;
  readonly addresses: AddressView;
}

/** @param stream undefined where nobody publishes */
export const srtlaDocument = (
  stream: { publisherId: string; window: StreamWindow; quality: QualityView | undefined } | undefined,
  { port, unixMs, addresses }: DocumentFacts,
): SrtlaDocument => {
  const head = { version: 1 as const, updated_at_ms: unixMs, port };
  if (!stream) return { ...head, stream_id: '', window_s: WINDOW_S, total_packets: 0, packets_reordered: 0, links: [] };
  const { publisherId, window, quality } = stream;
  const links = window.links.map((link) => ({
    id: link.id,
    source_ip: maskedAddress(link.address, addresses),
    packets_sent: count(link.sentPackets),
    packets_acked: count(link.receivedPackets),
    packets_lost: count(link.lostPackets),
    rtt_ms: decimal(link.rttMs ?? 0),
    bandwidth_bps: count(link.kbps * 1_000),
    window_size: int32(link.windowPackets ?? 0),
    active: link.isActive,
    rtt_source: link.rttSource,
    bandwidth_source: link.kbpsSource,
  }));
  return {
    ...head,
    stream_id: publicStreamName(publisherId),
    window_s: WINDOW_S,
    total_packets: count(links.reduce((sum, { packets_acked }) => sum + packets_acked, 0)),
    packets_reordered: count(window.latePackets),
    links,
    ...(quality ? { quality: qualityOf(quality, unixMs) } : {}),
  };
};

const qualityOf = ({ level, advice, forMs, reason }: QualityView, unixMs: number) => ({
  level,
  ...(advice === null ? {} : { advice }),
  since_ms: unixMs - forMs,
  reason,
});

/** `/api/srtla/metrics`. */
export const vvliveMetrics = ({ links }: SrtlaDocument): object => {
  const { bandwidthMbps, lossPct, minRttMs, maxRttMs, active } = totals(links);
  return {
    enabled: true,
    bandwidth_mbps: bandwidthMbps,
    packet_loss_percent: lossPct,
    min_rtt_ms: minRttMs,
    max_rtt_ms: maxRttMs,
    active_links: active,
  };
};

/** `/api/srtla/raw`. */
export const vvliveRaw = ({ total_packets, packets_reordered, links }: SrtlaDocument): object => {
  const { bandwidthMbps, lossPct, meanRttMs, minRttMs, maxRttMs, active } = totals(links);
  return {
    total_packets_received: total_packets,
    total_packets_reordered: packets_reordered,
    total_bandwidth_mbps: bandwidthMbps,
    avg_rtt_ms: meanRttMs,
    min_rtt_ms: minRttMs,
    max_rtt_ms: maxRttMs,
    packet_loss_percent: lossPct,
    active_links: active,
    links: links.map(({ id, source_ip, bandwidth_bps, rtt_ms, packets_lost, active: isActive }) => ({
      ...{ id, source_ip, bandwidth_mbps: decimal(bandwidth_bps / 1e6), rtt_ms, packets_lost, active: isActive },
    })),
  };
};

/** `/api/srtla/status`. */
export const vvliveStatus = ({ links, port, updated_at_ms }: SrtlaDocument, isBonded: boolean): object => ({
  enabled: true,
  transport_mode: isBonded ? 'srtla' : 'srt',
  metrics_source: 'api',
  receiver_port: port,
  has_data: links.length > 0,
  // Unix seconds.
  last_update: updated_at_ms / 1_000,
  polling_active: true,
});

/** `/streams/{id}/vvlive`, for its ingest monitor of type `srt`: bit/s and ms. */
export const vvliveIngest = (live: ShownPublisher | undefined): object => ({
  bitrate: live ? int32(live.bitrateKbps * 1_000) : 0,
  rtt: live ? decimal(live.publisher.stats.rttMs) : 0,
  connected: live !== undefined,
});

/** As the adapter reckons: losses over all links, the rest over active ones. */
const totals = (links: readonly SrtlaDocumentLink[]) => {
  const active = links.filter((link) => link.active);
  const rtts = active.map(({ rtt_ms }) => rtt_ms).filter((ms) => ms > 0);
  const sent = links.reduce((sum, { packets_sent }) => sum + packets_sent, 0);
  const lost = links.reduce((sum, { packets_lost }) => sum + packets_lost, 0);
  return {
    bandwidthMbps: decimal(active.reduce((sum, { bandwidth_bps }) => sum + bandwidth_bps, 0) / 1e6),
    lossPct: sent > 0 ? decimal((100 * lost) / sent) : 0,
    meanRttMs: rtts.length > 0 ? decimal(rtts.reduce((sum, ms) => sum + ms, 0) / rtts.length) : 0,
    minRttMs: rtts.length > 0 ? Math.min(...rtts) : 0,
    maxRttMs: rtts.length > 0 ? Math.max(...rtts) : 0,
    active: active.length,
  };
};
