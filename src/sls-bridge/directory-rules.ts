import { isIP } from 'node:net';
import { parseEndpoint } from '../shared/address.ts';
import { TributaryError } from '../shared/errors.ts';

/** A player id and the publisher id whose stream it plays, with the limits of both. */
export interface Row {
  /** A secret: the right to go live. */
  readonly publisher: string;
  /** Unique in the directory. */
  readonly player: string;
  readonly description?: string;
  /** A name for people. */
  readonly label?: string;
  /** 10–79 bytes; the same in all rows of a publisher id. */
  readonly passphrase?: string;
  /** Players at once on this player id; the node's setting where it is not given. */
  readonly maxPlayers?: number;
  /** Ceiling of the publisher; the same in all rows of a publisher id. */
  readonly maxBitrateKbps?: number;
  /** Least SRT latency of the publisher; the same in all rows of a publisher id. */
  readonly latencyMs?: number;
  /** Least SRT latency towards players of this player id. */
  readonly playerLatencyMs?: number;
  /** Unix ms. From then on the ids of this row are refused. */
  readonly expiresAt?: number;
  /** `ADDRESS:PORT` of another node's play port, where the stream is read while no encoder sends it here. The control plane's to say. */
  readonly pullFrom?: string;
  /** Who governs the row: a control plane, or absent for this node itself. */
  readonly owner?: string;
}

/** The owner of rows without one: made by the first start, the API or an import. */
export const LOCAL_OWNER = 'local';

/** Fields that belong to the publisher id: each of its rows holds the same value. */
export const PUBLISHER_FIELDS = ['passphrase', 'maxBitrateKbps', 'latencyMs'] as const;
/** Every field but the two ids. */
export const OPTIONAL_FIELDS = [
  'description',
  'label',
  ...PUBLISHER_FIELDS,
  'maxPlayers',
  'playerLatencyMs',
  'expiresAt',
  'pullFrom',
  'owner',
] as const;
export type OptionalField = (typeof OPTIONAL_FIELDS)[number];
/** Limits with their least and highest value, whole numbers. */
export const NUMBER_RANGES = {
  maxPlayers: [1, 1_000],
  maxBitrateKbps: [64, 1_000_000],
  latencyMs: [20, 30_000],
  playerLatencyMs: [20, 30_000],
  expiresAt: [0, 8.64e15],
} as const satisfies Partial<Record<OptionalField, readonly [number, number]>>;

export const invalidRow = (message: string): TributaryError =>
  new TributaryError('TRIBUTARY_STREAM_ID_INVALID', message);

/** Printable ASCII but space, `"`, `'`, `` ` `` and `\`: what passes unchanged through URLs, shells and JSON. libsrt takes 512 bytes. */
const STREAM_ID = /^[!#-&(-[\]-_a-~]{1,512}$/;
export const MAX_ID_BYTES = 512;
const PASSPHRASE = /^[\x20-\x7e]{10,79}$/;
const LABEL = /^[^\p{Cc}\p{Cs}]{1,100}$/u;
const OWNER = /^[A-Za-z0-9._:-]{1,64}$/;
const MAX_DESCRIPTION = 1_024;

/**
 * What an SRT caller can send at all: ids that SLS has taken are kept whatever they look like.
 * @returns why not, or undefined
 */
export const whyNoStreamId = (id: string): string | undefined => {
  if (id === '') return 'it is empty';
  if (new TextEncoder().encode(id).length > MAX_ID_BYTES) return `it is longer than ${MAX_ID_BYTES} bytes`;
  if (id.includes('\0')) return 'it has a zero byte';
  return undefined;
};

/** @throws TributaryError TRIBUTARY_STREAM_ID_INVALID */
const checkOptions = (row: Row): void => {
  if (row.description !== undefined && row.description.length > MAX_DESCRIPTION)
    throw invalidRow(`Invalid description: give at most ${MAX_DESCRIPTION} characters`);
  if (row.label !== undefined && !LABEL.test(row.label))
    throw invalidRow('Invalid label: give 1 to 100 characters without control characters');
  if (row.passphrase !== undefined && !PASSPHRASE.test(row.passphrase))
    throw invalidRow('Invalid passphrase: give 10 to 79 printable ASCII characters');
  if (row.owner !== undefined && !OWNER.test(row.owner))
    throw invalidRow('Invalid owner: give 1 to 64 letters, digits, dots, colons, dashes and underscores');
  if (row.pullFrom !== undefined && !isIP(parseEndpoint(row.pullFrom)?.host ?? ''))
    throw invalidRow('Invalid pullFrom: give ADDRESS:PORT with a numeric address');
  for (const [name, [least, most]] of Object.entries(NUMBER_RANGES)) {
    const value = row[name as keyof typeof NUMBER_RANGES];
    if (value !== undefined && !(Number.isInteger(value) && value >= least && value <= most))
      throw invalidRow(`Invalid ${name}: give a whole number from ${least} to ${most}`);
  }
};

/**
 * The shape of a row that somebody wants to add.
 * @throws TributaryError TRIBUTARY_STREAM_ID_INVALID
 */
export const checkNewRow = (row: Row): void => {
  for (const name of ['publisher', 'player'] as const)
    if (!STREAM_ID.test(row[name]))
      throw invalidRow(
        `Invalid ${name}: give 1 to 512 printable ASCII characters without spaces, quotes and backslashes`,
      );
  if (row.publisher === row.player) throw invalidRow('Invalid player: it must differ from the publisher');
  checkOptions(row);
};

/**
 * The shape of a row that exists: in the file, or in a database of SLS.
 * @throws TributaryError TRIBUTARY_STREAM_ID_INVALID
 */
export const checkKnownRow = (row: Row): void => {
  for (const name of ['publisher', 'player'] as const) {
    const why = whyNoStreamId(row[name]);
    if (why !== undefined) throw invalidRow(`Invalid ${name}: ${why}`);
  }
  checkOptions(row);
};

/** The row without what is not given, keys in a fixed order. */
export const tidyRow = (row: Row): Row => {
  const tidy: Record<string, unknown> = { publisher: row.publisher, player: row.player };
  for (const name of OPTIONAL_FIELDS) if (row[name] !== undefined) tidy[name] = row[name];
  return tidy as unknown as Row;
};

/** A value for each field that changes; `null` takes it away. */
export type RowChange = { readonly [F in OptionalField]?: Row[F] | null };

export const changedRow = (row: Row, change: RowChange): Row => {
  const changed: Record<string, unknown> = { ...row };
  for (const name of OPTIONAL_FIELDS) {
    const value = change[name];
    if (value === null) delete changed[name];
    else if (value !== undefined) changed[name] = value;
  }
  const result = tidyRow(changed as unknown as Row);
  checkOptions(result);
  return result;
};

/** The part of a change that the other rows of the publisher id take over. */
export const sharedChange = (change: RowChange): RowChange =>
  Object.fromEntries(PUBLISHER_FIELDS.filter((name) => change[name] !== undefined).map((name) => [name, change[name]]));
