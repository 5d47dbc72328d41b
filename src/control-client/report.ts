import { isIPv6 } from 'node:net';
import {
  type Ingest,
  type LinkReport,
  type LinksRequest,
  linkReportSchema,
  type Place,
} from '../control-plane/protocol.ts';
import type { DataPlaneSnapshot } from '../data-plane/snapshot.ts';
import type { Millis } from '../shared/clock.ts';
import type { GroupSnapshot } from '../srtla/types.ts';
import type { LinkAnswer } from '../stats/compat-links.ts';
import type { SessionBytes } from './monthly-traffic.ts';

/** UDP and IPv4, of each datagram. SRT's own totals have them in. */
const HEADER_BYTES = 28;
/** What IPv6's header is longer. */
const IPV6_MORE_BYTES = 20;
/** An acknowledgement of SRTLA or SRT with its headers: nearly all of what goes back over links. */
const ANSWER_BYTES = 44 + HEADER_BYTES;

const RTT_KNOWN_AFTER_MS: Millis = 5_000;

const longerBytes = (address: string): number => (isIPv6(address) ? IPV6_MORE_BYTES : 0);

const whole = (value: number): number => Math.max(0, Math.round(value));

/** Who is sending; of two publishers of one id the one that has sent last. */
export const ingestsOf = (
  { publishers, srtla }: Pick<DataPlaneSnapshot, 'publishers' | 'srtla'>,
  placeOf: (group: GroupSnapshot) => Place | undefined,
): Ingest[] => {
  const byId = new Map<string, Ingest>();
  for (const { publisherId, source, group: groupId, uptimeMs, bitrateKbps, lastPayloadMs, stats } of publishers) {
    // It sends to another node, which reports it.
    if (source === 'pull') continue;
    const before = byId.get(publisherId);
    if (before && before.lastPayloadMs <= lastPayloadMs) continue;
    const group = srtla.groups.find(({ id }) => id === groupId);
    const place = group && placeOf(group);
    byId.set(publisherId, {
      publisher: publisherId,
      source,
      uptimeMs: whole(uptimeMs),
      bitrateKbps: whole(bitrateKbps),
      lastPayloadMs: whole(lastPayloadMs),
      // Before the first acknowledgement was answered libsrt says 100 ms, of which nothing is true.
      ...(uptimeMs > RTT_KNOWN_AFTER_MS && Number.isFinite(stats.rttMs)
        ? { rttMs: Math.min(Math.max(0, stats.rttMs), 60_000) }
        : {}),
      ...(place ? { place } : {}),
    });
  }
  return [...byId.values()];
};

/**
 * What every session has moved; a bonded publisher's bytes are those of its links. What goes back over links is counted in datagrams, and
 * estimated from that.
 */
export const sessionBytesOf = ({
  srtla,
  publishers,
  players,
  uptimeMs,
  counters,
}: Pick<DataPlaneSnapshot, 'srtla' | 'publishers' | 'players' | 'uptimeMs' | 'counters'>): SessionBytes[] => [
  { key: 'to links', uptimeMs, receivedBytes: 0, sentBytes: (counters.toLinks ?? 0) * ANSWER_BYTES },
  ...srtla.groups.flatMap(({ id, links }) =>
    links.map(({ address, port, uptimeMs, bytes, packets }) => ({
      ...{ key: `link ${id} ${address} ${port}`, uptimeMs, sentBytes: 0 },
      receivedBytes: bytes + packets * (HEADER_BYTES + longerBytes(address)),
    })),
  ),
  ...publishers
    .filter(({ source }) => source !== 'srtla')
    .map(({ publisherId, address, uptimeMs, stats }) => ({
      ...{ key: `publisher ${publisherId} ${address}`, uptimeMs, sentBytes: 0 },
      receivedBytes: stats.byteRecvTotal + stats.pktRecvTotal * longerBytes(address),
    })),
  ...players.map(({ key, address, uptimeMs, stats }) => ({
    ...{ key: `player ${key}`, uptimeMs, receivedBytes: 0 },
    sentBytes: stats.byteSentTotal + stats.pktSentTotal * longerBytes(address),
  })),
];

/** Members that a plane knows; the rest of a node's own statistics stays at home. */
const reported = (link: LinkAnswer): LinkReport | undefined => linkReportSchema.safeParse(link).data;

/** Every bonded stream, with its links as a stranger sees them: addresses masked. */
export const linkStreamsOf = (
  snapshot: Pick<DataPlaneSnapshot, 'publishers' | 'srtla'>,
  linksOf: (publisherId: string) => readonly LinkAnswer[],
): LinksRequest['streams'] => {
  const ids = new Set(
    snapshot.srtla.groups.flatMap(({ sessionAccepted, streamId }) =>
      sessionAccepted && streamId !== undefined ? [streamId] : [],
    ),
  );
  return [...ids].map((publisher) => ({
    publisher,
    bitrateKbps: whole(
      snapshot.publishers
        .filter(({ publisherId }) => publisherId === publisher)
        .reduce((most, { bitrateKbps }) => Math.max(most, bitrateKbps), 0),
    ),
    connections: linksOf(publisher).flatMap((link) => reported(link) ?? []),
  }));
};

/** Tells each stream once more, without links, after it has gone. */
export class LinkReporter {
  #before: readonly string[] = [];

  /** @returns undefined where there is nothing to tell */
  next(streams: LinksRequest['streams']): LinksRequest | undefined {
    const present = new Set(streams.map(({ publisher }) => publisher));
    const gone = this.#before.filter((publisher) => !present.has(publisher));
    this.#before = [...present];
    const all = [...streams, ...gone.map((publisher) => ({ publisher, bitrateKbps: 0, connections: [] }))];
    return all.length > 0 ? { streams: all } : undefined;
  }
}
