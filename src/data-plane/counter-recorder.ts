import { SRT_STATS_FIELDS } from '../shared/addon.ts';
import type { Millis } from '../shared/clock.ts';
import type { Player, Publisher } from '../sls-bridge/sessions.ts';
import { type GroupSnapshot, type LinkSnapshot, ROUND_TRIP_SOURCES } from '../srtla/types.ts';
import {
  type CounterKind,
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
import type { DataPlane } from './data-plane.ts';
import type { RosterOutlet } from './roster.ts';
import { type Slot, SlotTable } from './slot-table.ts';
import { TotalsRecord } from './totals-record.ts';

/** What of the data plane is recorded. */
export type RecordedPlane = Pick<
  DataPlane,
  'srtla' | 'publishers' | 'players' | 'groupOf' | 'readStats' | 'counters' | 'lastRefusal'
>;

const PACKETS_RECEIVED = SRT_STATS_FIELDS.indexOf('pktRecvTotal');
const BYTES_RECEIVED = SRT_STATS_FIELDS.indexOf('byteRecvTotal');
const PACKETS_LOST = SRT_STATS_FIELDS.indexOf('pktRcvLossTotal');
const BYTES_LOST = SRT_STATS_FIELDS.indexOf('byteRcvLossTotal');

/** Behind a bond libsrt counts as lost what is only late. What has really been lost the SRTLA core knows. */
const tellCertainLosses = (groups: readonly GroupSnapshot[], id: string, stats: Float64Array): void => {
  const group = groups.find((one) => one.id === id);
  if (group === undefined || !group.lossesExact) return;
  const packets = group.losses.lost - group.losses.falselyLost;
  stats[PACKETS_LOST] = packets;
  stats[BYTES_LOST] = Math.round((packets * stats[BYTES_RECEIVED]!) / Math.max(1, stats[PACKETS_RECEIVED]!));
};

/** libsrt is asked in every second pass: each answer takes locks that its threads want too. */
const PASSES_PER_STATS = 2;
const PUBLISHER_STATS_AT = PUBLISHER_FIELDS.length - SRT_STATS_FIELDS.length;
const PLAYER_STATS_AT = PLAYER_FIELDS.length - SRT_STATS_FIELDS.length;

/** The counter table of one kind, and who has which of its slots. */
interface Kind<K> {
  readonly name: CounterKind;
  readonly table: CounterTable;
  readonly slots: SlotTable<K>;
}

/**
 * Writes the state of the data plane into the shared memory, a pass at a time, and tells main whose is what. Only what is alive costs
 * anything. A group's record is open while its links are written, so that a reader can take a group and its links from one pass.
 */
export class CounterRecorder {
  readonly #plane: RecordedPlane;
  readonly #roster: RosterOutlet;
  readonly #totals: TotalsRecord;
  readonly #groups: Kind<string>;
  readonly #links: Kind<string>;
  readonly #publishers: Kind<Publisher>;
  readonly #players: Kind<Player>;
  #passes = 0;
  #refusedAtMs: Millis = Number.NaN;

  constructor(plane: RecordedPlane, memory: SharedArrayBuffer, layout: CounterLayout, roster: RosterOutlet) {
    this.#plane = plane;
    this.#roster = roster;
    this.#totals = new TotalsRecord(new CounterTable(memory, layout.totals), roster);
    const kind = <K>(name: CounterKind): Kind<K> => {
      const table = new CounterTable(memory, layout[name]);
      return { name, table, slots: new SlotTable<K>(table) };
    };
    this.#groups = kind('groups');
    this.#links = kind('links');
    this.#publishers = kind('publishers');
    this.#players = kind('players');
  }

  /** @param more counters of the thread itself, such as its lost log lines */
  pass(now: Millis, more: Readonly<Record<string, number>>): void {
    const kinds = [this.#groups, this.#links, this.#publishers, this.#players];
    const withStats = this.#passes++ % PASSES_PER_STATS === 0;
    for (const { slots } of kinds) slots.beginPass();
    const srtla = this.#plane.srtla(now);
    for (const group of srtla.groups) this.#group(group, now);
    for (const publisher of this.#plane.publishers()) this.#publisher(publisher, srtla.groups, withStats, now);
    for (const player of this.#plane.players()) this.#player(player, withStats);
    let unrecorded = 0;
    for (const kind of kinds) {
      unrecorded += kind.slots.turnedAway;
      kind.slots.endPass((slot, freeGeneration) => this.#release(kind, slot, freeGeneration));
    }
    this.#refusal();
    this.#totals.write(srtla.counters, { ...this.#plane.counters, ...more, unrecorded });
    this.#roster.flush();
  }

  #group(group: GroupSnapshot, now: Millis): void {
    const { table, slots } = this.#groups;
    const sinceMs = now - group.uptimeMs;
    const slot = slots.claim(group.id, sinceMs);
    if (!slot) return;
    if (slot.text === null || slot.text !== group.streamId) {
      slot.text = group.streamId;
      const { index, generation } = slot;
      this.#roster.put({ kind: 'groups', slot: index, generation, id: group.id, streamId: group.streamId });
    }
    const { values } = slot;
    values[GROUP.sinceMs] = slot.sinceMs;
    values[GROUP.lastHeardAtMs] = now - group.lastHeardMs;
    values[GROUP.lastDataAtMs] = group.lastDataMs === undefined ? Number.NaN : now - group.lastDataMs;
    values[GROUP.session] = group.session ?? Number.NaN;
    values[GROUP.sessionAccepted] = Number(group.sessionAccepted);
    values[GROUP.totalBytes] = group.totalBytes;
    values[GROUP.windowBytes] = group.windowBytes;
    values[GROUP.lostPackets] = group.losses.lost;
    values[GROUP.falselyLostPackets] = group.losses.falselyLost;
    values[GROUP.repairedPackets] = group.losses.repaired;
    values[GROUP.unrepairedPackets] = group.losses.unrepaired;
    values[GROUP.duplicatePackets] = group.losses.duplicates;
    values[GROUP.lossRestarts] = group.losses.restarts;
    values[GROUP.lossesExact] = Number(group.lossesExact);
    values[GROUP.rebinds] = group.rebinds;
    table.open(slot.index, slot.generation);
    table.put(slot.index, values);
    for (const link of group.links) this.#link(link, slot, now);
    table.close(slot.index);
  }

  #link(link: LinkSnapshot, group: Slot, now: Millis): void {
    const { table, slots } = this.#links;
    const { address, port, telemetry } = link;
    const slot = slots.claim(`${group.index} ${address} ${port}`, now - link.uptimeMs);
    if (!slot) return;
    const { index, generation, values } = slot;
    if (slot.text === null) {
      slot.text = undefined;
      this.#roster.put({ kind: 'links', slot: index, generation, group: group.index, address, port });
    }
    values[LINK.sinceMs] = slot.sinceMs;
    values[LINK.lastHeardAtMs] = now - link.lastHeardMs;
    values[LINK.active] = Number(link.state === 'active');
    values[LINK.bytes] = link.bytes;
    values[LINK.packets] = link.packets;
    values[LINK.dataPackets] = link.dataPackets;
    values[LINK.retransmittedPackets] = link.retransmittedPackets;
    values[LINK.windowBytes] = link.windowBytes;
    values[LINK.bitrateKbps] = link.bitrateKbps;
    values[LINK.skewMs] = link.skewMs ?? Number.NaN;
    values[LINK.uniquePackets] = link.uniquePackets;
    values[LINK.duplicatePackets] = link.duplicatePackets;
    values[LINK.lostPackets] = link.lostPackets;
    values[LINK.falselyLostPackets] = link.falselyLostPackets;
    values[LINK.bitrate1sKbps] = link.bitrate1sKbps;
    values[LINK.bitrate10sKbps] = link.bitrate10sKbps;
    values[LINK.jitterMs] = link.jitterMs ?? Number.NaN;
    values[LINK.reorderMs] = link.reorderMs;
    values[LINK.roundTripMs] = link.roundTrip?.ms ?? Number.NaN;
    values[LINK.roundTripSource] = link.roundTrip ? ROUND_TRIP_SOURCES.indexOf(link.roundTrip.source) : Number.NaN;
    values[LINK.rebinds] = link.rebinds;
    values[LINK.telemetryAtMs] = telemetry === undefined ? Number.NaN : now - telemetry.ageMs;
    if (telemetry !== undefined) {
      values[LINK.connectionId] = telemetry.connectionId;
      values[LINK.windowPackets] = telemetry.windowPackets;
      values[LINK.inFlightPackets] = telemetry.inFlightPackets;
      values[LINK.rttMs] = telemetry.rttMs;
      values[LINK.nakCount] = telemetry.nakCount;
      values[LINK.telemetryKbps] = telemetry.bitrateKbps;
      values[LINK.telemetryInMicroseconds] = Number(telemetry.inMicroseconds);
    }
    table.write(index, generation, values);
  }

  #publisher(publisher: Publisher, groups: readonly GroupSnapshot[], withStats: boolean, now: Millis): void {
    const slot = this.#publishers.slots.claim(publisher, publisher.sinceMs);
    if (!slot) return;
    const { index, generation, values } = slot;
    const group = this.#plane.groupOf(publisher);
    const isNew = slot.text === null;
    // A session that is over has no group any more; what was last known of it stays.
    if (isNew || (group !== undefined && slot.text !== group)) {
      slot.text = group;
      const { publisherId, source, address } = publisher;
      this.#roster.put({ kind: 'publishers', slot: index, generation, publisherId, source, group, address });
    }
    values[PUBLISHER.sinceMs] = publisher.sinceMs;
    values[PUBLISHER.latencyMs] = publisher.latencyMs;
    values[PUBLISHER.encrypted] = Number(publisher.encrypted);
    values[PUBLISHER.bitrateKbps] = publisher.bitrateKbps(now);
    values[PUBLISHER.payloadBytes] = publisher.payloadBytes;
    values[PUBLISHER.messages] = publisher.messages;
    values[PUBLISHER.warnings] = publisher
      .warnings()
      .reduce((sum, warning) => sum + (1 << PUBLISHER_WARNINGS.indexOf(warning)), 0);
    values[PUBLISHER.continuityErrors] = publisher.continuity.errors;
    // It notes arrivals, too.
    if (withStats || isNew) {
      const stats = values.subarray(PUBLISHER_STATS_AT);
      this.#plane.readStats(publisher, stats);
      if (group !== undefined) tellCertainLosses(groups, group, stats);
    }
    values[PUBLISHER.lastArrivalAtMs] = publisher.lastArrivalAtMs;
    this.#publishers.table.write(index, generation, values);
  }

  #player(player: Player, withStats: boolean): void {
    const slot = this.#players.slots.claim(player, player.sinceMs);
    if (!slot) return;
    const { index, generation, values } = slot;
    const isNew = slot.text === null;
    if (isNew) {
      slot.text = undefined;
      const { key, playerId, publisherId, address, port } = player;
      this.#roster.put({ kind: 'players', slot: index, generation, key, playerId, publisherId, address, port });
    }
    values[PLAYER.sinceMs] = player.sinceMs;
    values[PLAYER.latencyMs] = player.latencyMs;
    values[PLAYER.state] = PLAYER_STATES.indexOf(player.state);
    values[PLAYER.sentMessages] = player.sentMessages;
    values[PLAYER.droppedMessages] = player.droppedMessages;
    if (withStats || isNew) this.#plane.readStats(player, values.subarray(PLAYER_STATS_AT));
    this.#players.table.write(index, generation, values);
  }

  #release({ name, table }: Pick<Kind<unknown>, 'name' | 'table'>, slot: Slot, freeGeneration: number): void {
    table.write(slot.index, freeGeneration, slot.values);
    this.#roster.put({ kind: 'gone', of: name, slot: slot.index });
  }

  #refusal(): void {
    const refusal = this.#plane.lastRefusal;
    if (refusal === undefined || refusal.atMs === this.#refusedAtMs) return;
    this.#refusedAtMs = refusal.atMs;
    const { atMs, door, shortId, code } = refusal;
    this.#roster.put({ kind: 'refusal', atMs, port: door === 'bond' ? 'srtla' : door, shortId, code });
  }
}
