import { describe, expect, it } from 'vitest';
import { Backoff } from './backoff.ts';
import { type Call, ControlSession, type Failure, failureOf, type SessionState } from './session.ts';

const HEARTBEAT_MS = 10_000;

/** One step at a moment: what came of a call, and what holds afterwards. */
interface Step {
  readonly at: number;
  readonly call?: Call;
  readonly got?: 'ok' | Failure;
  readonly state: SessionState;
  readonly next?: readonly ['register' | 'heartbeat', number];
}

/** Without luck: each pause is as long as it can be. */
const played = (steps: readonly Step[]): unknown[] => {
  const session = new ControlSession(0, HEARTBEAT_MS, () => 1);
  return steps.map(({ at, call, got }) => {
    if (call && got === 'ok') session.succeeded(call, at);
    else if (call && got && got !== 'ok') session.failed(call, got, at);
    const { call: next, inMs } = session.next(at);
    return { at, state: session.state(at), next: [next, inMs] };
  });
};

const TABLE: Readonly<Record<string, readonly Step[]>> = {
  'is taken in': [
    { at: 0, state: 'enrolling', next: ['register', 0] },
    { at: 20, call: 'register', got: 'ok', state: 'online', next: ['heartbeat', 0] },
    { at: 10_020, call: 'heartbeat', got: 'ok', state: 'online', next: ['heartbeat', HEARTBEAT_MS] },
  ],
  'has no word for a list that got lost: the next question says it': [
    { at: 0, call: 'register', got: 'ok', state: 'online' },
    { at: 1, call: 'heartbeat', got: 'ok', state: 'online' },
    { at: 20, call: 'applied', got: 'away', state: 'degraded' },
    { at: 10_000, call: 'heartbeat', got: 'ok', state: 'online' },
    { at: 10_020, call: 'applied', got: 'away', state: 'degraded' },
    { at: 10_500, call: 'desired', got: 'ok', state: 'online' },
  ],
  'finds no plane, and then one': [
    { at: 0, call: 'register', got: 'away', state: 'enrolling', next: ['register', 1_000] },
    { at: 1_000, call: 'register', got: 'away', state: 'enrolling', next: ['register', 2_000] },
    { at: 3_000, call: 'register', got: 'away', state: 'enrolling', next: ['register', 4_000] },
    { at: 7_000, call: 'register', got: 'away', state: 'enrolling', next: ['register', 8_000] },
    { at: 15_000, call: 'register', got: 'away', state: 'enrolling', next: ['register', 15_000] },
    { at: 30_000, call: 'register', got: 'away', state: 'enrolling', next: ['register', 15_000] },
    { at: 45_000, call: 'register', got: 'away', state: 'offline', next: ['register', 15_000] },
    { at: 60_000, call: 'register', got: 'ok', state: 'online', next: ['heartbeat', 0] },
    { at: 70_000, call: 'heartbeat', got: 'away', state: 'degraded', next: ['heartbeat', 1_000] },
  ],
  'loses the plane for ten minutes and stays registered': [
    { at: 0, call: 'register', got: 'ok', state: 'online', next: ['heartbeat', 0] },
    { at: 10_000, call: 'heartbeat', got: 'away', state: 'degraded', next: ['heartbeat', 1_000] },
    { at: 30_000, state: 'degraded' },
    { at: 30_001, state: 'offline' },
    { at: 600_000, call: 'heartbeat', got: 'away', state: 'offline', next: ['heartbeat', 2_000] },
    { at: 602_000, call: 'heartbeat', got: 'ok', state: 'online', next: ['heartbeat', HEARTBEAT_MS] },
  ],
  'registers again with a plane that does not know it': [
    { at: 0, call: 'register', got: 'ok', state: 'online' },
    { at: 10_000, call: 'heartbeat', got: 'unknown', state: 'degraded', next: ['register', 0] },
    { at: 10_010, call: 'register', got: 'ok', state: 'online', next: ['heartbeat', 0] },
  ],
  'does not hammer a plane that forgets it at once': [
    { at: 0, call: 'register', got: 'unknown', state: 'degraded', next: ['register', 1_000] },
    { at: 1_000, call: 'register', got: 'unknown', state: 'degraded', next: ['register', 2_000] },
  ],
  'is refused, and asks more and more seldom': [
    { at: 0, call: 'register', got: 'refused', state: 'enrolling', next: ['register', 5_000] },
    { at: 5_000, call: 'register', got: 'refused', state: 'enrolling', next: ['register', 10_000] },
    { at: 15_000, call: 'register', got: 'refused', state: 'enrolling', next: ['register', 20_000] },
    { at: 35_000, call: 'register', got: 'refused', state: 'enrolling', next: ['register', 40_000] },
    { at: 75_000, call: 'register', got: 'refused', state: 'enrolling', next: ['register', 60_000] },
    { at: 135_000, call: 'register', got: 'ok', state: 'online', next: ['heartbeat', 0] },
  ],
  'is thrown out while it is online': [
    { at: 0, call: 'register', got: 'ok', state: 'online' },
    { at: 4_000, call: 'desired', got: 'refused', state: 'enrolling', next: ['register', 5_000] },
  ],
  'is online once the plane is back, while the question for a list stays open': [
    { at: 0, call: 'register', got: 'ok', state: 'online' },
    { at: 5_000, call: 'desired', got: 'away', state: 'degraded' },
    { at: 5_100, call: 'links', got: 'away', state: 'degraded' },
    { at: 10_000, call: 'heartbeat', got: 'away', state: 'degraded' },
    { at: 11_000, call: 'heartbeat', got: 'ok', state: 'online' },
  ],
  'is degraded while one of its calls fails': [
    { at: 0, call: 'register', got: 'ok', state: 'online' },
    { at: 10, call: 'heartbeat', got: 'ok', state: 'online', next: ['heartbeat', HEARTBEAT_MS] },
    { at: 5_000, call: 'desired', got: 'away', state: 'degraded', next: ['heartbeat', 5_010] },
    { at: 10_000, call: 'heartbeat', got: 'ok', state: 'degraded' },
    { at: 11_000, call: 'desired', got: 'ok', state: 'online', next: ['heartbeat', 9_000] },
  ],
};

describe('a session with a control plane', () => {
  it.each(Object.entries(TABLE))('%s', (_name, steps) => {
    const expected = steps.map(({ at, state, next }) => ({
      at,
      state,
      next: next ?? [expect.any(String), expect.any(Number)],
    }));
    expect(played(steps)).toEqual(expected);
  });

  it('asks at once when it is told to, and begins with short pauses again', () => {
    const session = new ControlSession(0, HEARTBEAT_MS, () => 1);
    session.failed('register', 'away', 0);
    session.failed('register', 'away', 1_000);
    session.hurry(1_500);
    expect(session.next(1_500)).toEqual({ call: 'register', inMs: 0 });
    session.failed('register', 'away', 1_500);
    expect(session.next(1_500).inMs).toBe(1_000);
  });

  it('takes a question that stays open for one that works', () => {
    const session = new ControlSession(0, HEARTBEAT_MS, () => 1);
    session.succeeded('register', 0);
    session.waits(0);
    session.failed('desired', 'away', 5_000);
    session.waits(5_500);
    expect(session.state(6_000)).toBe('degraded');
    expect(session.state(6_500)).toBe('online');
    session.failed('desired', 'away', 6_600);
    expect(session.state(9_000)).toBe('degraded');
    session.waits(9_000);
    session.failed('links', 'away', 9_500);
    expect(session.state(15_000)).toBe('degraded');
  });

  it('says once that a call works again', () => {
    const session = new ControlSession(0, HEARTBEAT_MS, () => 1);
    expect(session.succeeded('register', 0)).toBe(true);
    expect(session.succeeded('desired', 10)).toBe(false);
    session.failed('desired', 'away', 20);
    expect(session.succeeded('heartbeat', 30)).toBe(false);
    expect(session.succeeded('desired', 40)).toBe(true);
    expect(session.succeeded('desired', 50)).toBe(false);
  });

  it('says how long the plane has been silent', () => {
    const session = new ControlSession(0, HEARTBEAT_MS, () => 1);
    expect(session.silentMs(500)).toBeUndefined();
    session.succeeded('register', 1_000);
    session.failed('heartbeat', 'away', 3_000);
    expect(session.silentMs(3_500)).toBe(2_500);
  });
});

describe('what an answer means', () => {
  it.each([
    [503, 'unavailable', 'away'],
    [500, undefined, 'away'],
    [502, undefined, 'away'],
    [429, 'rate_limited', 'away'],
    [408, undefined, 'away'],
    [404, 'node_unknown', 'unknown'],
    // Whoever answers so is no control plane.
    [404, undefined, 'refused'],
    [401, 'unauthorized', 'refused'],
    [403, 'node_key_mismatch', 'refused'],
    [409, 'node_id_in_use', 'refused'],
    [426, 'protocol_unsupported', 'refused'],
    [400, 'invalid_request', 'refused'],
    [301, undefined, 'refused'],
  ] as const)('%s %s: %s', (status, code, expected) => {
    expect(failureOf(status, code)).toBe(expected);
  });
});

describe('pauses', () => {
  it('double up to the longest, and are drawn from their second half', () => {
    const draws = [0, 0.5, 1, 0, 1];
    const backoff = new Backoff({ firstMs: 100, mostMs: 700, random: () => draws.shift() ?? 0 });
    expect([1, 2, 3, 4, 5].map(() => backoff.next())).toEqual([50, 150, 400, 350, 700]);
    backoff.reset();
    expect(backoff.next()).toBe(50);
  });

  it('do not overflow after any number of tries', () => {
    const backoff = new Backoff({ firstMs: 1_000, mostMs: 15_000, random: () => 1 });
    for (let n = 0; n < 5_000; n++) backoff.next();
    expect(backoff.next()).toBe(15_000);
  });
});

describe('what a node says of itself', () => {
  it('is told anew by another registration, which is tried until it comes through, and the session stays what it was', () => {
    const session = new ControlSession(0, 15_000, () => 0);
    session.tells();
    session.succeeded('register', 0);
    session.succeeded('heartbeat', 0);
    session.tellAnew(1_000);
    expect(session.next(1_000)).toEqual({ call: 'register', inMs: 0 });
    expect([session.isRegistered, session.state(1_000)]).toEqual([true, 'online']);
    session.tells();
    session.failed('register', 'away', 1_000);
    const { call, inMs } = session.next(1_000);
    expect(call).toBe('register');
    session.tells();
    session.succeeded('register', 1_000 + inMs);
    expect(session.next(1_000 + inMs).call).toBe('heartbeat');
  });
  it('is told once more where it has changed while it was being told', () => {
    const session = new ControlSession(0, 15_000, () => 0);
    session.tells();
    session.tellAnew(10);
    session.succeeded('register', 20);
    expect(session.next(20).call).toBe('register');
  });
});
