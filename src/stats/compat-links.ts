import type { DataPlaneSnapshot } from '../data-plane/snapshot.ts';
import { AddressMask } from '../shared/masked-address.ts';
import { type AddressView, publicStreamName } from '../shared/redact.ts';
import type { GroupSnapshot, LinkRoundTrip, LinkSnapshot } from '../srtla/types.ts';
import type { CarrierDatabase, LinkKind } from './carrier.ts';
import { carrierFields, type LinkNames } from './link-names.ts';
import { count, decimal, int32, wholeSeconds } from './numbers.ts';
import { sharePercentages } from './shares.ts';

/*
 * Statistics of links, in the shape that the Telemy plugin and control plane read, with fields of our own added.
 */

export interface LinkAnswer {
  addr: string;
  /** See `NamedLink`: always there, because the plugin shows `addr` in its place. */
  asn_org: string;
  asn?: number;
  label: string;
  kind: LinkKind;
  country?: string;
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
  /** What the licence of the data wants to be shown with it; of each database one line. Only beside groups. */
  attribution?: string[];
}

export interface LinksQuestion {
  mode: 'auto' | 'byor' | 'managed';
  publisherCount: number;
  publisherOfPlayer: (playerId: string) => string | undefined;
  /** The caller has a key, or a trusted address: it may see publisher ids. */
  privileged: boolean;
  /** How it sees client addresses. */
  addresses: AddressView;
  /** The id that the caller sent: a publisher or player id. */
  streamId: string | undefined;
  names: LinkNames;
  databases: readonly CarrierDatabase[];
}

/** Whether links of streams that were not named are shown to whoever has no right of his own. */
export const showsAllLinks = ({ mode, publisherCount }: Pick<LinksQuestion, 'mode' | 'publisherCount'>): boolean =>
  mode === 'byor' || (mode === 'auto' && publisherCount <= 1);

/** What a caller gets to see: which groups, under which name, with whole addresses or masked ones. */
export const linksAnswer = (snapshot: Pick<DataPlaneSnapshot, 'srtla'>, question: LinksQuestion): LinksAnswer => {
  const { privileged, streamId, databases } = question;
  const all = snapshot.srtla.groups;
  if (streamId !== undefined) {
    const owner = question.publisherOfPlayer(streamId);
    const groups = all.filter((group) => group.streamId === (owner ?? streamId));
    return answered(
      sortedGroups(groups, () => streamId, question),
      databases,
    );
  }
  const isOpen = privileged || showsAllLinks(question);
  return answered(sortedGroups(isOpen ? all : [], privileged ? (id) => id : publicStreamName, question), databases);
};

/** An idle node's answer is `{"groups":[]}`, to the byte. */
const answered = (groups: GroupAnswer[], databases: readonly CarrierDatabase[]): LinksAnswer =>
  groups.length === 0 || databases.length === 0
    ? { groups }
    : { groups, attribution: databases.map(({ attribution }) => attribution) };

/** The plugin takes the first group: the one with the most traffic. */
const sortedGroups = (
  groups: readonly GroupSnapshot[],
  nameOf: (publisherId: string) => string,
  question: LinksQuestion,
): GroupAnswer[] =>
  [...groups]
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
      connections: linksOf(group, question),
    }));

const linksOf = (group: GroupSnapshot, { addresses, names }: LinksQuestion): LinkAnswer[] => {
  const shares = sharePercentages(group.links.map((link) => link.windowBytes));
  const mask = new AddressMask(addresses);
  const named = names.of(group);
  return group.links.map((link, index) => ({
    addr: mask.mask(link.address, link.port),
    asn_org: named[index]!.name,
    ...carrierFields(named[index]!),
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
    lost_pkts: count(link.lostPackets - link.falselyLostPackets),
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
