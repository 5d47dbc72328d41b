import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough, Readable } from 'node:stream';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { testClip } from '../../test/support/media.ts';
import { DEFAULT_TEST_PICTURE } from './test-picture.ts';
import { fileSource, streamSource, testSource } from './ts-source.ts';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'tributary-source-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const collect = async (messages: AsyncIterable<Uint8Array>): Promise<Buffer> => {
  const parts: Uint8Array[] = [];
  for await (const message of messages) parts.push(message);
  return Buffer.concat(parts);
};
const nullPacket = (): Buffer => Buffer.from([0x47, 0x1f, 0xff, 0x10, ...Array<number>(184).fill(0xff)]);
const SMALL = { ...DEFAULT_TEST_PICTURE, width: 320, height: 180, totalKbps: 1_000 };

describe('a file', () => {
  it('comes whole, in the time that it plays', async () => {
    const path = testClip(2, 'p');
    const start = performance.now();
    const got = await collect(fileSource(path).messages());
    const tookMs = performance.now() - start;
    expect(got.equals(readFileSync(path))).toBe(true);
    expect(tookMs).toBeGreaterThan(1_500);
    expect(tookMs).toBeLessThan(3_500);
  });

  it('ends soon after stop', async () => {
    const source = fileSource(testClip(2, 'p'));
    let count = 0;
    for await (const _message of source.messages()) if (++count === 20) source.stop();
    expect(count).toBe(20);
  });

  it.each([
    ['is missing', 'absent.ts', undefined, /cannot read .*absent\.ts \(ENOENT\)/],
    ['is empty', 'empty.ts', '', /empty\.ts is not MPEG-TS/],
    ['is text', 'text.ts', 'hello '.repeat(100_000), /text\.ts is not MPEG-TS/],
  ])('that %s is named', async (_what, name, content, message) => {
    const path = join(folder, name);
    if (content !== undefined) writeFileSync(path, content);
    await expect(collect(fileSource(path).messages())).rejects.toMatchObject({
      code: 'TRIBUTARY_BAD_INPUT_FILE',
      message: expect.stringMatching(message),
      mend: expect.any(String),
    });
  });
});

describe('a live stream', () => {
  it('passes whole messages on at once and the rest at the end', async () => {
    const input = new PassThrough();
    const messages = streamSource(input).messages()[Symbol.asyncIterator]();
    const packets = Buffer.concat(Array.from({ length: 9 }, nullPacket));
    input.write(packets.subarray(0, 1_500));
    expect((await messages.next()).value).toHaveLength(1_316);
    input.end(packets.subarray(1_500));
    expect((await messages.next()).value).toHaveLength(2 * 188);
    expect((await messages.next()).done).toBe(true);
  });

  it('finds the packets again behind garbage', async () => {
    const packets = Buffer.concat(Array.from({ length: 14 }, nullPacket));
    const input = Buffer.concat([
      Buffer.from('junk in front'),
      packets.subarray(0, 1_316),
      Buffer.from([1, 2, 3]),
      packets.subarray(1_316),
    ]);
    expect((await collect(streamSource(Readable.from([input])).messages())).equals(packets)).toBe(true);
  });
});

describe('the test picture', () => {
  it('is MPEG-TS at about the rate it is told, and ends when its time is over', async () => {
    const start = performance.now();
    const got = await collect(testSource({ ...SMALL, seconds: 3 }).messages());
    expect(performance.now() - start).toBeGreaterThan(2_000);
    expect(got.length % 188).toBe(0);
    const kbps = (got.length * 8) / 3 / 1000;
    expect(kbps).toBeGreaterThan(850);
    expect(kbps).toBeLessThan(1_150);
  });

  it('ends without complaint when it is stopped', async () => {
    const source = testSource(SMALL);
    let count = 0;
    for await (const _message of source.messages()) if (++count === 3) source.stop();
    expect(count).toBeGreaterThanOrEqual(3);
  });

  it('names ffmpeg where it is missing', async () => {
    await expect(collect(testSource(SMALL, join(folder, 'no-ffmpeg')).messages())).rejects.toMatchObject({
      code: 'TRIBUTARY_BAD_INPUT_FILE',
      message: expect.stringContaining('ffmpeg'),
      mend: expect.stringContaining('apt-get install ffmpeg'),
    });
  });

  it('repeats what ffmpeg complains of', async () => {
    await expect(collect(testSource({ ...SMALL, width: -1 }).messages())).rejects.toMatchObject({
      code: 'TRIBUTARY_BAD_INPUT_FILE',
      message: expect.stringMatching(/ffmpeg stopped with \d+ \(.+\)/),
    });
  });
});
