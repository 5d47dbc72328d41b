import type { DataPlaneSnapshot, PlayerSnapshot, PublisherSnapshot } from '../data-plane/snapshot.ts';
import { formatEndpoint } from '../shared/address.ts';
import { publicStreamName } from '../shared/redact.ts';
import type { StreamDirectory } from '../sls-bridge/directory.ts';
import { decimal, int32 } from './numbers.ts';
import { sorted } from './sorted.ts';
import { shown } from './timeline.ts';

/** What is live, for callers with a key: publisher ids and addresses are in it. */
export const liveStreams = (snapshot: DataPlaneSnapshot, directory: StreamDirectory): object[] => {
  const ids = new Set([...snapshot.publishers, ...snapshot.players].map(({ publisherId }) => publisherId));
  return [...ids].map((id) => liveStream(snapshot, directory, id));
};

/** One stream, with nobody on it too. */
export const liveStream = (snapshot: DataPlaneSnapshot, directory: StreamDirectory, publisherId: string): object => {
  const rows = directory.playersOf(publisherId);
  const leavingUntil = rows.map((row) => directory.leavingUntil(row.player)).find((until) => until !== undefined);
  return sorted({
    publisher: publisherId,
    name: publicStreamName(publisherId),
    label: rows.find((row) => row.label !== undefined)?.label,
    // Unix ms at which a deleted id is over.
    leavingUntil,
    publishers: snapshot.publishers.filter((one) => one.publisherId === publisherId).map((one) => live(snapshot, one)),
    players: snapshot.players.filter((one) => one.publisherId === publisherId).map(player),
  });
};

/** While one takes over from another there are two. */
const live = ({ srtla }: DataPlaneSnapshot, publisher: PublisherSnapshot): object => {
  const now = shown(publisher);
  const group = srtla.groups.find(({ id }) => id === publisher.group);
  return sorted({
    address: publisher.address,
    bitrateKbps: int32(now?.bitrateKbps ?? 0),
    encrypted: publisher.encrypted,
    lastPayloadMs: int32(publisher.lastPayloadMs),
    latencyMs: int32(publisher.latencyMs),
    links: group?.links.map((link) => formatEndpoint(link.address, link.port)),
    rttMs: decimal(publisher.stats.rttMs),
    source: publisher.source,
    state: now ? (now.stalled ? 'stalled' : 'live') : 'gone',
    uptimeMs: int32(publisher.uptimeMs),
    warnings: publisher.warnings,
  });
};

const player = (one: PlayerSnapshot): object =>
  sorted({
    address: formatEndpoint(one.address, one.port),
    droppedMessages: int32(one.droppedMessages),
    key: one.key,
    latencyMs: int32(one.latencyMs),
    player: one.playerId,
    rttMs: decimal(one.stats.rttMs),
    state: one.state,
    uptimeMs: int32(one.uptimeMs),
  });
