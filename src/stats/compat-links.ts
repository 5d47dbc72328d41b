import type { DataPlaneSnapshot } from '../data-plane/snapshot.ts';
import { formatEndpoint } from '../shared/address.ts';
import { publicStreamName } from '../shared/redact.ts';
import type { GroupSnapshot, LinkRoundTrip, LinkSnapshot } from '../srtla/types.ts';
import { AddressMask } from './masked-address.ts';
import { count, decimal, int32, wholeSeconds } from './numbers.ts';
import { sharePercentages } from './shares.ts';

/*
 * Statistics of links, in the shape that the Telemy plugin and control plane read, with fields of our own added.
 */

export interface LinkAnswer {
  addr: string;
  /** SRT datagrams since registration. */
  bytes: number;
  pkts: number;
  /** Of the group's bytes in the last 5 s, one decimal; all links total 100 or 0. */
  share_pct: number;
  /** Whole and within int32: the plugin reads anything else as 0, a fresh link. */
  last_ms_ago: number;
  uptime_s: number;
  bitrate_kbps: number;
  bitrate_1s_kbps: number;
  bitrate_10s_kbps: number;
  state: LinkSnapshot['state'];
  /** Data packets: first copies, marked as sent again, and those that had come already. */
  unique_pkts: number;
  retransmitted_pkts: number;
  duplicate_pkts: number;
  /** Certainly lost, where it can be told that this link has lost them. */
  lost_pkts: number;
  /** Behind the fastest link, worst of the last 5 s. */
  skew_ms?: number;
  jitter_ms?: number;
  reorder_ms: number;
  /** New addresses that its NAT has given it, where the node follows them. */
  rebinds: number;
  rtt_ms?: number;
  /** `keepalive42`, `keepalive38`: as the sender measured it. `srt`: by its answers to SRT ACKs. */
  rtt_source?: LinkRoundTrip['source'];
  /** As the sender tells. */
  window_pkts?: number;
  in_flight_pkts?: number;
}

export interface GroupAnswer {
  id: string;
  stream_id: string;
  conn_count: number;
  total_bytes: number;
  /** Certainly lost on the links, and what became of them. */
  lost_pkts: number;
  repaired_pkts: number;
  unrepaired_pkts: number;
  duplicate_pkts: number;
  /** Of all its links, those that have left included. */
  rebinds: number;
  connections: LinkAnswer[];
}

export interface LinksAnswer {
  groups: GroupAnswer[];
}

export interface LinksQuestion {
  mode: 'auto' | 'byor' | 'managed';
  publisherCount: number;
  publisherOfPlayer: (playerId: string) => string | undefined;
  /** The caller has a key, or a trusted address: it may see publisher ids and client addresses. */
  privileged: boolean;
  /** The id that the caller sent: a publisher or player id. */
  streamId: string | undefined;
}

/** What a caller gets to see: which groups, under which name, with whole addresses or masked ones. */
export const linksAnswer = (snapshot: Pick<DataPlaneSnapshot, 'srtla'>, question: LinksQuestion): LinksAnswer => {
  const { mode, privileged, streamId } = question;
  const all = snapshot.srtla.groups;
  if (streamId !== undefined) {
    const owner = question.publisherOfPlayer(streamId);
    const groups = all.filter((group) => group.streamId === (owner ?? streamId));
    // Whoever knows the publisher id may know where it comes from; a player id is only the right to watch.
    return answer(groups, () => streamId, privileged || owner === undefined);
  }
  const isOpen = privileged || mode === 'byor' || (mode === 'auto' && question.publisherCount <= 1);
  return answer(isOpen ? all : [], privileged ? (id) => id : publicStreamName, privileged);
};

/** The plugin takes the first group: the one with the most traffic. */
const answer = (
  groups: readonly GroupSnapshot[],
  nameOf: (publisherId: string) => string,
  wholeAddresses: boolean,
): LinksAnswer => ({
  groups: [...groups]
    .sort(
      (a, b) =>
        Number(b.sessionAccepted) - Number(a.sessionAccepted) ||
        b.windowBytes - a.windowBytes ||
        a.lastHeardMs - b.lastHeardMs,
    )
    .map((group) => ({
      id: group.id,
      stream_id: group.streamId === undefined ? '' : nameOf(group.streamId),
      conn_count: group.links.length,
      total_bytes: count(group.totalBytes),
      lost_pkts: count(group.losses.lost - group.losses.falselyLost),
      repaired_pkts: count(group.losses.repaired),
      unrepaired_pkts: count(group.losses.unrepaired),
      duplicate_pkts: count(group.losses.duplicates),
      rebinds: count(group.rebinds),
      connections: linksOf(group, wholeAddresses),
    })),
});

const linksOf = (group: GroupSnapshot, wholeAddresses: boolean): LinkAnswer[] => {
  const shares = sharePercentages(group.links.map((link) => link.windowBytes));
  const mask = new AddressMask();
  return group.links.map((link, index) => ({
    addr: wholeAddresses ? formatEndpoint(link.address, link.port) : mask.mask(link.address, link.port),
    bytes: count(link.bytes),
    pkts: count(link.packets),
    share_pct: shares[index]!,
    last_ms_ago: int32(link.lastHeardMs),
    uptime_s: wholeSeconds(link.uptimeMs),
    bitrate_kbps: int32(link.bitrateKbps),
    bitrate_1s_kbps: int32(link.bitrate1sKbps),
    bitrate_10s_kbps: int32(link.bitrate10sKbps),
    state: link.state,
    unique_pkts: count(link.uniquePackets),
    retransmitted_pkts: count(link.retransmittedPackets),
    duplicate_pkts: count(link.duplicatePackets),
    lost_pkts: count(link.lostPackets),
    ...(link.skewMs === undefined ? {} : { skew_ms: decimal(link.skewMs) }),
    ...(link.jitterMs === undefined ? {} : { jitter_ms: decimal(link.jitterMs) }),
    reorder_ms: decimal(link.reorderMs),
    rebinds: count(link.rebinds),
    ...(link.roundTrip ? { rtt_ms: decimal(link.roundTrip.ms), rtt_source: link.roundTrip.source } : {}),
    ...(link.telemetry
      ? { window_pkts: decimal(link.telemetry.windowPackets), in_flight_pkts: count(link.telemetry.inFlightPackets) }
      : {}),
  }));
};
