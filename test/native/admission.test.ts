import { afterAll, describe, expect, test } from 'vitest';
import { SRT_REJECT, type SrtRole } from '../../src/shared/addon.ts';
import { Peer, peerEngines, turn, until } from './peer.ts';

const node = new Peer();
const callers = new Peer();
afterAll(() => {
  node.engine.dispose();
  callers.engine.dispose();
});

/** libsrt knows what was agreed on only once the caller is in. */
const latencyRefused = peerEngines.kind === 'libsrt' ? 'closed' : 'rejected';

const SECRET = 'correct horse battery';
const publish = node.listen({ role: 'publish' });
const play = node.listen({ role: 'play' });
const portOf = (role: SrtRole): number => (role === 'publish' ? publish.port : play.port);

const call = async (role: SrtRole, streamId: string, passphrase?: string) => {
  const reads = role === 'play';
  const socket = callers.call(portOf(role), streamId, passphrase === undefined ? { reads } : { reads, passphrase });
  const outcome = await callers.outcome(socket);
  return { socket, code: outcome.type === 'connected' ? 0 : outcome.rejectReason };
};

describe('passphrases', () => {
  // libsrt's own codes: 10 = bad secret, 11 = one side is not encrypted.
  test.each([
    { due: undefined, given: undefined, code: 0 },
    { due: SECRET, given: SECRET, code: 0 },
    { due: SECRET, given: 'something else', code: 10 },
    { due: SECRET, given: undefined, code: 11 },
    { due: undefined, given: SECRET, code: 11 },
    { due: SECRET, given: SECRET.slice(0, -1), code: 10 },
  ])('due $due, given $given: code $code', async ({ due, given, code }) => {
    for (const role of ['publish', 'play'] as const) {
      const id = `secret-${due}-${given}-${role}`;
      node.engine.allow(role, id, due === undefined ? { maxSockets: 1 } : { maxSockets: 1, passphrase: due });
      const outcome = await call(role, id, given);
      expect(outcome.code).toBe(code);
      if (code === 0) expect((await node.accepted(id)).encrypted).toBe(due !== undefined);
    }
  });

  test('a caller that failed its handshake holds no place', async () => {
    node.engine.allow('publish', 'retry', { maxSockets: 1, passphrase: SECRET });
    node.engine.allow('play', 'retry-play', { maxSockets: 1, passphrase: SECRET });
    for (const [role, id] of [['publish', 'retry'] as const, ['play', 'retry-play'] as const]) {
      expect((await call(role, id, 'not the one due')).code).toBe(10);
      expect((await call(role, id, SECRET)).code).toBe(0);
    }
  });
});

describe('rejection codes', () => {
  test('unknown ids, ids of the other role, ids that were taken away', async () => {
    node.engine.allow('publish', 'live_one', { maxSockets: 1 });
    node.engine.allow('play', 'play_one', { maxSockets: 1 });
    expect((await call('publish', 'nobody')).code).toBe(SRT_REJECT.notFound);
    expect((await call('play', 'nobody')).code).toBe(SRT_REJECT.notFound);
    expect((await call('play', '')).code).toBe(SRT_REJECT.notFound);
    expect((await call('publish', 'play_one')).code).toBe(SRT_REJECT.forbidden);
    expect((await call('play', 'live_one')).code).toBe(SRT_REJECT.forbidden);
    node.engine.forbid('publish', 'live_one');
    expect((await call('publish', 'live_one')).code).toBe(SRT_REJECT.notFound);
    const refused = await until('the refusal to be reported', () =>
      node.ofType('refused').find((event) => event.streamId === 'play_one'),
    );
    expect(refused).toMatchObject({ listener: publish.listener, address: '127.0.0.1', code: 1403, how: 'rejected' });
    expect(refused.port).toBeGreaterThan(0);
  });

  test('a second publisher meets 1409, also after the id was forbidden and let in again', async () => {
    node.engine.allow('publish', 'busy', { maxSockets: 1 });
    expect((await call('publish', 'busy')).code).toBe(0);
    expect((await call('publish', 'busy')).code).toBe(SRT_REJECT.conflict);
    node.engine.forbid('publish', 'busy');
    node.engine.allow('publish', 'busy', { maxSockets: 1 });
    expect((await call('publish', 'busy')).code).toBe(SRT_REJECT.conflict);
  });

  test('players beyond maxSockets meet 1402, until one leaves', async () => {
    node.engine.allow('play', 'two-seats', { maxSockets: 2 });
    const first = await call('play', 'two-seats');
    expect([first.code, (await call('play', 'two-seats')).code]).toEqual([0, 0]);
    expect((await call('play', 'two-seats')).code).toBe(SRT_REJECT.overload);
    // libsrt hands out those that wait by number, not in the order in which they came: either seat may be the first caller's.
    const seats = [await node.accepted('two-seats', 0), await node.accepted('two-seats', 1)];
    callers.engine.close(first.socket);
    await until('a seat to be free', () => seats.find(({ socket }) => node.find('ended', socket)));
    expect((await call('play', 'two-seats')).code).toBe(0);
  });

  test('a latency above the ceiling of the id meets 1406', async () => {
    node.engine.allow('publish', 'patient', { maxSockets: 1, latencyCeilingMs: 2_000 });
    const socket = callers.call(publish.port, 'patient', { latencyMs: 2_001 });
    const refused = await until('the refusal', () => node.ofType('refused').find((one) => one.streamId === 'patient'));
    expect(refused).toMatchObject({ listener: publish.listener, code: SRT_REJECT.latency, how: latencyRefused });
    // Let in and closed in one breath: the caller may never have seen that it was in.
    await until('its end', () => callers.find('ended', socket) ?? callers.find('connect-failed', socket));
    await callers.join(publish.port, 'patient', { latencyMs: 2_000 });
    expect(await node.accepted('patient')).toMatchObject({ latencyMs: 2_000 });
  });

  test('who is to be closed and encrypts is refused by libsrt: told with the reason of ours', async () => {
    const own = new Peer();
    const { port, listener } = own.listen({ role: 'play', refuse: 'close' });
    const outcome = await callers.outcome(callers.call(port, 'unknown', { reads: true, passphrase: SECRET }));
    expect(outcome).toMatchObject({ type: 'connect-failed', rejectReason: 11 });
    const refused = await until('the refusal', () => own.ofType('refused')[0]);
    expect(refused).toMatchObject({ listener, streamId: 'unknown', code: SRT_REJECT.notFound, how: 'rejected' });
    expect(refused).toMatchObject({ address: '127.0.0.1' });
    own.engine.dispose();
  });

  test('refuseAll turns everybody away, and ends', async () => {
    const own = new Peer();
    const { port } = own.listen({ role: 'play' });
    own.engine.allow('play', 'open', { maxSockets: 5 });
    own.engine.refuseAll(true);
    const turned = await callers.outcome(callers.call(port, 'open', { reads: true }));
    expect(turned).toMatchObject({ type: 'connect-failed', rejectReason: SRT_REJECT.overload });
    own.engine.refuseAll(false);
    await callers.join(port, 'open', { reads: true });
    own.engine.dispose();
  });

  test('nobody there: no code', async () => {
    const silent = new Peer();
    const { listener, port } = silent.listen();
    silent.engine.closeListener(listener);
    const outcome = await callers.outcome(callers.call(port, 'x', { connectTimeoutMs: 300 }));
    silent.engine.dispose();
    expect(outcome).toMatchObject({ type: 'connect-failed', rejectReason: 0, message: 'no answer' });
  });
});

describe('passphrases', () => {
  test('may be tried so often for one id from one source, and then a little later', { timeout: 30_000 }, async () => {
    const own = new Peer();
    const { port } = own.listen({ role: 'play', passphraseTriesPerSecond: 1 });
    for (const id of ['locked', 'other']) own.engine.allow('play', id, { maxSockets: 20, passphrase: 'the-right-one' });
    const attempt = async (id: string, passphrase: string): Promise<number> => {
      const outcome = await callers.outcome(callers.call(port, id, { reads: true, passphrase }));
      return outcome.type === 'connected' ? 0 : outcome.rejectReason;
    };
    const outcomes: number[] = [];
    const startMs = performance.now();
    while (!outcomes.includes(SRT_REJECT.overload)) outcomes.push(await attempt('locked', 'a-wrong-one'));
    const least = 30;
    const most = least + 1 + Math.ceil((performance.now() - startMs) / 1000);
    expect(new Set(outcomes.slice(0, -1))).toEqual(new Set([10]));
    expect(outcomes.length - 1).toBeGreaterThanOrEqual(least);
    expect(outcomes.length - 1).toBeLessThanOrEqual(most);
    // Other ids are not concerned; nobody is shut out for longer than a second or so.
    expect(await attempt('other', 'the-right-one')).toBe(0);
    await expect.poll(() => attempt('locked', 'the-right-one'), { timeout: 10_000, interval: 300 }).toBe(0);
    own.engine.dispose();
  });
});

describe('accept-then-close', () => {
  test('closes within 100 ms, five times a minute for one id and source, then rejects', async () => {
    const own = new Peer();
    const { port } = own.listen({ role: 'play', refuse: 'close', closesPerMinute: 5 });
    for (let i = 0; i < 8; i++) {
      const socket = callers.call(port, 'unwelcome', { reads: true });
      const outcome = await callers.outcome(socket);
      if (outcome.type === 'connect-failed') {
        // Closed so fast that libsrt never told the caller it was connected (7 = "closing"), or rejected once the budget is gone.
        expect(i < 5 ? [0, 7] : [SRT_REJECT.notFound]).toContain(outcome.rejectReason);
        continue;
      }
      expect(i).toBeLessThan(5);
      const broken = await until('the close', () => callers.find('broken', socket));
      expect(broken.atMs - callers.find('connected', socket)!.atMs).toBeLessThan(100);
    }
    const how = await until('eight refusals', () => {
      const list = own.ofType('refused').map((event) => event.how);
      return list.length === 8 && list;
    });
    expect(how).toEqual([...Array(5).fill('closed'), ...Array(3).fill('rejected')]);
    // A neighbour behind the same address asks for another id, and who is welcome is not touched.
    callers.call(port, 'misspelt', { reads: true });
    await until('one more refusal', () => own.ofType('refused').length === 9);
    expect(own.ofType('refused')[8]).toMatchObject({ streamId: 'misspelt', how: 'closed' });
    own.engine.allow('play', 'welcome', { maxSockets: 1 });
    await callers.join(port, 'welcome', { reads: true });
    own.engine.dispose();
  });

  test('of all ids together ends ten times as far', async () => {
    const own = new Peer();
    const { port } = own.listen({ role: 'play', refuse: 'close', closesPerMinute: 1 });
    for (let i = 0; i < 14; i++) {
      callers.call(port, `guess${i}`, { reads: true });
      await until('the refusal', () => own.ofType('refused').length === i + 1);
    }
    const how = own.ofType('refused').map((event) => event.how);
    expect(how).toEqual([...Array(10).fill('closed'), ...Array(4).fill('rejected')]);
    own.engine.dispose();
  });

  test.skipIf(peerEngines.kind !== 'libsrt')('does not wait for JavaScript', async () => {
    const own = new Peer();
    const { port } = own.listen({ role: 'publish', refuse: 'close' });
    // The callers live in a thread of their own, while this one is blocked.
    const { Worker } = await import('node:worker_threads');
    const shared = new Int32Array(new SharedArrayBuffer(16));
    const worker = new Worker(new URL('./close-worker.ts', import.meta.url), { workerData: { port, shared } });
    await until('the worker', () => Atomics.load(shared, 0) === 1);
    Atomics.store(shared, 0, 2);
    Atomics.notify(shared, 0);
    Atomics.wait(shared, 1, 0, 2_000);
    const closedAfterMs = Atomics.load(shared, 1);
    const eventsBefore = own.events.length;
    await turn();
    await until('the refusal', () => own.ofType('refused')[0]?.how === 'closed');
    await worker.terminate();
    own.engine.dispose();
    expect(eventsBefore).toBe(0);
    expect(closedAfterMs).toBeGreaterThan(0);
    expect(closedAfterMs).toBeLessThan(100);
  });
});
