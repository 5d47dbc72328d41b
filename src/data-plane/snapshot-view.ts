import { SRT_STATS_FIELDS } from '../shared/addon.ts';
import type { Millis } from '../shared/clock.ts';
import { type GroupSnapshot, type LinkRoundTrip, type LinkSnapshot, ROUND_TRIP_SOURCES } from '../srtla/types.ts';
import {
  type CounterLayout,
  GROUP,
  LINK,
  PLAYER,
  PLAYER_FIELDS,
  PLAYER_STATES,
  PUBLISHER,
  PUBLISHER_FIELDS,
  PUBLISHER_WARNINGS,
} from './counter-layout.ts';
import { CounterTable } from './counter-table.ts';
import type { RosterChange, RosterEntry } from './roster.ts';
import { type Known, RosterBook } from './roster-book.ts';
import type { DataPlaneSnapshot, DoorEvent, PlayerSnapshot, PublisherSnapshot, SrtStats } from './snapshot.ts';
import { TOTALS_GENERATION, TOTALS_SLOT } from './totals-record.ts';

/** What changes while the thread lives. */
export type LiveSnapshot = Pick<DataPlaneSnapshot, 'srtla' | 'publishers' | 'players' | 'lastRefusal' | 'counters'>;

type EntryOf<K extends RosterEntry['kind']> = Extract<RosterEntry, { kind: K }>;

/** A group that is written anew each time is read piece by piece after so many tries; it takes a microsecond, ten times a second. */
const GROUP_LOOKS = 100;
const PUBLISHER_STATS_AT = PUBLISHER_FIELDS.length - SRT_STATS_FIELDS.length;
const PLAYER_STATS_AT = PLAYER_FIELDS.length - SRT_STATS_FIELDS.length;

/** The state of one data-plane thread as main sees it: numbers from the shared memory, texts from the roster. Asks the thread nothing. */
export class SnapshotView {
  readonly #book = new RosterBook();
  readonly #totals: CounterTable;
  readonly #groups: CounterTable;
  readonly #links: CounterTable;
  readonly #publishers: CounterTable;
  readonly #players: CounterTable;

  constructor(memory: SharedArrayBuffer, layout: CounterLayout) {
    this.#totals = new CounterTable(memory, layout.totals);
    this.#groups = new CounterTable(memory, layout.groups);
    this.#links = new CounterTable(memory, layout.links);
    this.#publishers = new CounterTable(memory, layout.publishers);
    this.#players = new CounterTable(memory, layout.players);
  }

  apply(changes: readonly RosterChange[]): void {
    this.#book.apply(changes);
  }

  /** @param now `commonNow`: ages are those of this moment, not of the last pass of the thread */
  snapshot(now: Millis): LiveSnapshot {
    const { srtla, node } = this.#counters();
    return {
      srtla: { groups: present(this.#book.groups, (group) => this.#group(group, now)), counters: srtla },
      publishers: present(this.#book.publishers, (publisher) => this.#publisher(publisher, now)),
      players: present(this.#book.players, (player) => this.#player(player, now)),
      lastRefusal: this.#refusal(now),
      counters: node,
    };
  }

  #counters(): { srtla: Record<string, number>; node: Record<string, number> } {
    const { totals, totalsValues } = this.#book;
    const values = new Float64Array(totalsValues.length);
    if (this.#totals.read(TOTALS_SLOT, TOTALS_GENERATION, values) === 'ok') totalsValues.set(values);
    const counters = { srtla: {} as Record<string, number>, node: {} as Record<string, number> };
    totals.forEach(({ name, srtla }, index) => {
      (srtla ? counters.srtla : counters.node)[name] = totalsValues[index]!;
    });
    return counters;
  }

  /** A group with its links, all of one pass of the thread. */
  #group(group: Known<EntryOf<'groups'>>, now: Millis): GroupSnapshot | undefined {
    const { slot, generation } = group.entry;
    const known = this.#book.linksOf(group.entry);
    for (let look = 0; look < GROUP_LOOKS; look++) {
      const before = this.#groups.sequence(slot);
      if ((before & 1) === 1) continue;
      const values = new Float64Array(this.#groups.fields);
      const isThere = this.#groups.load(slot, generation, values);
      for (const link of known) freshen(link, this.#links);
      if (this.#groups.sequence(slot) !== before) continue;
      group.values = isThere ? values : undefined;
      break;
    }
    const { values } = group;
    if (values === undefined) return undefined;
    const links: LinkSnapshot[] = [];
    for (const link of known) if (link.values) links.push(linkSnapshot(link.entry, link.values, now));
    const session = values[GROUP.session]!;
    const lastDataAtMs = values[GROUP.lastDataAtMs]!;
    return {
      id: group.entry.id,
      streamId: group.entry.streamId,
      session: Number.isNaN(session) ? undefined : session,
      sessionAccepted: values[GROUP.sessionAccepted] === 1,
      totalBytes: values[GROUP.totalBytes]!,
      windowBytes: values[GROUP.windowBytes]!,
      lastHeardMs: age(values[GROUP.lastHeardAtMs]!, now),
      uptimeMs: age(values[GROUP.sinceMs]!, now),
      lastDataMs: Number.isNaN(lastDataAtMs) ? undefined : age(lastDataAtMs, now),
      losses: {
        lost: values[GROUP.lostPackets]!,
        falselyLost: values[GROUP.falselyLostPackets]!,
        repaired: values[GROUP.repairedPackets]!,
        unrepaired: values[GROUP.unrepairedPackets]!,
        duplicates: values[GROUP.duplicatePackets]!,
        restarts: values[GROUP.lossRestarts]!,
      },
      lossesExact: values[GROUP.lossesExact] === 1,
      rebinds: values[GROUP.rebinds]!,
      links,
    };
  }

  #publisher(publisher: Known<EntryOf<'publishers'>>, now: Millis): PublisherSnapshot | undefined {
    const values = freshen(publisher, this.#publishers);
    if (values === undefined) return undefined;
    const { publisherId, source, group, address } = publisher.entry;
    const lastArrivalAtMs = values[PUBLISHER.lastArrivalAtMs]!;
    return {
      publisherId,
      source,
      group,
      address,
      uptimeMs: age(values[PUBLISHER.sinceMs]!, now),
      latencyMs: values[PUBLISHER.latencyMs]!,
      encrypted: values[PUBLISHER.encrypted] === 1,
      bitrateKbps: values[PUBLISHER.bitrateKbps]!,
      payloadBytes: values[PUBLISHER.payloadBytes]!,
      messages: values[PUBLISHER.messages]!,
      lastPayloadMs: age(Number.isNaN(lastArrivalAtMs) ? values[PUBLISHER.sinceMs]! : lastArrivalAtMs, now),
      meanKbps2s: values[PUBLISHER.bitrateKbps]!,
      warnings: PUBLISHER_WARNINGS.filter((_, index) => (values[PUBLISHER.warnings]! & (1 << index)) !== 0),
      continuityErrors: values[PUBLISHER.continuityErrors]!,
      stats: srtStats(values, PUBLISHER_STATS_AT),
    };
  }

  #player(player: Known<EntryOf<'players'>>, now: Millis): PlayerSnapshot | undefined {
    const values = freshen(player, this.#players);
    if (values === undefined) return undefined;
    const { key, playerId, publisherId, address, port } = player.entry;
    return {
      key,
      playerId,
      publisherId,
      address,
      port,
      state: PLAYER_STATES[values[PLAYER.state]!] ?? 'waiting',
      uptimeMs: age(values[PLAYER.sinceMs]!, now),
      latencyMs: values[PLAYER.latencyMs]!,
      sentMessages: values[PLAYER.sentMessages]!,
      droppedMessages: values[PLAYER.droppedMessages]!,
      stats: srtStats(values, PLAYER_STATS_AT),
    };
  }

  #refusal(now: Millis): DoorEvent | undefined {
    const { refusal } = this.#book;
    if (refusal === undefined) return undefined;
    const { atMs, port, shortId, code } = refusal;
    return { ageMs: age(atMs, now), port, shortId, code };
  }
}

/** The clocks of two threads may differ by microseconds. */
const age = (atMs: Millis, now: Millis): Millis => Math.max(0, now - atMs);

const present = <E extends RosterEntry, S>(
  book: Map<number, Known<E>>,
  make: (known: Known<E>) => S | undefined,
): S[] => {
  const made: S[] = [];
  for (const known of book.values()) {
    const one = make(known);
    if (one !== undefined) made.push(one);
  }
  return made;
};

/** Reads anew. A record in the middle of being written keeps its last values; one that has passed to somebody else has none. */
const freshen = <E extends RosterEntry>(known: Known<E>, table: CounterTable): Float64Array | undefined => {
  const values = new Float64Array(table.fields);
  const result = table.read(known.entry.slot, known.entry.generation, values);
  if (result !== 'busy') known.values = result === 'ok' ? values : undefined;
  return known.values;
};

const linkSnapshot = (entry: EntryOf<'links'>, values: Float64Array, now: Millis): LinkSnapshot => {
  const telemetryAtMs = values[LINK.telemetryAtMs]!;
  return {
    address: entry.address,
    port: entry.port,
    state: values[LINK.active] === 1 ? 'active' : 'quiet',
    bytes: values[LINK.bytes]!,
    packets: values[LINK.packets]!,
    dataPackets: values[LINK.dataPackets]!,
    retransmittedPackets: values[LINK.retransmittedPackets]!,
    windowBytes: values[LINK.windowBytes]!,
    uniquePackets: values[LINK.uniquePackets]!,
    duplicatePackets: values[LINK.duplicatePackets]!,
    lostPackets: values[LINK.lostPackets]!,
    falselyLostPackets: values[LINK.falselyLostPackets]!,
    bitrateKbps: values[LINK.bitrateKbps]!,
    bitrate1sKbps: values[LINK.bitrate1sKbps]!,
    bitrate10sKbps: values[LINK.bitrate10sKbps]!,
    lastHeardMs: age(values[LINK.lastHeardAtMs]!, now),
    uptimeMs: age(values[LINK.sinceMs]!, now),
    skewMs: known(values[LINK.skewMs]!),
    jitterMs: known(values[LINK.jitterMs]!),
    reorderMs: values[LINK.reorderMs]!,
    roundTrip: roundTripOf(values),
    rebinds: values[LINK.rebinds]!,
    telemetry: Number.isNaN(telemetryAtMs)
      ? undefined
      : {
          connectionId: values[LINK.connectionId]!,
          windowPackets: values[LINK.windowPackets]!,
          inFlightPackets: values[LINK.inFlightPackets]!,
          rttMs: values[LINK.rttMs]!,
          nakCount: values[LINK.nakCount]!,
          bitrateKbps: values[LINK.telemetryKbps]!,
          inMicroseconds: values[LINK.telemetryInMicroseconds] === 1,
          ageMs: age(telemetryAtMs, now),
        },
  };
};

const known = (value: number): number | undefined => (Number.isNaN(value) ? undefined : value);

const roundTripOf = (values: Float64Array): LinkRoundTrip | undefined => {
  const source = ROUND_TRIP_SOURCES[values[LINK.roundTripSource]!];
  return source === undefined ? undefined : { ms: values[LINK.roundTripMs]!, source };
};

const srtStats = (values: Float64Array, first: number): SrtStats =>
  Object.fromEntries(SRT_STATS_FIELDS.map((name, index) => [name, values[first + index]!])) as unknown as SrtStats;
