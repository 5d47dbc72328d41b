import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CounterTable } from '../../src/data-plane/counter-table.ts';
import { generationOf, HAMMER, HAMMER_BYTES, writingOf } from './hammer.ts';

const READS = 10_000_000;

describe('a counter record', () => {
  const table = new CounterTable(new SharedArrayBuffer(HAMMER_BYTES), HAMMER);
  const values = Float64Array.from({ length: HAMMER.fields }, (_, index) => index * 1.5);
  const out = new Float64Array(HAMMER.fields);

  it('is read as it was written, by its own generation alone', () => {
    expect(table.read(0, 1, out)).toBe('gone');
    table.write(0, 1, values);
    expect(table.read(0, 1, out)).toBe('ok');
    expect(out).toEqual(values);
    expect(table.read(0, 3, out)).toBe('gone');
    table.write(0, 2, values);
    expect(table.read(0, 1, out)).toBe('gone');
  });

  it('is not waited for without end when its writer has stopped in the middle', () => {
    table.open(0, 3);
    expect(table.read(0, 3, out)).toBe('busy');
    table.put(0, values);
    table.close(0);
    expect(table.read(0, 3, out)).toBe('ok');
  });
});

describe('a counter record that is written over and over for ever new owners', () => {
  const memory = new SharedArrayBuffer(HAMMER_BYTES);
  const shared = new Int32Array(new SharedArrayBuffer(8));
  const table = new CounterTable(memory, HAMMER);
  const out = new Float64Array(HAMMER.fields);
  let worker: Worker;

  beforeAll(async () => {
    worker = new Worker(new URL('./hammer-worker.ts', import.meta.url), { workerData: { memory, shared } });
    const failed = new Promise<never>((_, fail) => worker.once('error', fail));
    await Promise.race([failed, until(() => Atomics.load(shared, 0) > 0)]);
  });

  afterAll(async () => {
    Atomics.store(shared, 1, 1);
    await worker.terminate();
  });

  it(`is never mixed in ${READS} reads, nor another owner's`, { timeout: 60_000 }, () => {
    let whole = 0;
    let mixed = 0;
    let foreign = 0;
    let newest = -1;
    let backwards = 0;
    for (let i = 0; i < READS; i++) {
      const generation = Atomics.load(shared, 0);
      if (table.read(0, generation, out) !== 'ok') continue;
      const writing = writingOf(out);
      if (writing === undefined) mixed++;
      else if (generationOf(writing) !== generation) foreign++;
      else {
        whole++;
        if (writing < newest) backwards++;
        newest = writing;
      }
    }
    expect({ mixed, foreign, backwards }).toEqual({ mixed: 0, foreign: 0, backwards: 0 });
    expect(whole).toBeGreaterThan(READS / 100);
    expect(newest).toBeGreaterThan(100_000);
  });

  it.skipIf(availableParallelism() < 2)('would be seen mixed without the sequence word', { timeout: 30_000 }, () => {
    let mixed = 0;
    for (let i = 0; i < 20_000_000 && mixed === 0; i++) {
      const isThere = table.load(0, Atomics.load(shared, 0), out);
      if (isThere && writingOf(out) === undefined) mixed++;
    }
    expect(mixed).toBeGreaterThan(0);
  });
});

const until = async (condition: () => boolean): Promise<void> => {
  while (!condition()) await new Promise((done) => setTimeout(done, 5));
};
