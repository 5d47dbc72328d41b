import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import { Reader, type Response } from 'maxmind';
import { codeOf, messageOf, TributaryError } from '../shared/errors.ts';
import { costlyRecord, MOST_WORK, workOf } from './asn-budget.ts';
import { type AsnRecord, attributionOf, readRecord, schemaOf, textOf } from './asn-record.ts';
import { brokenRecord, SEPARATOR_BYTES, sampleAddresses } from './asn-sample.ts';
import type { CarrierDatabase } from './carrier.ts';

/** A file is kept in memory as a whole. */
export const MAX_DATABASE_BYTES = 512 * 2 ** 20;

const MEND = 'get it again (./tributary asn update), or put another one in its place';
const SAMPLES = 500;
/** Of the search tree, looked at between two turns of the event loop: about 2 ms. */
const NODES_AT_ONCE = 50_000;

/** What a database can be asked for. */
export interface DatabaseRoles {
  readonly carriers: boolean;
  readonly countries: boolean;
  readonly cities: boolean;
}

/** A database in memory that was found to be whole. */
export interface AsnDatabase extends CarrierDatabase, DatabaseRoles {
  /** Undefined where it knows nothing of the address, or cannot say. @param address numeric */
  get(address: string): AsnRecord | undefined;
}

export const invalidDatabase = (path: string, what: string, cause?: unknown): TributaryError =>
  new TributaryError(
    'TRIBUTARY_ASN_DATABASE_INVALID',
    `${path} is no database that can be used (${what})`,
    MEND,
    cause,
  );

/**
 * Reads a database and looks whether it is whole: every record of the search tree points into the file, and hundreds of addresses from
 * all over it have an answer that can be read.
 * @throws TributaryError TRIBUTARY_ASN_DATABASE_INVALID
 */
export const openAsnDatabase = async (path: string): Promise<AsnDatabase> => {
  const bytes = await readWhole(path);
  try {
    return await verified(path, bytes);
  } catch (error) {
    // A damaged file makes the reader fail in many ways; none of them is a defect of ours.
    throw error instanceof TributaryError ? error : invalidDatabase(path, messageOf(error), error);
  }
};

const readWhole = async (path: string): Promise<Buffer> => {
  try {
    // Of a pipe, `open` would wait for a writer.
    const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
    try {
      const facts = await file.stat();
      if (!facts.isFile()) throw invalidDatabase(path, 'it is no file');
      if (facts.size > MAX_DATABASE_BYTES) throw invalidDatabase(path, `it is larger than ${MAX_DATABASE_BYTES} bytes`);
      return await file.readFile();
    } finally {
      await file.close();
    }
  } catch (error) {
    throw error instanceof TributaryError ? error : invalidDatabase(path, codeOf(error) ?? messageOf(error), error);
  }
};

const METADATA_MARK = Buffer.from('\xab\xcd\xefMaxMind.com', 'latin1');
/** At most, the mark not included (MaxMind DB 2.0, "Database Metadata"). */
const METADATA_BYTES = 128 * 1_024;

const verified = async (path: string, bytes: Buffer): Promise<AsnDatabase> => {
  const tailAt = Math.max(0, bytes.length - METADATA_BYTES - METADATA_MARK.length);
  const markAt = bytes.subarray(tailAt).lastIndexOf(METADATA_MARK);
  if (markAt < 0) throw invalidDatabase(path, 'it is no MaxMind DB file, or its end is missing');
  const dataEnd = tailAt + markAt;
  const metadataAt = dataEnd + METADATA_MARK.length;
  if (workOf(bytes, metadataAt, metadataAt, bytes.length) > MOST_WORK)
    throw invalidDatabase(path, 'its metadata hold more than any that are real');
  const reader = new Reader<Response>(bytes);
  const { nodeCount, recordSize, ipVersion, buildEpoch } = reader.metadata;
  const databaseType = textOf(reader.metadata.databaseType);
  const shape = { nodeCount, recordSize, ipVersion };
  const isSane =
    Number.isSafeInteger(nodeCount) &&
    nodeCount > 0 &&
    (ipVersion === 4 || ipVersion === 6) &&
    (nodeCount * recordSize) / 4 + SEPARATOR_BYTES <= dataEnd;
  if (!isSane) throw invalidDatabase(path, 'its metadata does not fit it');
  if (databaseType === undefined) throw invalidDatabase(path, 'its metadata names no type');

  for (let node = 0; node < nodeCount; node += NODES_AT_ONCE) {
    const broken = brokenRecord(bytes, shape, dataEnd, node, node + NODES_AT_ONCE);
    if (broken !== undefined) throw invalidDatabase(path, broken);
    await new Promise((done) => setImmediate(done));
  }
  const costly = await costlyRecord(bytes, shape, dataEnd);
  if (costly !== undefined) throw invalidDatabase(path, costly);

  const schema = schemaOf(databaseType);
  const roles = { carriers: false, countries: false, cities: false };
  for (const address of sampleAddresses(bytes, shape, SAMPLES, sequence())) {
    const { organisation, place } = readRecord(schema, reader.get(address));
    roles.carriers ||= organisation.name !== undefined;
    roles.countries ||= place !== undefined;
    roles.cities ||= place?.city !== undefined || place?.latitude !== undefined;
  }
  if (!roles.carriers && !roles.countries)
    throw invalidDatabase(path, `it tells neither organisations nor countries: its type is ${databaseType}`);
  return {
    ...roles,
    path,
    type: databaseType,
    builtMs: buildEpoch.getTime() || 0,
    attribution: attributionOf(databaseType),
    get: (address) => {
      try {
        const record = reader.get(address);
        return record === null ? undefined : readRecord(schema, record);
      } catch {
        // A record that no sample has met.
        return undefined;
      }
    },
  };
};

/** The same addresses at every reading of a file: a file is good or bad, not lucky. */
const sequence = (): (() => number) => {
  let state = 0x2545f491;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state;
  };
};
