import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Desired, DesiredStream } from '../control-plane/protocol.ts';
import type { Row } from '../sls-bridge/directory-rules.ts';
import { type Present, type RowChanges, reconcile, removalLimit } from './reconcile.ts';

const PLANE = 'plane-one';
const OTHER = 'plane-two';

const stream = (name: string, more: Partial<DesiredStream> = {}): DesiredStream => ({
  publisher: `live_${name}`,
  player: `play_${name}`,
  ...more,
});
const row = (name: string, owner: string | undefined = PLANE, more: Partial<Row> = {}): Row => ({
  publisher: `live_${name}`,
  player: `play_${name}`,
  ...(owner === 'local' ? {} : { owner }),
  ...more,
});
const local = (name: string): Row => row(name, 'local');
const names = (count: number): string[] => Array.from({ length: count }, (_, n) => `s${n}`);
const list = (streams: readonly DesiredStream[], more: Partial<Desired> = {}): Desired => ({
  planeId: PLANE,
  generation: 8,
  streams: [...streams],
  ...more,
});
const present = (rows: readonly Row[], more: Partial<Present> = {}): Present => ({
  planeId: PLANE,
  generation: 7,
  rows,
  isLeaving: () => false,
  held: new Set(),
  ...more,
});
const NOTHING: RowChanges = { remove: [], put: [], held: [], newlyHeld: [], conflicts: [] };

describe('a list of desired ids', () => {
  it('adds what is missing, with its owner, and removes what is extra', () => {
    const before = present([row('a'), row('b')]);
    expect(reconcile(before, list([stream('b'), stream('c', { label: 'Camera', maxPlayers: 3 })]))).toEqual({
      ...NOTHING,
      remove: ['play_a'],
      put: [{ ...row('c'), label: 'Camera', maxPlayers: 3 }],
    });
  });

  it('changes nothing where all is as it is to be', () => {
    const before = present([row('a', PLANE, { passphrase: 'a long secret' })]);
    expect(reconcile(before, list([stream('a', { passphrase: 'a long secret' })]))).toEqual(NOTHING);
  });

  it('takes limits back that it does not name any more, and keeps what an operator has noted', () => {
    const before = present([row('a', PLANE, { maxBitrateKbps: 6_000, description: 'rack 4' })]);
    expect(reconcile(before, list([stream('a')]))?.put).toEqual([row('a', PLANE, { description: 'rack 4' })]);
  });

  it('takes over a row of the node that was handed over, and no other', () => {
    const before = present([local('a'), local('b'), local('c'), row('d', 'local', { description: 'rack 4' })], {
      handedOver: new Set(['play_a', 'play_c', 'play_d']),
    });
    const changes = reconcile(before, list([stream('a', { label: 'Camera' }), stream('b'), stream('d')]));
    expect(changes).toEqual({
      ...NOTHING,
      put: [row('a', PLANE, { label: 'Camera' }), row('d', PLANE, { description: 'rack 4' })],
      conflicts: [expect.objectContaining({ player: 'play_b', reason: 'local' })],
    });
    const elsewhere = { publisher: 'live_x', player: 'play_a' };
    expect(reconcile(before, list([elsewhere]))).toMatchObject({ put: [], conflicts: [{ reason: 'taken' }] });
  });

  it('is ignored where it is no newer, or of another plane', () => {
    const before = present([row('a')]);
    expect(reconcile(before, list([], { generation: 7 }))).toBeUndefined();
    expect(reconcile(before, list([], { generation: 6, confirm: true }))).toBeUndefined();
    expect(reconcile(before, list([], { planeId: OTHER, generation: 99, confirm: true }))).toBeUndefined();
    expect(reconcile(present([], { generation: undefined }), list([], { generation: 0 }))).toEqual(NOTHING);
  });

  it("leaves the node's own rows alone", () => {
    const before = present([local('mine'), local('same'), row('a')]);
    const changes = reconcile(before, list([stream('same'), { publisher: 'live_x', player: 'play_mine' }]));
    expect(changes?.remove).toEqual(['play_a']);
    expect(changes?.put).toEqual([]);
    expect(changes?.conflicts.map(({ player, reason }) => [player, reason])).toEqual([
      ['play_same', 'local'],
      ['play_mine', 'taken'],
    ]);
  });

  it("leaves what the node's own rows say of a publisher id, and takes it over itself", () => {
    const own = local('a');
    const mine = { ...own, passphrase: 'of the operator', latencyMs: 800 };
    const second = { publisher: 'live_a', player: 'play_second' };
    const shared = { ...second, owner: PLANE, passphrase: 'of the operator', latencyMs: 800 };
    expect(reconcile(present([mine]), list([{ ...second, latencyMs: 5_000 }]))?.put).toEqual([shared]);
    expect(reconcile(present([mine, shared]), list([second]))).toEqual(NOTHING);
  });

  it("takes another plane's row over where it names it, and leaves the rest of them", () => {
    const before = present([row('a', OTHER), row('b', OTHER)], { generation: undefined });
    expect(reconcile(before, list([stream('a')]))).toEqual({ ...NOTHING, put: [row('a')] });
  });

  it('puts a new row in the place of one with another publisher id', () => {
    const before = present([row('a'), row('b')]);
    const renewed = { publisher: 'live_new', player: 'play_a' };
    expect(reconcile(before, list([renewed, stream('b')]))).toEqual({
      ...NOTHING,
      remove: ['play_a'],
      put: [{ ...renewed, owner: PLANE }],
    });
  });

  it('brings back what is about to leave', () => {
    const before = present([row('a')], { isLeaving: (id) => id === 'play_a' });
    expect(reconcile(before, list([stream('a')]))?.put).toEqual([row('a')]);
  });

  it('names a player id that it holds twice', () => {
    const changes = reconcile(present([]), list([stream('a'), { publisher: 'live_b', player: 'play_a' }]));
    expect(changes?.put).toEqual([row('a')]);
    expect(changes?.conflicts).toMatchObject([{ player: 'play_a', reason: 'taken' }]);
  });
});

describe('rows of one publisher id', () => {
  const second = (more: Partial<DesiredStream>): DesiredStream => ({
    publisher: 'live_a',
    player: 'play_second',
    ...more,
  });

  it('come after those that are changed with them', () => {
    const changes = reconcile(present([row('a')]), list([second({ latencyMs: 900 }), stream('a', { latencyMs: 900 })]));
    expect(changes?.put.map(({ player }) => player)).toEqual(['play_a', 'play_second']);
  });

  it('do not contradict each other', () => {
    const changes = reconcile(present([]), list([stream('a'), second({ passphrase: 'another secret' })]));
    expect(changes?.put.map(({ player }) => player)).toEqual(['play_a']);
    expect(changes?.conflicts).toMatchObject([{ player: 'play_second', reason: 'invalid' }]);
  });
});

describe('the removal of many', () => {
  it.each([
    [1, 1, 'removed'],
    [2, 2, 'removed'],
    [3, 3, 'held'],
    [10, 2, 'removed'],
    [10, 3, 'held'],
    [15, 3, 'removed'],
    [15, 4, 'held'],
    [100, 20, 'removed'],
    [100, 21, 'held'],
  ])('of %i rows, %i left out: %s', (total, leftOut, what) => {
    const all = names(total);
    const before = present([...all.map((name) => row(name)), local('mine')]);
    const changes = reconcile(before, list(all.slice(leftOut).map((name) => stream(name))));
    const gone = all.slice(0, leftOut).map((name) => `play_${name}`);
    expect(changes).toEqual(
      what === 'removed' ? { ...NOTHING, remove: gone } : { ...NOTHING, held: gone, newlyHeld: gone },
    );
  });

  it('is carried out with confirm, rows that were held included', () => {
    const all = names(10);
    const held = new Set(['play_s0', 'play_s1', 'play_s2']);
    const before = present(
      all.map((name) => row(name)),
      { held },
    );
    expect(reconcile(before, list([stream('s9')], { confirm: true }))).toEqual({
      ...NOTHING,
      remove: all.slice(0, 9).map((name) => `play_${name}`),
    });
  });

  it('still adds and changes what the list holds', () => {
    const before = present(names(10).map((name) => row(name)));
    const changes = reconcile(before, list([stream('s0', { maxPlayers: 2 }), stream('new')]));
    expect(changes?.put.map(({ player }) => player)).toEqual(['play_s0', 'play_new']);
    expect(changes?.newlyHeld).toHaveLength(9);
  });

  it('does not keep a single revocation waiting while others are held', () => {
    const all = names(10);
    const before = present(
      all.map((name) => row(name)),
      { held: new Set(['play_s0', 'play_s1', 'play_s2', 'play_s3']) },
    );
    const changes = reconcile(before, list(all.slice(5).map((name) => stream(name))));
    expect(changes?.remove).toEqual(['play_s4']);
    expect(changes?.held).toEqual(['play_s0', 'play_s1', 'play_s2', 'play_s3']);
    expect(changes?.newlyHeld).toEqual([]);
  });

  it('lets go of what the list holds again', () => {
    const before = present([row('a'), row('b')], { held: new Set(['play_a', 'play_b', 'play_gone']) });
    expect(reconcile(before, list([stream('a')]))).toEqual({ ...NOTHING, held: ['play_b'] });
  });

  it('is never done by a database that is older than the node', () => {
    const before = present([row('a'), row('b')]);
    expect(reconcile(before, list([stream('a')], { older: true }))).toEqual({
      ...NOTHING,
      held: ['play_b'],
      newlyHeld: ['play_b'],
    });
    expect(reconcile(before, list([], { older: true, confirm: true }))?.remove).toEqual([]);
  });
});

describe('whatever a list says', () => {
  const name = fc.constantFrom(...names(12));
  const owner = fc.constantFrom(PLANE, OTHER, 'local');

  it('touches only rows of the plane and those that it names, and never removes more than it may', () => {
    fc.assert(
      fc.property(
        fc.uniqueArray(fc.tuple(name, owner), { selector: ([n]) => n }),
        fc.array(fc.tuple(name, fc.boolean())),
        fc.boolean(),
        fc.boolean(),
        fc.array(name),
        (rows, wanted, confirm, older, held) => {
          const before = present(
            rows.map(([n, who]) => row(n, who)),
            { held: new Set(held.map((n) => `play_${n}`)) },
          );
          const streams = wanted.map(([n, other]) => stream(n, other ? { publisher: `live_other_${n}` } : {}));
          const changes = reconcile(before, list(streams, { confirm, older }));
          if (!changes) throw new Error('it was newer');
          const owned = before.rows.filter((one) => one.owner === PLANE).map((one) => one.player);
          for (const player of [...changes.remove, ...changes.held]) expect(owned).toContain(player);
          if (older) expect(changes.remove).toEqual([]);
          if (!confirm && !older) {
            const fresh = changes.remove.filter((player) => !before.held.has(player));
            expect(fresh.length).toBeLessThanOrEqual(removalLimit(owned.length));
            expect(fresh).toEqual(changes.remove);
          }
          for (const one of changes.put) {
            expect(one.owner).toBe(PLANE);
            const known = before.rows.find(({ player }) => player === one.player);
            expect(known && known.owner === undefined).toBeFalsy();
            if (known && known.publisher !== one.publisher) expect(changes.remove).toContain(one.player);
          }
        },
      ),
    );
  });
});
