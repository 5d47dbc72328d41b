import { afterAll, afterEach, describe, expect, it } from 'vitest';
import type { DataPlaneHost } from '../../src/data-plane/host.ts';
import type { ThreadFault } from '../../src/data-plane/messages.ts';
import { Peer } from '../native/peer.ts';
import { until } from '../support/processes.ts';
import { freeSettings, Hosts, processFacts, ROW } from './host-harness.ts';

const hosts = new Hosts();
const callers = new Peer();
afterEach(() => hosts.closeAll(), 30_000);
afterAll(() => callers.engine.dispose());

const restarts = (host: DataPlaneHost): number => host.snapshot().counters.dataPlaneRestarts!;
const isUp = (host: DataPlaneHost): boolean => host.snapshot().counters.dataPlaneUp === 1;

/** Makes the thread fail and waits until another one is up; how long that took from the failure on, ms. */
const fail = async (host: DataPlaneHost, fault: ThreadFault): Promise<number> => {
  const before = restarts(host);
  const startMs = performance.now();
  host.fault(fault);
  await until(`another thread after ${fault}`, () => restarts(host) === before + 1 && isUp(host));
  return performance.now() - startMs;
};

describe.each([
  { fault: 'throw', reason: 'a fault that a test asked for', withinMs: 1_000 },
  { fault: 'exit', reason: 'it ended with code 7', withinMs: 1_000 },
  // Two seconds without a heartbeat, and a check interval.
  { fault: 'hang', reason: 'it hung', withinMs: 4_000 },
] as const)('a data plane that fails by $fault', ({ fault, reason, withinMs }) => {
  it('is replaced on the same ports with the same rows, loudly', { timeout: 40_000 }, async () => {
    const host = await hosts.start();
    const { ports } = host.snapshot();
    host.addRow({ publisher: 'live_second', player: 'play_second' });
    host.addRow({ publisher: 'live_third', player: 'play_third' });
    const playing = await callers.join(ports.play, ROW.player, { reads: true });
    await until('the player', () => host.snapshot().players.length === 1);
    host.removeRow({ publisher: 'live_third', player: 'play_third' });

    const tookMs = await fail(host, fault);
    expect(tookMs).toBeLessThan(withinMs);
    expect(host.snapshot().ports).toEqual(ports);
    expect(host.snapshot().players).toEqual([]);
    // It is told at once, and so it may come back at once.
    await callers.ended(playing);
    await callers.join(ports.play, ROW.player, { reads: true });
    await callers.join(ports.publish, 'live_second');
    await until('both to be seen', () => host.snapshot().players.length + host.snapshot().publishers.length === 2);
    const third = await callers.outcome(callers.call(ports.publish, 'live_third'));
    expect(third).toMatchObject({ type: 'connect-failed', rejectReason: 1404 });

    // Its last words are not lost.
    expect(hosts.said('a test makes this thread fail')).toHaveLength(1);
    expect(hosts.said('the data plane has died')).toMatchObject([
      { severity: 'error', fields: { reason, restarts: 1 } },
    ]);
    const [up] = hosts.said('the data plane is up again');
    expect(up!.fields.afterMs).toBeLessThan(1_000);
    expect(hosts.stuck).toBe(0);
  });
});

describe('a data plane that fails again and again', () => {
  it('comes back each time, after a pause, and leaves nothing behind', { timeout: 60_000 }, async () => {
    const host = await hosts.start();
    await fail(host, 'throw');
    const before = processFacts();
    for (const fault of ['exit', 'throw', 'exit'] as const) await fail(host, fault);
    expect(restarts(host)).toBe(4);
    await until('threads and descriptors to be as many as before', () => {
      const { threads, descriptors } = processFacts();
      return threads <= before.threads && descriptors <= before.descriptors;
    });
    await callers.join(host.snapshot().ports.publish, ROW.publisher);
  });
});

describe('settings that have changed since the start', () => {
  it('hold for the thread that is there, and for the next one', { timeout: 30_000 }, async () => {
    const settings = freeSettings();
    const host = await hosts.start(settings);
    const { ports } = host.snapshot();
    const tooLong = async (): Promise<string> =>
      (await callers.outcome(callers.call(ports.publish, ROW.publisher, { latencyMs: 3_000 }))).type;
    const isRefused = async (): Promise<boolean> => {
      const before = host.snapshot().counters.refused!;
      await tooLong();
      await until('the refusal', () => host.snapshot().counters.refused! > before);
      return host.snapshot().publishers.length === 0;
    };
    host.configure({ ...settings, bridge: { ...settings.bridge, latencyCeilingMs: 2_000 } });
    await host.settled();
    expect(await isRefused()).toBe(true);
    await fail(host, 'throw');
    expect(host.snapshot().ports).toEqual(ports);
    expect(await isRefused()).toBe(true);
  });
});

describe('a main thread that stands still for 2.5 s', () => {
  it('does not take the data plane for hung, and finds it where it was', { timeout: 30_000 }, async () => {
    const host = await hosts.start();
    const socket = await callers.join(host.snapshot().ports.publish, ROW.publisher);
    await until('the publisher', () => host.snapshot().publishers.length === 1);
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 2_500);
    const { publishers } = host.snapshot();
    expect(publishers[0]!.uptimeMs).toBeGreaterThan(2_400);
    await until('several checks of the heartbeat', () => host.snapshot().publishers[0]!.uptimeMs > 4_000);
    expect(restarts(host)).toBe(0);
    expect(callers.find('broken', socket)).toBeUndefined();
  });
});
