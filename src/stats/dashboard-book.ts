import type { DataPlaneSnapshot, PlayerSnapshot, PublisherSnapshot } from '../data-plane/snapshot.ts';
import type { Millis } from '../shared/clock.ts';
import { publicStreamName } from '../shared/redact.ts';
import type { GroupSnapshot } from '../srtla/types.ts';
import { LinkSlots } from './dashboard-links.ts';
import { PacketMeter } from './dashboard-meter.ts';
import { Rings, STEP_MS, STEPS } from './dashboard-rings.ts';
import type { HistoryView, TrailsView } from './dashboard-types.ts';
import type { LinkNames } from './link-names.ts';
import { shown } from './timeline.ts';

const STREAM_FIELDS = ['kbps', 'rttMs', 'bufferMs', 'lossPct', 'resentPct', 'dropped'] as const;
const LINK_FIELDS = ['kbps', 'rttMs', 'jitterMs', 'lossPct'] as const;
type StreamRings = Rings<(typeof STREAM_FIELDS)[number]>;
type LinkRings = Rings<(typeof LINK_FIELDS)[number]>;

/** Streams with a history; the one that has been quiet for longest makes room. 2.8 MB. */
export const MAX_STREAMS = 128;
/** Links with a history, of all streams; those beyond have none. 7.4 MB. */
export const MAX_LINK_HISTORIES = 512;

const TRAIL_STEPS = 60_000 / STEP_MS;

/** What is remembered of a stream from one look to the next. */
export class StreamRecord {
  readonly publisherId: string;
  readonly name: string;
  readonly slots = new LinkSlots();
  readonly meter = new PacketMeter();
  readonly rings: StreamRings = new Rings(STREAM_FIELDS);
  /** By slot. */
  readonly linkRings = new Map<number, LinkRings>();
  /** The one whose payload came last; undefined while there are players only. */
  publisher: PublisherSnapshot | undefined;
  players: readonly PlayerSnapshot[] = [];
  /** Lost for good, as of the last step. */
  droppedBefore: number | undefined;
  seenMs: Millis = 0;

  constructor(publisherId: string) {
    this.publisherId = publisherId;
    this.name = publicStreamName(publisherId);
  }

  get isThere(): boolean {
    return this.publisher !== undefined || this.players.length > 0;
  }
}

const groupBy = <T>(items: readonly T[], keyOf: (item: T) => string): Map<string, T[]> => {
  const groups = new Map<string, T[]>();
  for (const item of items) {
    const key = keyOf(item);
    const group = groups.get(key);
    if (group) group.push(item);
    else groups.set(key, [item]);
  }
  return groups;
};

const freshest = (publishers: readonly PublisherSnapshot[]): PublisherSnapshot | undefined =>
  publishers.reduce<PublisherSnapshot | undefined>(
    (best, one) => (!best || one.lastPayloadMs < best.lastPayloadMs ? one : best),
    undefined,
  );

/** What only repeated looks at the snapshot can tell: which lane belongs to which link, losses of the last 10 s, the last half hour. */
export class StreamBook {
  /** First seen first: cards keep their places. */
  readonly #records = new Map<string, StreamRecord>();
  #step = 0;

  get records(): readonly StreamRecord[] {
    return [...this.#records.values()];
  }

  /** @param publisherId a secret */
  of(publisherId: string): StreamRecord | undefined {
    return this.#records.get(publisherId);
  }

  /** A look. @param now of a clock that does not jump */
  observe(snapshot: DataPlaneSnapshot, names: LinkNames, now: Millis): void {
    const publishers = groupBy(snapshot.publishers, (one) => one.publisherId);
    const players = groupBy(snapshot.players, (one) => one.publisherId);
    const groups = new Map(snapshot.srtla.groups.map((group) => [group.id, group]));
    for (const id of [...publishers.keys(), ...players.keys()]) if (!this.#records.has(id)) this.#enter(id);
    for (const record of this.#records.values()) {
      const own = publishers.get(record.publisherId) ?? [];
      record.publisher = freshest(own);
      record.players = players.get(record.publisherId) ?? [];
      const ownGroups = own.flatMap(({ group }) => (group === undefined ? [] : (groups.get(group) ?? [])));
      record.slots.observe(ownGroups, names, now);
      if (record.publisher) this.#count(record, record.publisher, ownGroups, now);
      if (record.isThere) record.seenMs = now;
    }
  }

  /** Writes down the last look as the numbers of this step, where it is a new one. */
  record(now: Millis): void {
    const step = Math.floor(now / STEP_MS);
    if (step <= this.#step) return;
    this.#step = step;
    const isOld = (record: StreamRecord): boolean => !record.isThere && !record.rings.isCurrent(step);
    for (const record of [...this.#records.values()]) {
      if (isOld(record)) this.#records.delete(record.publisherId);
      else if (record.publisher) this.#write(record, record.publisher, step, now);
      for (const [slot, rings] of record.linkRings) if (!rings.isCurrent(step)) record.linkRings.delete(slot);
      record.slots.forget(now - STEPS * STEP_MS);
    }
  }

  history(record: StreamRecord, unixMs: number): HistoryView {
    const labels = new Map(record.slots.all.map(({ slot, named }) => [slot, named.label]));
    const read = (field: (typeof STREAM_FIELDS)[number]) => record.rings.read(field, this.#step);
    const links = [...record.linkRings].sort(([a], [b]) => a - b);
    return {
      stepMs: STEP_MS,
      endMs: unixMs,
      kbps: read('kbps'),
      rttMs: read('rttMs'),
      bufferMs: read('bufferMs'),
      lossPct: read('lossPct'),
      resentPct: read('resentPct'),
      dropped: read('dropped'),
      links: links.map(([slot, rings]) => ({
        slot,
        label: labels.get(slot) ?? `Link-${slot + 1}`,
        kbps: rings.read('kbps', this.#step),
        rttMs: rings.read('rttMs', this.#step),
        jitterMs: rings.read('jitterMs', this.#step),
        lossPct: rings.read('lossPct', this.#step),
      })),
    };
  }

  /** The last minute of a stream. */
  trail({ name, rings, linkRings }: StreamRecord): TrailsView[number] {
    const kbps = (of: Rings<'kbps'>): number[] =>
      of.read('kbps', this.#step, TRAIL_STEPS).map((value) => Math.round(value ?? 0));
    const links = [...linkRings].map(([slot, ofLink]) => ({ slot, kbps: kbps(ofLink as Rings<'kbps'>) }));
    return { name, total: kbps(rings as Rings<'kbps'>), links };
  }

  #enter(publisherId: string): void {
    if (this.#records.size >= MAX_STREAMS) {
      const quietest = this.records.filter(({ isThere }) => !isThere).sort((a, b) => a.seenMs - b.seenMs)[0];
      if (!quietest) return;
      this.#records.delete(quietest.publisherId);
    }
    this.#records.set(publisherId, new StreamRecord(publisherId));
  }

  #count(record: StreamRecord, { stats }: PublisherSnapshot, groups: readonly GroupSnapshot[], now: Millis): void {
    const exact = groups.filter(({ lossesExact }) => lossesExact);
    const lost = exact.reduce((sum, { losses }) => sum + losses.lost - losses.falselyLost, 0);
    record.meter.look(
      {
        received: stats.pktRecvTotal,
        lost: exact.length > 0 ? lost : stats.pktRcvLossTotal,
        dropped: stats.pktRcvDropTotal,
        resent: stats.pktRcvRetransTotal,
      },
      now,
    );
  }

  #write(record: StreamRecord, publisher: PublisherSnapshot, step: number, now: Millis): void {
    const { stats } = publisher;
    const { lossPct, resentPct } = record.meter.rates;
    const dropped = Math.max(0, stats.pktRcvDropTotal - (record.droppedBefore ?? stats.pktRcvDropTotal));
    record.droppedBefore = stats.pktRcvDropTotal;
    const kbps = shown(publisher)?.bitrateKbps ?? 0;
    record.rings.write(step, { kbps, rttMs: stats.rttMs, bufferMs: stats.rcvBufMs, lossPct, resentPct, dropped });
    for (const { slot, link, meter, seenMs } of record.slots.all) {
      if (seenMs < now - STEP_MS) continue;
      const rings = record.linkRings.get(slot) ?? this.#newRings(record, slot);
      rings?.write(step, {
        kbps: link.bitrate1sKbps,
        rttMs: link.roundTrip?.ms ?? Number.NaN,
        jitterMs: link.jitterMs ?? Number.NaN,
        lossPct: meter.rates.lossPct,
      });
    }
  }

  #newRings(record: StreamRecord, slot: number): LinkRings | undefined {
    const count = this.records.reduce((sum, { linkRings }) => sum + linkRings.size, 0);
    if (count >= MAX_LINK_HISTORIES) return undefined;
    const rings: LinkRings = new Rings(LINK_FIELDS);
    record.linkRings.set(slot, rings);
    return rings;
  }
}
