import type { DataPlaneSnapshot } from '../data-plane/snapshot.ts';
import { formatEndpoint } from '../shared/address.ts';
import { publicStreamName } from '../shared/redact.ts';
import type { GroupSnapshot, LinkSnapshot } from '../srtla/types.ts';
import { AddressMask } from './masked-address.ts';
import { count, decimal, int32, wholeSeconds } from './numbers.ts';
import { sharePercentages } from './shares.ts';

/*
 * Statistics of links, in the shape that the Telemy plugin and control plane read, with `bitrate_kbps`, `state` and `rtt_ms` added.
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
  state: LinkSnapshot['state'];
  /** As the sender measured it, where it tells. */
  rtt_ms?: number;
}

export interface GroupAnswer {
  id: string;
  stream_id: string;
  conn_count: number;
  total_bytes: number;
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
    state: link.state,
    ...(link.telemetry ? { rtt_ms: decimal(link.telemetry.rttMs) } : {}),
  }));
};
