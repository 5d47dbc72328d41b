import type { DataPlaneSnapshot, PlayerSnapshot, PublisherSnapshot } from '../data-plane/snapshot.ts';
import type { HookFacts } from '../hooks/web-hooks.ts';
import type { StreamQuality } from '../quality/types.ts';
import type { LoopHealth } from '../shared/loop-health.ts';
import type { GroupSnapshot, LinkSnapshot } from '../srtla/types.ts';
import type { CarrierLookup } from './carrier.ts';
import type { ControlStatus } from './control-status.ts';
import type { QualityLookup } from './deps.ts';
import type { EventCounts } from './event-counts.ts';
import type { LabelBook } from './label-book.ts';
import type { MetricsChoice } from './metrics-choice.ts';
import type { Labels } from './metrics-definition.ts';
import type { PlayerTotals, Sent } from './player-totals.ts';

/** A stream as it is shown: under its public name. */
export interface StreamView {
  readonly labels: Labels;
  /** The one whose payload came last; undefined while only players are there. */
  readonly publisher: PublisherSnapshot | undefined;
  /** What it comes through, where it is bonded. */
  readonly group: GroupSnapshot | undefined;
  readonly players: readonly PlayerSnapshot[];
  /** Undefined where it is not judged. */
  readonly quality: StreamQuality | undefined;
  /** To all players that the stream has had since it was first seen. */
  readonly sent: Sent;
  /** How often what has happened, by type. */
  readonly events: ReadonlyMap<string, number>;
}

export interface LinkView {
  /** The stream, and 8 hex digits that stay while the link lasts, and are no address. */
  readonly labels: Labels;
  readonly link: LinkSnapshot;
}

/** How the node stands with its control plane. */
export type ControlFacts = Readonly<Pick<ControlStatus, 'state' | 'silentMs' | 'held' | 'refusedRemovals'>>;

export const CONTROL_STATES = ['enrolling', 'online', 'degraded', 'offline'] as const;

/** What of the node cannot be read from a snapshot. */
export interface NodeFacts {
  readonly version: string;
  readonly draining: boolean;
  /** 0 to 100. */
  readonly score: number;
  /** Of the main thread. */
  readonly loop: LoopHealth;
  readonly carriers: CarrierLookup;
  readonly events: EventCounts;
  readonly quality: QualityLookup;
  /** Undefined where nobody is told anything. */
  readonly hooks: HookFacts | undefined;
  /** Undefined where no control plane governs the node. */
  readonly control: ControlFacts | undefined;
  /** What the last scrape has cost the main thread, ms; undefined before the first. */
  readonly lastScrapeMs: number | undefined;
}

/** Everything that one scrape shows, of one moment. */
export interface MetricsView {
  readonly snapshot: DataPlaneSnapshot;
  readonly node: NodeFacts;
  readonly streams: readonly StreamView[];
  readonly links: readonly LinkView[];
  /** There, and past the caps. */
  readonly omitted: { readonly streams: number; readonly links: number };
}

/** All of one publisher id. */
export interface StreamParts {
  publisher: PublisherSnapshot | undefined;
  group: GroupSnapshot | undefined;
  readonly players: PlayerSnapshot[];
}

/** What belongs together, by publisher id. Groups that no session was accepted of belong to nobody. */
export const streamParts = ({ publishers, players, srtla }: DataPlaneSnapshot): Map<string, StreamParts> => {
  const all = new Map<string, StreamParts>();
  const partsOf = (id: string): StreamParts => {
    let parts = all.get(id);
    if (!parts) {
      parts = { publisher: undefined, group: undefined, players: [] };
      all.set(id, parts);
    }
    return parts;
  };
  for (const one of publishers) {
    const parts = partsOf(one.publisherId);
    if (!parts.publisher || one.lastPayloadMs < parts.publisher.lastPayloadMs) parts.publisher = one;
  }
  for (const group of srtla.groups) {
    if (!group.sessionAccepted || group.streamId === undefined) continue;
    const parts = partsOf(group.streamId);
    if (isBetter(group, parts)) parts.group = group;
  }
  for (const player of players) partsOf(player.publisherId).players.push(player);
  return all;
};

/** While an encoder changes over there may be two groups: that of the publisher counts, else the younger one. */
const isBetter = (group: GroupSnapshot, { group: other, publisher }: StreamParts): boolean =>
  other === undefined ||
  group.id === publisher?.group ||
  (other.id !== publisher?.group && group.uptimeMs < other.uptimeMs);

/** What one scrape leaves behind for the next. */
export interface ScrapeMemory {
  /** What was shown. */
  readonly choice: MetricsChoice;
  readonly labels: LabelBook;
  /** Grow by what players have got since the last view. */
  readonly totals: PlayerTotals;
}

export const metricsView = (
  snapshot: DataPlaneSnapshot,
  node: NodeFacts,
  { choice, labels, totals }: ScrapeMemory,
): MetricsView => {
  const parts = streamParts(snapshot);
  totals.take(parts);
  labels.begin();
  const streams: StreamView[] = [];
  const links: LinkView[] = [];
  const names = new Set<string>();
  let linksThere = 0;
  for (const { group } of parts.values()) linksThere += group?.links.length ?? 0;
  for (const [id, { publisher, group, players }] of choice.streams(parts)) {
    const ofStream = labels.stream(id);
    const name = ofStream.stream!;
    // Six hex digits: two of thousands may be named alike, and a scrape may not name anything twice.
    if (names.has(name)) continue;
    names.add(name);
    streams.push({
      ...{ labels: ofStream, publisher, group, players, sent: totals.of(id), events: node.events.of(id) },
      quality: publisher && node.quality(id),
    });
    if (!group || links.length + group.links.length > choice.maxLinks) continue;
    const taken = new Set<string>();
    for (const link of group.links) links.push({ labels: labels.link(name, group, link, taken), link });
  }
  return {
    snapshot,
    node,
    streams,
    links,
    omitted: { streams: parts.size - streams.length, links: linksThere - links.length },
  };
};
