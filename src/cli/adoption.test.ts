import { describe, expect, it } from 'vitest';
import type { Row } from '../sls-bridge/directory-rules.ts';
import { adoptArguments } from './adopt.ts';
import { planAdoption } from './adoption.ts';

const row = (token: string, more: Partial<Row> = {}): Row => ({
  publisher: `live_${token}`,
  player: `play_${token}`,
  ...more,
});
const BASE32 = 'abcdefghijklmnopqrstuvwxyz';

describe('the rows that become slots', () => {
  it("are the node's own with ids of a slot", () => {
    const rows = [row('3f9a0c1e', { label: 'Camera', description: 'rack 4' }), row(BASE32, { owner: 'local' })];
    const { adopt, stay } = planAdoption([...rows, row('00000000', { owner: 'plane-one' })], []);
    expect(adopt.map(({ streamToken }) => streamToken)).toEqual(['3f9a0c1e', BASE32]);
    expect(stay).toEqual([]);
  });

  it.each<[string, Row, RegExp]>([
    ['another token', row('mine'), /live_TOKEN/],
    ['capital letters', row('3F9A0C1E'), /live_TOKEN/],
    ['an id without its word', { publisher: '3f9a0c1e', player: 'play_3f9a0c1e' }, /live_TOKEN/],
    ['a player id of another', { publisher: 'live_3f9a0c1e', player: 'play_00000000' }, /live_TOKEN/],
    ['a passphrase', row('3f9a0c1e', { passphrase: 'a long secret' }), /passphrase/],
    ['an end', row('3f9a0c1e', { expiresAt: 1 }), /expiresAt/],
    ['a latency', row('3f9a0c1e', { latencyMs: 900 }), /latencyMs/],
  ])('are not those with %s', (_what, one, why) => {
    const { adopt, stay } = planAdoption([one], []);
    expect(adopt).toEqual([]);
    expect(stay).toEqual([{ row: one, why: expect.stringMatching(why) }]);
  });

  it('are not those of a publisher id with several players', () => {
    const rows = [row('3f9a0c1e'), { publisher: 'live_3f9a0c1e', player: 'second' }];
    expect(planAdoption(rows, []).adopt).toEqual([]);
    expect(planAdoption(rows, ['play_3f9a0c1e']).stay).toHaveLength(1);
  });

  it('are only those that were named', () => {
    const rows = [row('3f9a0c1e'), row('00000000'), row('11111111')];
    const { adopt, unknown } = planAdoption(rows, ['live_3f9a0c1e', 'play_11111111', 'nobody']);
    expect(unknown).toEqual(['nobody']);
    expect(adopt.map(({ streamToken }) => streamToken)).toEqual(['3f9a0c1e', '11111111']);
  });
});

describe('the command line of adopt', () => {
  it('takes its own flags, the ids, and leaves the rest to the settings', () => {
    const argv = ['--user', 'ann', 'live_a', '--data-dir', 'd', '--plane=https://p.example', 'play_b', '--dry-run'];
    expect(adoptArguments(argv)).toEqual({
      ...{ user: 'ann', url: 'https://p.example', isDryRun: true },
      ...{ ids: ['live_a', 'play_b'], rest: ['--data-dir', 'd'] },
    });
  });

  it.each([
    [[]],
    [['--user']],
    [['--user=']],
    [['--user', 'ann', '--plane', 'ftp://x']],
    [['--user', 'ann', '--plane', 'https://x/y']],
  ])('%j is refused', (argv: string[]) => {
    expect(() => adoptArguments(argv)).toThrow(expect.objectContaining({ code: 'TRIBUTARY_BAD_ARGUMENT' }));
  });
});
