import type { z } from 'zod';
import type { PlayerSnapshot, PublisherSnapshot } from '../../data-plane/snapshot.ts';
import { sharedSources, totalLatencyMs } from '../../shared/latency-budget.ts';
import { AddressMask, maskedAddress } from '../../shared/masked-address.ts';
import { type AddressView, publicStreamName } from '../../shared/redact.ts';
import type { Row } from '../../sls-bridge/directory.ts';
import type { GroupSnapshot } from '../../srtla/types.ts';
import { labelOf } from '../dashboard-view.ts';
import type { StatsDeps } from '../deps.ts';
import type { ListedKey } from '../key-store.ts';
import type { NodeWatch } from '../node-watch.ts';
import { count, decimal } from '../numbers.ts';
import { qualityView } from '../quality-view.ts';
import { sharePercentages } from '../shares.ts';
import { shown, shownPublisher } from '../timeline.ts';
import type * as schemas from './schemas.ts';

type Shape<T extends keyof typeof schemas> = (typeof schemas)[T] extends z.ZodType
  ? z.output<(typeof schemas)[T]>
  : never;

const orNull = <T, R>(value: T | undefined, shown: (value: T) => R): R | null =>
  value === undefined ? null : shown(value);

export const linkViews = (group: GroupSnapshot, { linkNames }: StatsDeps, addresses: AddressView): Shape<'Link'>[] => {
  const mask = new AddressMask(addresses);
  const named = linkNames.of(group);
  const shares = sharePercentages(group.links.map(({ windowBytes }) => windowBytes));
  return group.links.map((link, index) => ({
    address: mask.mask(link.address, link.port),
    label: named[index]!.label,
    kind: named[index]!.carrier?.kind ?? 'unknown',
    country: named[index]!.carrier?.country ?? null,
    asn: named[index]!.carrier?.asn ?? null,
    state: link.state,
    sharePct: shares[index]!,
    bitrateKbps: decimal(link.bitrateKbps),
    rttMs: orNull(link.roundTrip, ({ ms }) => decimal(ms)),
    rttSource: link.roundTrip?.source ?? null,
    jitterMs: orNull(link.jitterMs, decimal),
    skewMs: orNull(link.skewMs, decimal),
    reorderMs: decimal(link.reorderMs),
    bytes: count(link.bytes),
    packets: count(link.packets),
    lostPackets: count(link.lostPackets - link.falselyLostPackets),
    retransmittedPackets: count(link.retransmittedPackets),
    duplicatePackets: count(link.duplicatePackets),
    rebinds: count(link.rebinds),
    windowPackets: orNull(link.telemetry, ({ windowPackets }) => decimal(windowPackets)),
    inFlightPackets: orNull(link.telemetry, ({ inFlightPackets }) => count(inFlightPackets)),
    lastHeardMs: decimal(link.lastHeardMs),
    uptimeMs: decimal(link.uptimeMs),
  }));
};

const publisherView = (one: PublisherSnapshot, deps: StatsDeps, addresses: AddressView): Shape<'Publisher'> => {
  const { stats } = one;
  const now = shown(one);
  const group = deps.snapshot().srtla.groups.find(({ id }) => id === one.group);
  return {
    source: one.source,
    address: maskedAddress(one.address, addresses),
    state: now ? (now.stalled ? 'stalled' : 'live') : 'gone',
    encrypted: one.encrypted,
    bitrateKbps: decimal(now?.bitrateKbps ?? 0),
    rttMs: decimal(stats.rttMs),
    latencyMs: decimal(one.latencyMs),
    bufferMs: decimal(stats.rcvBufMs),
    payloadBytes: count(one.payloadBytes),
    messages: count(one.messages),
    receivedPackets: count(stats.pktRecvTotal),
    lostPackets: count(stats.pktRcvLossTotal),
    retransmittedPackets: count(stats.pktRcvRetransTotal),
    droppedPackets: count(stats.pktRcvDropTotal),
    continuityErrors: count(one.continuityErrors),
    lastPayloadMs: decimal(one.lastPayloadMs),
    uptimeMs: decimal(one.uptimeMs),
    warnings: [...one.warnings],
    group: one.group ?? null,
    links: group ? linkViews(group, deps, addresses) : [],
  };
};

const playerView = (
  one: PlayerSnapshot,
  publisher: PublisherSnapshot | undefined,
  deps: StatsDeps,
  addresses: AddressView,
): Shape<'Player'> => ({
  key: one.key,
  player: one.playerId,
  address: new AddressMask(addresses).mask(one.address, one.port),
  state: one.state,
  latencyMs: decimal(one.latencyMs),
  totalLatencyMs: orNull(publisher, ({ source, latencyMs }) => {
    const { latency, srt } = deps.settings;
    return decimal(totalLatencyMs(sharedSources(latency.mode, srt.engine)[source], latencyMs, one.latencyMs));
  }),
  rttMs: decimal(one.stats.rttMs),
  bufferMs: decimal(one.stats.sndBufMs),
  sentMessages: count(one.sentMessages),
  droppedMessages: count(one.droppedMessages),
  retransmittedPackets: count(one.stats.pktRetransTotal),
  uptimeMs: decimal(one.uptimeMs),
});

export const streamView = (id: string, deps: StatsDeps, addresses: AddressView): Shape<'Stream'> => {
  const { directory, quality, clock } = deps;
  const snapshot = deps.snapshot();
  const publishers = snapshot.publishers.filter(({ publisherId }) => publisherId === id);
  const players = snapshot.players.filter(({ publisherId }) => publisherId === id);
  const live = shownPublisher(snapshot, id);
  const leaving = directory
    .playersOf(id)
    .map(({ player }) => directory.leavingUntil(player))
    .find((until) => until !== undefined);
  return {
    id,
    name: publicStreamName(id),
    label: labelOf(directory, id) ?? null,
    state:
      publishers.length > 0 ? (live && !live.stalled ? 'live' : 'stalled') : players.length > 0 ? 'waiting' : 'idle',
    quality: (publishers.length > 0 && qualityView(quality(id), clock())) || null,
    publishers: publishers.map((one) => publisherView(one, deps, addresses)),
    players: players.map((one) => playerView(one, live?.publisher, deps, addresses)),
    leavingUntilMs: leaving ?? null,
  };
};

export const groupView = (group: GroupSnapshot, deps: StatsDeps, addresses: AddressView): Shape<'Group'> => ({
  id: group.id,
  stream: group.streamId ?? null,
  isAccepted: group.sessionAccepted,
  bytes: count(group.totalBytes),
  lostPackets: count(group.losses.lost - group.losses.falselyLost),
  repairedPackets: count(group.losses.repaired),
  unrepairedPackets: count(group.losses.unrepaired),
  duplicatePackets: count(group.losses.duplicates),
  rebinds: count(group.rebinds),
  lastHeardMs: decimal(group.lastHeardMs),
  uptimeMs: decimal(group.uptimeMs),
  links: linkViews(group, deps, addresses),
});

export const streamIdView = (row: Row, unixNow: number): Shape<'StreamId'> => ({
  publisher: row.publisher,
  player: row.player,
  label: row.label ?? null,
  description: row.description || null,
  maxPlayers: row.maxPlayers ?? null,
  maxBitrateKbps: row.maxBitrateKbps ?? null,
  latencyMs: row.latencyMs ?? null,
  playerLatencyMs: row.playerLatencyMs ?? null,
  expiresAtMs: row.expiresAt ?? null,
  isExpired: row.expiresAt !== undefined && row.expiresAt <= unixNow,
  isEncrypted: row.passphrase !== undefined,
  owner: row.owner ?? 'local',
});

export const keyView = ({ id, name, permissions, created, lastUsed, preset }: ListedKey): Shape<'Key'> => ({
  ...{ id, name, permissions, createdAt: created ?? null, lastUsedAt: lastUsed ?? null, isPreset: preset },
});

export const nodeView = (deps: StatsDeps, watch: NodeWatch): Shape<'Node'> => {
  const { counters, ports, publishers, players, srtla, srtVersion, uptimeMs } = deps.snapshot();
  const control = deps.controlStatus();
  const reasons = watch.notReady;
  return {
    version: deps.version,
    srtVersion,
    srtPackage: deps.srtPackage ?? null,
    uptimeMs: decimal(uptimeMs),
    isUp: counters.dataPlaneUp !== 0,
    dataPlaneRestarts: count(counters.dataPlaneRestarts ?? 0),
    isReady: reasons.length === 0,
    notReady: [...reasons],
    isDraining: watch.draining,
    score: watch.score,
    ports: { srtla: [...ports.srtla], publish: ports.publish, play: ports.play },
    publishers: publishers.length,
    players: players.length,
    groups: srtla.groups.length,
    controlPlane: control ? { state: control.state, problem: control.problem ?? null } : null,
  };
};
