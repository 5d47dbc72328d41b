import { beforeEach, describe, expect, it } from 'vitest';
import { FakeSrtEngine } from '../../test/support/fake-srt-engine.ts';
import { type AccessRow, AccessTable } from './access.ts';
import { ASSUMED_KBPS, sessionBuffers } from './buffer-size.ts';

const CEILING = { latencyCeilingMs: 10_000 };
let engine: FakeSrtEngine;
let table: AccessTable;
const row = (player: string, limits: Partial<AccessRow> = {}): AccessRow => ({
  publisher: 'live_a',
  player,
  ...limits,
});

beforeEach(() => {
  engine = new FakeSrtEngine();
  table = new AccessTable(engine, { playersPerId: 20, latencyFloorMs: 200, ...CEILING });
});

describe('AccessTable', () => {
  it('gives each id the limits of its row', () => {
    table.put(row('play_a', { passphrase: 'correct horse', maxPlayers: 3, latencyMs: 900, playerLatencyMs: 400 }), 0);
    expect([...engine.allowed]).toEqual([
      ['publish live_a', { passphrase: 'correct horse', latencyMs: 900, ...CEILING, maxSockets: 1 }],
      ['play play_a', { passphrase: 'correct horse', latencyMs: 400, maxSockets: 3 }],
    ]);
  });

  it('sizes buffers to the highest latency and the ceiling', () => {
    table.put(row('play_a', { maxBitrateKbps: 50_000 }), 0);
    const sized = sessionBuffers(10_000, 60_000);
    // 10.5 s of 60 Mbit/s in messages of 1316 bytes.
    expect(sized.flowWindowPackets).toBe(59_841);
    expect(engine.allowed.get('publish live_a')).toEqual({ ...CEILING, maxSockets: 1, ...sized });
    expect(engine.allowed.get('play play_a')).toEqual({ maxSockets: 20, ...sized });
    table.put(row('play_a', { maxBitrateKbps: 100 }), 0);
    expect(engine.allowed.get('publish live_a')).toMatchObject({ flowWindowPackets: 8_192, bufferBytes: 12_288_000 });
  });

  it('takes other settings for whoever comes from then on, and leaves the order of rows alone', () => {
    table.put(row('play_a', { passphrase: 'the first one' }), 0);
    table.put(row('play_b', { passphrase: 'the second one', maxPlayers: 3 }), 0);
    table.configure({ playersPerId: 7, latencyFloorMs: 500, latencyCeilingMs: 20_000 });
    expect(engine.allowed.get('publish live_a')).toEqual({
      ...sessionBuffers(20_000, ASSUMED_KBPS),
      ...{ latencyMs: 500, latencyCeilingMs: 20_000, maxSockets: 1, passphrase: 'the second one' },
    });
    expect(engine.allowed.get('play play_a')).toMatchObject({ maxSockets: 7, ...sessionBuffers(20_000, ASSUMED_KBPS) });
    expect(engine.allowed.get('play play_b')).toMatchObject({ maxSockets: 3 });
    // 0 would leave the floor of the listeners.
    table.configure({ playersPerId: 7, latencyFloorMs: 0, latencyCeilingMs: 9_000 });
    expect(engine.allowed.get('publish live_a')).toMatchObject({ latencyMs: 1, latencyCeilingMs: 9_000 });
    table.configure({ playersPerId: 20, latencyFloorMs: 200, ...CEILING });
    expect(engine.allowed.get('publish live_a')).toEqual({ ...CEILING, maxSockets: 1, passphrase: 'the second one' });
    expect(engine.allowed.get('play play_a')).toEqual({ maxSockets: 20, passphrase: 'the first one' });
  });

  it('raises the ceiling of latency for an id that asks for more, with room for it', () => {
    table.put(row('play_a', { latencyMs: 20_000, playerLatencyMs: 30_000 }), 0);
    expect(engine.allowed.get('publish live_a')).toEqual({
      ...sessionBuffers(20_000, ASSUMED_KBPS),
      latencyMs: 20_000,
      latencyCeilingMs: 20_000,
      maxSockets: 1,
    });
    // Players have no ceiling.
    expect(engine.allowed.get('play play_a')).toEqual({
      ...sessionBuffers(30_000, ASSUMED_KBPS),
      latencyMs: 30_000,
      maxSockets: 20,
    });
  });

  it('takes the lowest ceiling and the highest latency of several rows', () => {
    table.put(row('play_a', { maxBitrateKbps: 9_000, latencyMs: 500 }), 0);
    table.put(row('play_b', { latencyMs: 2_000 }), 0);
    table.put(row('play_c', { maxBitrateKbps: 4_000 }), 0);
    expect(table.ceilingKbps('live_a')).toBe(4_000);
    expect(engine.allowed.get('publish live_a')).toMatchObject({ latencyMs: 2_000 });
    table.remove('play_c');
    expect(table.ceilingKbps('live_a')).toBe(9_000);
    table.remove('play_a');
    expect(table.ceilingKbps('live_a')).toBeUndefined();
    expect(engine.allowed.get('publish live_a')).toEqual({ ...CEILING, maxSockets: 1, latencyMs: 2_000 });
  });

  it('takes the passphrase of the row that was put last', () => {
    table.put(row('play_a', { passphrase: 'the first one' }), 0);
    table.put(row('play_b', { passphrase: 'the second one' }), 0);
    expect(engine.allowed.get('publish live_a')).toMatchObject({ passphrase: 'the second one' });
    table.put(row('play_a'), 0);
    expect(engine.allowed.get('publish live_a')).toEqual({ ...CEILING, maxSockets: 1 });
  });

  it('says which row was the last of its publisher', () => {
    table.put(row('play_a'), 0);
    table.put(row('play_b'), 0);
    expect(table.remove('play_a')).toEqual({ publisher: 'live_a', wasLast: false });
    expect(table.remove('play_a')).toBeUndefined();
    expect(table.remove('play_b')).toEqual({ publisher: 'live_a', wasLast: true });
    expect(engine.allowed.size).toBe(0);
  });

  it('moves a player id to another publisher', () => {
    table.put(row('play_a'), 0);
    table.put({ publisher: 'live_b', player: 'play_a' }, 0);
    expect([...engine.allowed.keys()]).toEqual(['publish live_b', 'play play_a']);
    expect(table.hasPublisher('live_a')).toBe(false);
  });

  it('expires a player id, and the publisher id with its last row', () => {
    table.put(row('play_a', { expiresAt: 1_000 }), 0);
    table.put(row('play_b', { expiresAt: 2_000 }), 0);
    expect(table.expire(999)).toEqual({ publishers: [], players: [] });
    expect(table.expire(1_000)).toEqual({ publishers: [], players: ['play_a'] });
    expect([...engine.allowed.keys()]).toEqual(['publish live_a', 'play play_b']);
    expect([table.isExpired('play_a'), table.isExpired('live_a')]).toEqual([true, false]);
    expect(table.expire(1_001)).toEqual({ publishers: [], players: [] });
    expect(table.expire(5_000)).toEqual({ publishers: ['live_a'], players: ['play_b'] });
    expect(engine.allowed.size).toBe(0);
    expect(table.isExpired('live_a')).toBe(true);
    // They go on to mean themselves, until they are taken away.
    expect([...engine.refused].sort()).toEqual(['play play_a', 'play play_b', 'publish live_a']);
    expect(table.publisherIdOf('publish:live_a')).toBeUndefined();
    table.remove('play_a');
    table.remove('play_b');
    expect(engine.refused.size).toBe(0);
  });

  it('never lets in what has expired already, and lets it in again when its time is put off', () => {
    table.put(row('play_a', { expiresAt: 1_000 }), 1_000);
    expect(engine.allowed.size).toBe(0);
    table.put(row('play_a', { expiresAt: 3_000 }), 1_500);
    expect([...engine.allowed.keys()]).toEqual(['publish live_a', 'play play_a']);
    expect(table.expire(3_000)).toEqual({ publishers: ['live_a'], players: ['play_a'] });
    // The clock was set back.
    expect(table.expire(2_000)).toEqual({ publishers: [], players: [] });
    expect([...engine.allowed.keys()]).toEqual(['publish live_a', 'play play_a']);
  });

  it('knows whom a caller has meant, in any dialect and either role', () => {
    table.put(row('play_a'), 0);
    for (const said of ['live_a', 'publish:live_a', 'live_a?x', 'play_a', 'publish:play_a'])
      expect(table.meantBy(said, 'publish')).toBe('live_a');
    expect(table.meantBy('nobody', 'publish')).toBeUndefined();
    for (const said of ['live_a', 'publish:live_a', 'live_a?x']) expect(table.publisherIdOf(said)).toBe('live_a');
    // A player id is no way to learn its publisher id.
    for (const said of ['play_a', 'publish:play_a', 'nobody']) expect(table.publisherIdOf(said)).toBeUndefined();
  });

  it('never asks the engine for what that refuses', () => {
    const nonsense = [0, -1, 0.4, 1e12, Number.NaN, Number.POSITIVE_INFINITY];
    for (const value of nonsense) {
      table.put(
        row('play_a', { maxPlayers: value, maxBitrateKbps: value, latencyMs: value, playerLatencyMs: value }),
        0,
      );
      for (const access of engine.allowed.values())
        for (const [name, given] of Object.entries(access))
          expect([name, Number.isInteger(given) && given > 0]).toEqual([name, true]);
      expect(engine.allowed.get('play play_a')!.maxSockets).toBeLessThanOrEqual(1_000_000);
      expect(engine.allowed.get('publish live_a')!.latencyMs ?? 1).toBeLessThanOrEqual(60_000);
      expect(engine.allowed.get('publish live_a')!.bufferBytes ?? 1).toBeLessThanOrEqual(2 ** 31 - 1);
    }
  });
});
