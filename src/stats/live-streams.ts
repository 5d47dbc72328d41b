import type { DataPlaneSnapshot, PlayerSnapshot, PublisherSnapshot } from '../data-plane/snapshot.ts';
import { AddressMask, maskedAddress } from '../shared/masked-address.ts';
import { type AddressView, publicStreamName } from '../shared/redact.ts';
import type { StreamDirectory } from '../sls-bridge/directory.ts';
import { carrierFields, type LinkNames } from './link-names.ts';
import { decimal, int32 } from './numbers.ts';
import type { QualityView } from './quality-view.ts';
import { sorted } from './sorted.ts';
import { shown } from './timeline.ts';

/** What there is, and how the caller sees it. */
export interface LiveView {
  readonly snapshot: DataPlaneSnapshot;
  readonly directory: StreamDirectory;
  readonly names: LinkNames;
  readonly addresses: AddressView;
  readonly quality: (publisherId: string) => QualityView | undefined;
}

/** What is live, for callers with a key: publisher ids are in it. */
export const liveStreams = (view: LiveView): object[] => {
  const { snapshot } = view;
  const ids = new Set([...snapshot.publishers, ...snapshot.players].map(({ publisherId }) => publisherId));
  return [...ids].map((id) => liveStream(view, id));
};

/** One stream, with nobody on it too. */
export const liveStream = (view: LiveView, publisherId: string): object => {
  const { snapshot, directory } = view;
  const rows = directory.playersOf(publisherId);
  const leavingUntil = rows.map((row) => directory.leavingUntil(row.player)).find((until) => until !== undefined);
  return sorted({
    publisher: publisherId,
    name: publicStreamName(publisherId),
    label: rows.find((row) => row.label !== undefined)?.label,
    // Unix ms at which a deleted id is over.
    leavingUntil,
    publishers: snapshot.publishers.filter((one) => one.publisherId === publisherId).map((one) => live(view, one)),
    players: snapshot.players.filter((one) => one.publisherId === publisherId).map((one) => player(one, view)),
  });
};

/** While one takes over from another there are two. */
const live = ({ snapshot, names, addresses, quality }: LiveView, publisher: PublisherSnapshot): object => {
  const now = shown(publisher);
  const group = snapshot.srtla.groups.find(({ id }) => id === publisher.group);
  const mask = new AddressMask(addresses);
  return sorted({
    address: maskedAddress(publisher.address, addresses),
    bitrateKbps: int32(now?.bitrateKbps ?? 0),
    encrypted: publisher.encrypted,
    lastPayloadMs: int32(publisher.lastPayloadMs),
    latencyMs: int32(publisher.latencyMs),
    // In the order of `links`.
    carriers: group && names.of(group).map((named) => sorted(carrierFields(named))),
    quality: quality(publisher.publisherId),
    links: group?.links.map((link) => mask.mask(link.address, link.port)),
    rttMs: decimal(publisher.stats.rttMs),
    source: publisher.source,
    state: now ? (now.stalled ? 'stalled' : 'live') : 'gone',
    uptimeMs: int32(publisher.uptimeMs),
    warnings: publisher.warnings,
  });
};

const player = (one: PlayerSnapshot, { addresses }: LiveView): object =>
  sorted({
    address: new AddressMask(addresses).mask(one.address, one.port),
    droppedMessages: int32(one.droppedMessages),
    key: one.key,
    latencyMs: int32(one.latencyMs),
    player: one.playerId,
    rttMs: decimal(one.stats.rttMs),
    state: one.state,
    uptimeMs: int32(one.uptimeMs),
  });
