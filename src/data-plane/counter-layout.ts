import { SRT_STATS_FIELDS } from '../shared/addon.ts';
import type { SrtlaSettings } from '../srtla/types.ts';

/*
 * The memory that the data-plane thread writes and the main thread reads. Offsets in bytes; every table starts on a multiple of 8.
 *
 *   header      HEADER_BYTES                                     Int32 words, see HEADER
 *   totals      1 record                                         TOTALS_FIELDS values; their names come by message
 *   groups      maxGroups records                                GROUP_FIELDS
 *   links       maxGroups × maxLinksPerGroup, MAX_LINKS at most  LINK_FIELDS
 *   publishers  MAX_PUBLISHERS                                   PUBLISHER_FIELDS
 *   players     MAX_PLAYERS                                      PLAYER_FIELDS
 *
 * A record:
 *
 *   +0  Int32    sequence    odd while the record is being written
 *   +4  Int32    generation  odd while the slot is taken; another one for each object that takes it
 *   +8  Float64  fields, in the order below
 *
 * Fields named …AtMs and `sinceMs` are moments of `commonNow`; NaN stands for "none". Flags are 0 or 1.
 */

export const LAYOUT_VERSION = 4;

/** Indices of the header's words. The thread writes the first two, main the other ones. */
export const HEADER = { version: 0, heartbeat: 1, rosterSeen: 2, logSeen: 3, eventsSeen: 4 } as const;
export const HEADER_BYTES = 64;
export const RECORD_HEAD_BYTES = 8;

export const TOTALS_FIELDS = 256;
const MAX_LINKS = 65_536;
const MAX_PUBLISHERS = 2_048;
const MAX_PLAYERS = 8_192;

export const GROUP_FIELDS = [
  'sinceMs',
  'lastHeardAtMs',
  'lastDataAtMs',
  'session',
  'sessionAccepted',
  'totalBytes',
  'windowBytes',
  'lostPackets',
  'falselyLostPackets',
  'repairedPackets',
  'unrepairedPackets',
  'duplicatePackets',
  'lossRestarts',
  'lossesExact',
  'rebinds',
] as const;

export const LINK_FIELDS = [
  'sinceMs',
  'lastHeardAtMs',
  'active',
  'bytes',
  'packets',
  'dataPackets',
  'retransmittedPackets',
  'windowBytes',
  'bitrateKbps',
  'skewMs',
  'telemetryAtMs',
  'connectionId',
  'windowPackets',
  'inFlightPackets',
  'rttMs',
  'nakCount',
  'telemetryKbps',
  'telemetryInMicroseconds',
  'uniquePackets',
  'duplicatePackets',
  'lostPackets',
  'falselyLostPackets',
  'bitrate1sKbps',
  'bitrate10sKbps',
  'jitterMs',
  'reorderMs',
  'roundTripMs',
  'roundTripSource',
  'rebinds',
] as const;

/** The SRT statistics come last, so that they can be copied as a whole. */
export const PUBLISHER_FIELDS = [
  'sinceMs',
  'latencyMs',
  'encrypted',
  'bitrateKbps',
  'payloadBytes',
  'messages',
  'lastArrivalAtMs',
  'warnings',
  'continuityErrors',
  ...SRT_STATS_FIELDS,
] as const;

/** `state` is an index of `PLAYER_STATES`. */
export const PLAYER_FIELDS = [
  'sinceMs',
  'latencyMs',
  'state',
  'sentMessages',
  'droppedMessages',
  ...SRT_STATS_FIELDS,
] as const;

/** `warnings` of a publisher is a sum of 1 << index. */
export const PUBLISHER_WARNINGS = ['latency-short', 'bitrate-exceeded'] as const;

export const PLAYER_STATES = ['waiting', 'joining', 'playing'] as const;

/** Index of each field in its record. */
const indexed = <N extends string>(names: readonly N[]): Readonly<Record<N, number>> =>
  Object.fromEntries(names.map((name, index) => [name, index])) as Record<N, number>;

export const GROUP = indexed(GROUP_FIELDS);
export const LINK = indexed(LINK_FIELDS);
export const PUBLISHER = indexed(PUBLISHER_FIELDS);
export const PLAYER = indexed(PLAYER_FIELDS);

export type CounterKind = 'totals' | 'groups' | 'links' | 'publishers' | 'players';

export interface TableLayout {
  readonly offsetBytes: number;
  readonly records: number;
  readonly fields: number;
}

export type CounterLayout = Readonly<Record<CounterKind, TableLayout>> & { readonly byteLength: number };

/** Where everything lies, for these limits. Both threads compute it from the same settings. */
export const counterLayout = ({
  maxGroups,
  maxLinksPerGroup,
}: Pick<SrtlaSettings, 'maxGroups' | 'maxLinksPerGroup'>): CounterLayout => {
  let end = HEADER_BYTES;
  const table = (records: number, fields: number): TableLayout => {
    const layout = { offsetBytes: end, records, fields };
    end += records * strideBytes(layout);
    return layout;
  };
  const tables = {
    totals: table(1, TOTALS_FIELDS),
    groups: table(maxGroups, GROUP_FIELDS.length),
    links: table(Math.min(MAX_LINKS, maxGroups * maxLinksPerGroup), LINK_FIELDS.length),
    publishers: table(MAX_PUBLISHERS, PUBLISHER_FIELDS.length),
    players: table(MAX_PLAYERS, PLAYER_FIELDS.length),
  };
  return { ...tables, byteLength: end };
};

/** From one record of a table to the next. */
export const strideBytes = ({ fields }: Pick<TableLayout, 'fields'>): number => RECORD_HEAD_BYTES + 8 * fields;
