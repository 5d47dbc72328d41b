import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Row, StreamDirectory } from './directory.ts';

const row = (publisher: string, player: string, more: Partial<Row> = {}): Row => ({ publisher, player, ...more });
const of = (...rows: Row[]): StreamDirectory => {
  const directory = new StreamDirectory();
  for (const one of rows) directory.add(one);
  return directory;
};

describe('StreamDirectory', () => {
  it('maps several player ids to one publisher id', () => {
    const directory = of(row('live_a', 'play_1'), row('live_b', 'play_2'), row('live_a', 'play_3'));
    expect(directory.publisherOfPlayer('play_3')).toBe('live_a');
    expect(directory.publisherOfPlayer('live_a')).toBeUndefined();
    expect(directory.playersOf('live_a').map((one) => one.player)).toEqual(['play_1', 'play_3']);
    expect(directory.playersOf('play_1')).toEqual([]);
    expect(directory.publisherCount).toBe(2);
    expect(directory.rows().map((one) => one.player)).toEqual(['play_1', 'play_2', 'play_3']);
  });

  it('refuses a player id that exists, whoever its publisher is', () => {
    const directory = of(row('live_a', 'play_1'));
    for (const publisher of ['live_a', 'live_b'])
      expect(() => directory.add(row(publisher, 'play_1'))).toThrow(
        expect.objectContaining({ code: 'TRIBUTARY_STREAM_ID_TAKEN' }),
      );
    expect(directory.publisherCount).toBe(1);
  });

  it.each([
    ['a player id that is a publisher id', row('live_b', 'live_a')],
    ['a publisher id that is a player id', row('play_1', 'play_2')],
    ['one id for both', row('x', 'x')],
    ['an empty id', row('', 'p')],
    ['a space', row('live a', 'p')],
    ['a line break', row('live_b\n', 'p')],
    ['a quote', row('live_b', 'p"')],
    ['an apostrophe', row('live_b', "p'")],
    ['a letter outside ASCII', row('live_b', 'pé')],
    ['513 characters', row('live_b', 'p'.repeat(513))],
    ['a passphrase of 9 characters', row('live_b', 'p', { passphrase: '123456789' })],
    ['a long description', row('live_b', 'p', { description: 'd'.repeat(1025) })],
  ])('refuses %s, and changes nothing', (_, bad) => {
    const directory = of(row('live_a', 'play_1'));
    expect(() => directory.add(bad)).toThrow(expect.objectContaining({ code: 'TRIBUTARY_STREAM_ID_INVALID' }));
    expect(directory.rows()).toEqual([row('live_a', 'play_1')]);
  });

  it('takes slashes and 512 characters', () => {
    const directory = of(row('live/stream123', 'p'.repeat(512)));
    expect(directory.hasPublisher('live/stream123')).toBe(true);
  });

  it('has one passphrase a publisher id: a further player id gets it, a different one is refused', () => {
    const directory = of(row('live_a', 'play_1', { passphrase: '0123456789' }), row('live_b', 'play_b'));
    expect(directory.add(row('live_a', 'play_2')).passphrase).toBe('0123456789');
    expect(() => directory.add(row('live_a', 'play_3', { passphrase: '9876543210' }))).toThrow(/passphrase/);
    expect(() => directory.add(row('live_b', 'play_4', { passphrase: '9876543210' }))).toThrow(/passphrase/);
  });

  it('removes by player id, and the publisher id goes with its last row', () => {
    const directory = of(row('live_a', 'play_1'), row('live_a', 'play_2'));
    expect(directory.removeByPlayer('live_a')).toBeUndefined();
    expect(directory.removeByPlayer('play_1')).toEqual(row('live_a', 'play_1'));
    expect(directory.hasPublisher('live_a')).toBe(true);
    expect(directory.removeByPlayer('play_2')).toEqual(row('live_a', 'play_2'));
    expect(directory.hasPublisher('live_a')).toBe(false);
    expect(directory.publisherCount).toBe(0);
  });

  it('removes all rows of a publisher id', () => {
    const directory = of(row('live_a', 'play_1'), row('live_b', 'play_b'), row('live_a', 'play_2'));
    expect(directory.removePublisher('live_a').map((one) => one.player)).toEqual(['play_1', 'play_2']);
    expect(directory.removePublisher('live_a')).toEqual([]);
    expect(directory.rows()).toEqual([row('live_b', 'play_b')]);
  });

  it('puts a row in its place with every field, and brings it back where it is leaving', () => {
    const directory = new StreamDirectory();
    directory.put({ publisher: 'live_a', player: 'play_a', label: 'A', maxPlayers: 3, owner: 'plane-one' });
    directory.put({ publisher: 'live_a', player: 'play_b', owner: 'plane-one' });
    const told: string[] = [];
    directory.onChange(({ type, row }) => told.push(`${type} ${row.player}`));
    directory.retire('play_a', 1_000);
    const next = { publisher: 'live_a', player: 'play_a', latencyMs: 900, owner: 'plane-two' };
    directory.put(next);
    expect(directory.rows()).toEqual([
      { publisher: 'live_a', player: 'play_b', latencyMs: 900, owner: 'plane-one' },
      next,
    ]);
    expect(told).toContain('updated play_b');
    expect(directory.leaving()).toEqual([]);
  });

  it('puts nothing that is not right, or has another publisher id', () => {
    const directory = new StreamDirectory();
    const row = { publisher: 'live_a', player: 'play_a' };
    directory.put(row);
    expect(() => directory.put({ ...row, maxPlayers: 0 })).toThrow(/maxPlayers/);
    expect(() => directory.put({ publisher: 'live_b', player: 'play_a' })).toThrow(/already exists/);
    expect(() => directory.put({ publisher: 'play_a', player: 'play_c' })).toThrow(/player id already/);
    expect(directory.rows()).toEqual([row]);
  });

  it('tells of each change, until it is asked no more', () => {
    const directory = new StreamDirectory();
    const seen: string[] = [];
    const end = directory.onChange(({ type, row: { player } }) => seen.push(`${type} ${player}`));
    directory.add(row('live_a', 'play_1'));
    directory.add(row('live_a', 'play_2'));
    directory.removePublisher('live_a');
    end();
    directory.add(row('live_a', 'play_3'));
    expect(seen).toEqual(['added play_1', 'added play_2', 'removed play_1', 'removed play_2']);
  });

  it('keeps its indexes in step whatever is added and removed', () => {
    const id = fc.constantFrom('a', 'b', 'c', 'd');
    const step = fc.oneof(
      fc.record({ add: fc.tuple(id, id) }),
      fc.record({ player: id }),
      fc.record({ publisher: id }),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 30 }), (steps) => {
        const directory = new StreamDirectory();
        for (const one of steps) {
          if ('player' in one) directory.removeByPlayer(one.player);
          else if ('publisher' in one) directory.removePublisher(one.publisher);
          else
            try {
              directory.add(row(one.add[0], one.add[1]));
            } catch {
              // A row that is refused; what matters is what is left.
            }
          const rows = directory.rows();
          const publishers = new Set(rows.map((item) => item.publisher));
          expect(directory.publisherCount).toBe(publishers.size);
          for (const item of rows) {
            expect(directory.publisherOfPlayer(item.player)).toBe(item.publisher);
            expect(publishers.has(item.player)).toBe(false);
          }
          for (const publisher of publishers)
            expect(directory.playersOf(publisher)).toEqual(rows.filter((item) => item.publisher === publisher));
        }
      }),
    );
  });
});
