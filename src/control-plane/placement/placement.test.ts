import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Candidate, capacityOf, distanceKm, type PlacementResult, place, type Wish } from './placement.ts';

const MONTH_MS = 30 * 86_400_000;
const NO_LIMITS: Candidate['traffic'] = {
  monthlyCapBytes: undefined,
  usedBytes: 0,
  leftMs: MONTH_MS,
  count: 'both',
  sustainedKbps: undefined,
  portKbps: undefined,
};
const LONDON = { latitude: 51.5, longitude: -0.1 };
const NEW_YORK = { latitude: 40.7, longitude: -74 };
const SINGAPORE = { latitude: 1.3, longitude: 103.8 };

const node = (serverId: string, more: Partial<Candidate> = {}): Candidate => ({
  serverId,
  region: 'us-central',
  status: 'active',
  health: 'healthy',
  healthScore: 100,
  isRefusing: false,
  position: undefined,
  rttMs: undefined,
  maxSessions: 10,
  sessions: 0,
  traffic: NO_LIMITS,
  ...more,
});
const wish = (more: Partial<Wish> = {}): Wish => ({
  region: 'auto',
  place: undefined,
  sticky: undefined,
  excluded: [],
  ...more,
});
const choose = (nodes: Candidate[], more: Partial<Wish> = {}): PlacementResult => place(nodes, wish(more));

describe('placement', () => {
  it('prefers the region that was asked for, also where it is fuller and less well', () => {
    const nodes = [node('a', { sessions: 5, healthScore: 70, region: 'eu-west' }), node('b', { region: 'us-east' })];
    expect(choose(nodes, { region: 'eu-west' })).toMatchObject({ serverId: 'a', reason: 'preference' });
  });

  it('takes the same continent, then anything, where the region has nothing, and says where it is', () => {
    const nodes = [node('a', { region: 'ap-southeast' }), node('b', { region: 'us-west', sessions: 3 })];
    expect(choose(nodes, { region: 'us-east' })).toMatchObject({
      serverId: 'b',
      region: 'us-west',
      reason: 'fallback',
    });
  });

  it('goes by distance where there is no wish, and every position is known', () => {
    const nodes = [
      node('ny', { position: NEW_YORK }),
      node('ldn', { position: LONDON, sessions: 4 }),
      node('sg', { position: SINGAPORE }),
    ];
    expect(choose(nodes, { place: LONDON })).toMatchObject({ serverId: 'ldn', reason: 'geo' });
    expect(choose(nodes)).toMatchObject({ serverId: 'ny', reason: 'load' });
    // One of them may be anywhere: nobody is favoured for having said where it is.
    expect(choose([...nodes, node('x')], { place: LONDON })).toMatchObject({ reason: 'load' });
  });

  it('takes measured round trips for the way, where there are any', () => {
    const near = node('near', { position: LONDON });
    const far = node('far', { position: NEW_YORK });
    const from = { place: LONDON };
    expect(choose([near, far], from)).toMatchObject({ serverId: 'near' });
    // Near on the map, and a detour in the network.
    expect(choose([{ ...near, rttMs: 180 }, far], from)).toMatchObject({ serverId: 'far', reason: 'geo' });
    expect(
      choose(
        [
          { ...near, rttMs: 180 },
          { ...far, rttMs: 110 },
        ],
        from,
      ),
    ).toMatchObject({ serverId: 'far' });
    // The last mile is long for both.
    expect(choose([{ ...near, rttMs: 55 }, far], from)).toMatchObject({ serverId: 'near' });
    expect(
      choose(
        [
          { ...near, rttMs: 150 },
          { ...far, rttMs: 230 },
        ],
        from,
      ),
    ).toMatchObject({ serverId: 'near' });
    // A node that was measured needs no place on the map.
    expect(choose([node('x', { rttMs: 40 }), far], from)).toMatchObject({ serverId: 'x', reason: 'geo' });
  });

  it('spreads the load, and breaks a tie by name', () => {
    const nodes = [node('b'), node('a'), node('c', { sessions: 1 })];
    expect(choose(nodes)).toMatchObject({ serverId: 'a' });
    expect(choose([node('small', { maxSessions: 2, sessions: 1 }), node('large', { sessions: 2 })])).toMatchObject({
      serverId: 'large',
    });
  });

  it.each<[string, Partial<Candidate>]>([
    ['draining', { status: 'draining' }],
    ['inactive', { status: 'inactive' }],
    ['unknown', { health: 'unknown' }],
    ['unhealthy', { health: 'unhealthy' }],
    ['refusing', { isRefusing: true }],
  ])('never takes a node that is %s', (_what, state) => {
    expect(choose([node('a', state)])).toEqual({ refused: 'none' });
    expect(choose([node('a', state), node('b', { sessions: 9, health: 'degraded', healthScore: 31 })])).toMatchObject({
      serverId: 'b',
      reason: 'only',
    });
  });

  it('tells full from none', () => {
    expect(choose([])).toEqual({ refused: 'none' });
    expect(choose([node('a', { sessions: 10 }), node('b', { status: 'inactive' })])).toEqual({ refused: 'full' });
    expect(choose([node('a', { maxSessions: 0 })])).toEqual({ refused: 'full' });
    expect(choose([node('a')], { excluded: ['a'] })).toEqual({ refused: 'none' });
  });

  it('stays where the stream is while it can be there, and takes no room twice', () => {
    const nodes = [node('a', { region: 'eu-west' }), node('b', { sessions: 10 })];
    const at = (isCounted: boolean) => ({ region: 'eu-west', sticky: { serverId: 'b', isCounted } });
    expect(choose(nodes, at(true))).toMatchObject({ serverId: 'b', reason: 'sticky' });
    expect(choose(nodes, at(false))).toMatchObject({ serverId: 'a' });
    expect(choose([nodes[0]!, node('b', { sessions: 9 })], at(false))).toMatchObject({ serverId: 'b' });
    // OBS that is started anew finds its phone where it is, also on a node that takes nobody else.
    expect(choose([nodes[0]!, node('b', { status: 'draining', isRefusing: true })], at(true))).toMatchObject({
      serverId: 'b',
    });
    expect(choose([nodes[0]!, node('b', { status: 'draining' })], at(false))).toMatchObject({ serverId: 'a' });
    expect(choose([nodes[0]!, node('b', { status: 'inactive' })], at(true))).toMatchObject({ serverId: 'a' });
    expect(choose([nodes[0]!, node('b')], { ...at(true), excluded: ['b'] })).toMatchObject({ serverId: 'a' });
    expect(choose([nodes[0]!, node('b', { health: 'unhealthy' })], at(true))).toMatchObject({ serverId: 'a' });
  });

  it('divides by the weights that count, so that a score is from 0 to 1', () => {
    const perfect = node('a', { region: 'eu-west', position: LONDON });
    expect(choose([perfect, node('b', { position: NEW_YORK })], { region: 'eu-west', place: LONDON })).toMatchObject({
      score: 1,
    });
    expect(choose([perfect], { region: 'eu-west' })).toMatchObject({ score: 1 });
    // 20 of load by half, 10 of health by 0.4: 14 of 30.
    expect(choose([node('a', { sessions: 5, healthScore: 40 })])).toMatchObject({ score: 14 / 30 });
  });

  it('never takes a full or unusable node, and refuses only where there is no other', () => {
    const candidate = fc.record({
      serverId: fc.uuid(),
      region: fc.constantFrom('us-east', 'eu-west'),
      status: fc.constantFrom('active' as const, 'draining' as const, 'inactive' as const),
      health: fc.constantFrom('healthy' as const, 'degraded' as const, 'unhealthy' as const, 'unknown' as const),
      healthScore: fc.integer({ min: 0, max: 100 }),
      isRefusing: fc.boolean(),
      position: fc.option(fc.constantFrom(LONDON, NEW_YORK), { nil: undefined }),
      maxSessions: fc.integer({ min: 0, max: 4 }),
      sessions: fc.integer({ min: 0, max: 5 }),
      rttMs: fc.option(fc.nat(500), { nil: undefined }),
      traffic: fc.constant(NO_LIMITS),
    });
    fc.assert(
      fc.property(fc.array(candidate, { maxLength: 6 }), fc.constantFrom('auto', 'eu-west'), (nodes, region) => {
        const takes = ({ status, health, isRefusing, sessions, maxSessions }: Candidate): boolean =>
          status === 'active' &&
          !isRefusing &&
          (health === 'healthy' || health === 'degraded') &&
          sessions < maxSessions;
        const result = choose(nodes, { region, place: LONDON });
        if ('refused' in result) expect(nodes.some(takes)).toBe(false);
        else {
          expect(takes(nodes.find(({ serverId }) => serverId === result.serverId)!)).toBe(true);
          expect(result.score).toBeGreaterThanOrEqual(0);
          expect(result.score).toBeLessThanOrEqual(1);
        }
      }),
    );
  });
});

describe('the capacity of a node', () => {
  const capacity = (traffic: Partial<Candidate['traffic']>, leftMs = MONTH_MS): number =>
    capacityOf(node('a', { traffic: { ...NO_LIMITS, leftMs, ...traffic } }));

  it('is its limit, or what its port carries', () => {
    expect(capacity({})).toBe(10);
    expect(capacity({ portKbps: 30_000 })).toBe(5);
    expect(capacity({ portKbps: 1_000_000 })).toBe(10);
  });
  it('is what the provider tolerates for long', () => {
    expect(capacity({ sustainedKbps: 50_000 })).toBe(4);
    expect(capacity({ sustainedKbps: 50_000, count: 'out' })).toBe(8);
    expect(capacity({ sustainedKbps: 11_000 })).toBe(0);
  });
  it('counts a stream once where only one way counts', () => {
    expect(capacity({ monthlyCapBytes: 10e12 })).toBe(3);
    expect(capacity({ monthlyCapBytes: 10e12, count: 'out' })).toBe(5);
    expect(capacity({ monthlyCapBytes: 10e12, count: 'max' })).toBe(5);
  });
  it('is what is left of the month at an even pace', () => {
    // 32 TB a month are 98.8 Mbit/s, and 95 % of them eight streams in and out.
    expect(capacity({ monthlyCapBytes: 32e12 })).toBe(8);
    expect(capacity({ monthlyCapBytes: 32e12, usedBytes: 20e12 })).toBe(3);
    expect(capacity({ monthlyCapBytes: 32e12, usedBytes: 31e12 })).toBe(0);
    expect(capacity({ monthlyCapBytes: 32e12, usedBytes: 29e12 }, 3_600_000)).toBe(10);
  });
});

describe('distance', () => {
  it('is along the surface', () => {
    expect(distanceKm(LONDON, NEW_YORK)).toBeCloseTo(5_570, -2);
    expect(distanceKm(LONDON, LONDON)).toBe(0);
    expect(distanceKm({ latitude: 0, longitude: 179 }, { latitude: 0, longitude: -179 })).toBeCloseTo(222, 0);
  });
});
