import { mkdirSync, readFileSync, rmdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { temporaryFolder } from '../../test/support/data-dir.ts';
import { silentLogger } from '../shared/logger.ts';
import { DirectoryFile } from './directory-file.ts';
import { DirectoryLife } from './directory-life.ts';

const ROWS = [
  { publisher: 'live_a', player: 'play_a' },
  { publisher: 'live_a', player: 'play_a2' },
  { publisher: 'live_b', player: 'play_b' },
];
const START = 1_790_000_000_000;

const GRACE_MS = 600_000;
const lifeOf = (store: DirectoryFile, time: { unixMs: number; now: number }): DirectoryLife =>
  new DirectoryLife({
    ...{ store, graceMs: GRACE_MS, logger: silentLogger },
    ...{ clock: () => time.now, unixNow: () => time.unixMs },
  });

const setUp = async () => {
  const folder = temporaryFolder();
  const time = { unixMs: START, now: 5_000 };
  const store = await DirectoryFile.open(
    folder,
    () => time.unixMs,
    () => ROWS,
  );
  const removed: string[] = [];
  store.directory.onChange(({ type, row }) => {
    if (type === 'removed') removed.push(row.player);
  });
  const life = lifeOf(store, time);
  return { folder, time, store, removed, life };
};

describe('a row that was deleted while it was live', () => {
  it('is admitted until its time is over, by the clock that does not jump', async () => {
    const { time, store, removed, life } = await setUp();
    await store.remove('play_a', () => START + 600_000);
    await life.look();
    time.unixMs += 3_600_000;
    time.now += 599_999;
    await life.look();
    expect(removed).toEqual([]);
    expect(store.directory.publisherOfPlayer('play_a')).toBe('live_a');
    time.now += 1;
    await life.look();
    expect(removed).toEqual(['play_a']);
    expect(store.directory.rows().map((row) => row.player)).toEqual(['play_a2', 'play_b']);
  });

  it('that comes back stays', async () => {
    const { time, store, removed, life } = await setUp();
    await store.remove('play_a', () => START + 1_000);
    await life.look();
    await store.add(ROWS[0]!);
    time.now += 5_000;
    await life.look();
    expect(removed).toEqual([]);
    // Deleted anew it has a whole grace again.
    await store.remove('play_a', () => time.unixMs + 1_000);
    await life.look();
    expect(removed).toEqual([]);
  });

  it('that comes back after its expiry works, for as long as is said anew', async () => {
    const { time, store } = await setUp();
    await store.update('play_a', { expiresAt: START + 500, label: 'Bike' });
    await store.remove('play_a', () => START + 60_000);
    time.unixMs += 499;
    await store.add(ROWS[0]!);
    expect(store.directory.rowOf('play_a')).toEqual({ ...ROWS[0], label: 'Bike', expiresAt: START + 500 });
    await store.remove('play_a', () => START + 60_000);
    time.unixMs += 1;
    expect(await store.add(ROWS[0]!)).toEqual({ ...ROWS[0], label: 'Bike' });
    expect(store.directory.rowOf('play_a')).toEqual({ ...ROWS[0], label: 'Bike' });
  });

  it('is so after a restart, for the rest of its time; what ran out meanwhile is gone', async () => {
    const { folder, time, store } = await setUp();
    await store.remove('play_a', () => START + 1_000);
    await store.remove('play_b', () => START + 9_000);
    time.unixMs += 5_000;
    const again = await DirectoryFile.open(folder, () => time.unixMs);
    expect(again.directory.rows().map((row) => row.player)).toEqual(['play_a2']);
    expect(again.directory.admitted().map((row) => row.player)).toEqual(['play_a2', 'play_b']);
    const life = lifeOf(again, time);
    await life.look();
    time.now += 4_000;
    await life.look();
    expect(again.directory.admitted().map((row) => row.player)).toEqual(['play_a2']);
    expect(readFileSync(join(folder, 'streams.json'), 'utf8')).not.toContain('play_b');
  });

  it('has no more than a grace where the clock of the machine is behind after a start', async () => {
    const { folder, time, store } = await setUp();
    await store.remove('play_a', () => START + 1_000);
    // A machine without a battery: it is 1970 until the network is there.
    time.unixMs = 0;
    const again = await DirectoryFile.open(folder, () => time.unixMs);
    const life = lifeOf(again, time);
    await life.look();
    time.now += GRACE_MS - 1;
    await life.look();
    expect(again.directory.leavingUntil('play_a')).toBeDefined();
    time.now += 1;
    await life.look();
    expect(again.directory.leavingUntil('play_a')).toBeUndefined();
  });

  it('keeps its ids for itself while it is leaving', async () => {
    const { store } = await setUp();
    await store.remove('live_a', () => START + 1_000);
    await expect(store.add({ publisher: 'live_c', player: 'play_a' })).rejects.toMatchObject({
      code: 'TRIBUTARY_STREAM_ID_TAKEN',
    });
    await expect(store.add({ publisher: 'play_a', player: 'x' })).rejects.toMatchObject({
      code: 'TRIBUTARY_STREAM_ID_INVALID',
    });
    expect(store.directory.publisherCount).toBe(2);
  });

  it('takes a new passphrase only where no other row of its publisher has one', async () => {
    const { store } = await setUp();
    await store.remove('play_a', () => START + 1_000);
    await expect(store.add({ ...ROWS[0]!, passphrase: '0123456789' })).rejects.toMatchObject({
      code: 'TRIBUTARY_STREAM_ID_INVALID',
    });
    await store.remove('play_b', () => START + 1_000);
    expect(await store.add({ ...ROWS[2]!, passphrase: '0123456789' })).toMatchObject({ passphrase: '0123456789' });
  });
});

describe('rows of SLS', () => {
  it('are kept whatever they look like, and can be deleted by either id', async () => {
    const { folder, store } = await setUp();
    const odd = [
      { publisher: 'a b"\\', player: 'é' },
      { publisher: 'same', player: 'same' },
      { publisher: 'live_z', player: 'live_b' },
    ];
    await store.load(odd);
    const again = await DirectoryFile.open(folder);
    expect(again.directory.rows().slice(3)).toEqual(odd);
    expect(await again.remove('live_b')).toEqual([odd[2]]);
    expect(await again.remove('same')).toEqual([odd[1]]);
    expect(await again.remove('a b"\\')).toEqual([odd[0]]);
    expect(again.directory.rows()).toEqual(ROWS);
  });

  it('come all or none', async () => {
    const { store } = await setUp();
    await expect(store.load([{ publisher: 'x', player: 'y' }, ROWS[2]!])).rejects.toMatchObject({
      code: 'TRIBUTARY_STREAM_ID_TAKEN',
    });
    expect(store.directory.rows()).toEqual(ROWS);
  });
});

describe('owners', () => {
  it('stay with their rows', async () => {
    const { folder, store } = await setUp();
    await store.add({ publisher: 'live_p', player: 'play_p', owner: 'plane-1' });
    await store.update('play_p', { label: 'x' });
    const rows = (await DirectoryFile.open(folder)).directory.rows();
    expect(rows.filter((row) => row.owner === 'plane-1')).toEqual([
      { publisher: 'live_p', player: 'play_p', label: 'x', owner: 'plane-1' },
    ]);
  });
});

describe('a row that is revoked while the disk is full', () => {
  it('is cut all the same, said not to be stored each time, and stored as soon as that goes', async () => {
    const { folder, time, store, removed, life } = await setUp();
    await store.remove('play_a', () => START + 60_000);
    const blocked = join(folder, 'streams.json.partial');
    mkdirSync(blocked);
    const failure = { code: 'TRIBUTARY_DATA_DIR_UNWRITABLE' };
    await expect(store.remove('live_a')).rejects.toMatchObject(failure);
    expect(removed).toEqual(['play_a', 'play_a2']);
    // Asked for again: it is not done yet.
    await expect(store.remove('live_a')).rejects.toMatchObject(failure);
    await life.look();
    expect(readFileSync(join(folder, 'streams.json'), 'utf8')).toContain('play_a2');
    rmdirSync(blocked);
    time.now += 9_999;
    await life.look();
    expect(readFileSync(join(folder, 'streams.json'), 'utf8')).toContain('play_a2');
    time.now += 1;
    await life.look();
    expect((await DirectoryFile.open(folder)).directory.admitted()).toEqual([ROWS[2]]);
    expect(await store.remove('live_a')).toEqual([]);
  });

  it('stays where it is only deleted', async () => {
    const { folder, store, removed } = await setUp();
    mkdirSync(join(folder, 'streams.json.partial'));
    await expect(store.remove('play_b', () => undefined)).rejects.toThrow();
    expect(removed).toEqual([]);
    expect(store.directory.rows()).toEqual(ROWS);
  });
});
