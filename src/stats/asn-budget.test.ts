import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { temporaryFolder } from '../../test/support/data-dir.ts';
import { type MmdbValue, mmdbFile } from '../../test/support/mmdb-writer.ts';
import { MOST_WORK, workOf } from './asn-budget.ts';
import { openAsnDatabase } from './asn-database.ts';

const array = (...items: Buffer[]): Buffer => Buffer.concat([Buffer.from([items.length, 4]), ...items]);
const pointer = (to: number): Buffer => Buffer.from([0x20 | (to >> 8), to & 255]);

/** Levels of arrays with two pointers to the next level: 2 ** levels values in 6 bytes each, for where `from` is. */
const doubling = (levels: number, from = 0): Buffer => {
  const arrays = Array.from({ length: levels }, (_, n) => {
    const next = pointer(from + 6 * (n + 1));
    return array(next, next);
  });
  return Buffer.concat([...arrays, Buffer.from([0x41, 0x78])]);
};

const file = (bytes: Buffer): string => {
  const path = join(temporaryFolder(), 'x.mmdb');
  writeFileSync(path, bytes);
  return path;
};
const whole = (record: MmdbValue): Buffer => mmdbFile({ type: 'GeoLite2-ASN', networks: { '203.0.113.0/24': record } });
const MARK = Buffer.from('\xab\xcd\xefMaxMind.com', 'latin1');

describe('the work of a value', () => {
  it('is what it holds, its pointers followed', () => {
    const bytes = doubling(3);
    // 15 values, 14 of them behind a pointer.
    expect(workOf(bytes, 0, 0, bytes.length)).toBe(29);
  });

  it.each([
    ['arrays that double forty times', doubling(40)],
    ['a pointer to itself', pointer(0)],
    ['a map of sixteen million entries', Buffer.from([0xff, 0xff, 0xff, 0xff, ...new Array<number>(9_000).fill(0x40)])],
    ['a text of sixteen million bytes', Buffer.from([0x5f, 0xff, 0xff, 0xff])],
  ])('is more than there may be: %s', (_what, bytes) => {
    expect(workOf(bytes, 0, 0, bytes.length)).toBeGreaterThan(MOST_WORK);
  });

  it('ends where the file does', () => {
    expect(workOf(Buffer.from([0x0a, 4]), 0, 0, 2)).toBeLessThan(MOST_WORK);
    expect(workOf(Buffer.from([0x39]), 0, 0, 1)).toBeLessThan(MOST_WORK);
  });
});

describe('a database that was made to keep its reader busy', () => {
  it('is refused for its records', { timeout: 5_000 }, async () => {
    const bytes = whole('x'.repeat(250));
    const dataAt = bytes.indexOf('xxxx') - 2;
    doubling(40).copy(bytes, dataAt);
    await expect(openAsnDatabase(file(bytes))).rejects.toThrow(
      `the record at ${dataAt} holds more than any that is real`,
    );
  });

  it('is refused for its metadata, before a reader sees them', { timeout: 5_000 }, async () => {
    const good = whole('x');
    const metadataAt = good.lastIndexOf(MARK) + MARK.length;
    const hostile = Buffer.concat([good.subarray(0, metadataAt), doubling(40)]);
    await expect(openAsnDatabase(file(hostile))).rejects.toThrow('its metadata hold more than any that are real');
  });
});
