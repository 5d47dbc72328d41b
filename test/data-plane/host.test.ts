import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { type ErrorCode, TributaryError } from '../../src/shared/errors.ts';
import { Peer } from '../native/peer.ts';
import { until } from '../support/processes.ts';
import { freeSettings, Hosts, processFacts, ROW, takenPort } from './host-harness.ts';

const hosts = new Hosts();
const callers = new Peer();
afterEach(() => hosts.closeAll(), 30_000);
afterAll(() => callers.engine.dispose());

const failureOf = async (started: Promise<unknown>): Promise<TributaryError> => {
  const error = await started.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(TributaryError);
  return error as TributaryError;
};

describe('the start of the data plane', { timeout: 30_000 }, () => {
  it('answers with the real ports, and lets in whom it was told of', async () => {
    const host = await hosts.start();
    const { ports, srtVersion, counters } = host.snapshot();
    expect([...ports.srtla, ports.publish, ports.bond, ports.play].every((port) => port > 0)).toBe(true);
    expect(srtVersion).toMatch(/^1\.\d+\.\d+$/);
    expect(counters).toMatchObject({ dataPlaneRestarts: 0, dataPlaneUp: 1 });
    await callers.join(ports.publish, ROW.publisher);
    await until('the publisher', () => host.snapshot().publishers[0]?.publisherId === ROW.publisher);
  });

  it('says which port is in use and what to do, in the words of the thread', async () => {
    const taken = await takenPort();
    const settings = freeSettings();
    const onSrtla = { ...settings, srtla: { ...settings.srtla, ports: [taken.port] } };
    const onPublish = { ...settings, bridge: { ...settings.bridge, publishPort: taken.port } };
    try {
      for (const [wrong, setting] of [
        [onSrtla, 'SRTLA_PORT'],
        [onPublish, 'SRT_SENDER_PORT'],
      ] as const) {
        const error = await failureOf(hosts.make(wrong).start([]));
        expect(error.code).toBe('TRIBUTARY_PORT_IN_USE' satisfies ErrorCode);
        expect(error.message).toContain(String(taken.port));
        expect(error.mend).toContain(setting);
        expect(error.line).toBe(`${error.message}: ${error.mend}`);
      }
    } finally {
      await taken.close();
    }
    // Nothing of the failed starts holds it.
    const host = await hosts.start(onPublish);
    expect(host.snapshot().ports.publish).toBe(taken.port);
  });

  it('says which address cannot be had', async () => {
    const error = await failureOf(hosts.make(freeSettings({ bind: ['192.0.2.1'] })).start([]));
    expect(error.code).toBe('TRIBUTARY_BIND_FAILED' satisfies ErrorCode);
    expect(error.message).toContain('192.0.2.1');
  });

  it('says that the addon is missing where only the thread finds out', async () => {
    const before = process.env.TRIBUTARY_ADDON_PATH;
    await hosts.start();
    process.env.TRIBUTARY_ADDON_PATH = '/nowhere/tributary.node';
    try {
      const error = await failureOf(hosts.make().start([]));
      expect(error.code).toBe('TRIBUTARY_ADDON_MISSING' satisfies ErrorCode);
      expect(error.mend).toContain('build:native');
    } finally {
      if (before === undefined) delete process.env.TRIBUTARY_ADDON_PATH;
      else process.env.TRIBUTARY_ADDON_PATH = before;
    }
  });

  it('leaves no thread and no descriptor behind when it fails', async () => {
    const taken = await takenPort();
    const settings = freeSettings();
    const wrong = { ...settings, bridge: { ...settings.bridge, playPort: taken.port } };
    await failureOf(hosts.make(wrong).start([]));
    const before = processFacts();
    for (let i = 0; i < 4; i++) await failureOf(hosts.make(wrong).start([]));
    await taken.close();
    // libsrt closes its sockets in a second thread, a little later.
    await until('all of them to be gone', () => {
      const { threads, descriptors } = processFacts();
      return threads <= before.threads && descriptors <= before.descriptors;
    });
  });
});

describe('the end of the data plane', () => {
  it('comes within 5 s, tells publishers, and frees the ports', async () => {
    const host = await hosts.start();
    const { ports } = host.snapshot();
    const socket = await callers.join(ports.publish, ROW.publisher);
    const startMs = performance.now();
    await host.stop();
    await host.stop();
    expect(performance.now() - startMs).toBeLessThan(5_000);
    await callers.ended(socket);
    expect(hosts.stuck).toBe(0);
    const settings = freeSettings();
    const again = { ...settings, bridge: { ...settings.bridge, publishPort: ports.publish, playPort: ports.play } };
    expect((await hosts.start(again)).snapshot().ports.publish).toBe(ports.publish);
  });

  it('comes also when the thread hangs, and when it is being replaced', async () => {
    const hanging = await hosts.start();
    hanging.fault('hang');
    const startMs = performance.now();
    await hanging.stop();
    expect(performance.now() - startMs).toBeLessThan(5_500);
    const dying = await hosts.start();
    dying.fault('exit');
    await until('the death to be noticed', () => dying.snapshot().counters.dataPlaneUp === 0);
    await dying.stop();
    expect(dying.snapshot().counters.dataPlaneUp).toBe(0);
  });
});

describe('rows', () => {
  it('are taken and given back while the thread runs', async () => {
    const host = await hosts.start();
    const { publish } = host.snapshot().ports;
    host.addRow({ publisher: 'live_second', player: 'play_second' });
    await host.settled();
    expect(await callers.outcome(callers.call(publish, 'live_second'))).toMatchObject({ type: 'connected' });
    host.removeRow(ROW);
    await host.settled();
    const refused = await callers.outcome(callers.call(publish, ROW.publisher));
    expect(refused).toMatchObject({ type: 'connect-failed', rejectReason: 1404 });
    await until('the refusal to be seen', () => host.snapshot().lastRefusal);
    expect(host.snapshot().lastRefusal).toMatchObject({ port: 'publish', code: 1404, shortId: 'live_fi…' });
  });

  it('are let in from the moment on at which the thread says so, and not before they are to', async () => {
    const host = await hosts.start();
    const { publish } = host.snapshot().ports;
    for (let n = 0; n < 50; n++) {
      host.addRow({ publisher: `live_now_${n}`, player: `play_now_${n}` });
      expect(await host.settled()).toBe(true);
      const socket = callers.call(publish, `live_now_${n}`);
      expect(await callers.outcome(socket)).toMatchObject({ type: 'connected' });
      callers.engine.close(socket);
    }
  });

  it('are waited for while the thread dies, and not when the node stops', async () => {
    const host = await hosts.start();
    const { publish } = host.snapshot().ports;
    host.fault('throw');
    host.addRow({ publisher: 'live_second', player: 'play_second' });
    expect(await host.settled()).toBe(true);
    expect(host.snapshot().counters).toMatchObject({ dataPlaneRestarts: 1, dataPlaneUp: 1 });
    expect(await callers.outcome(callers.call(publish, 'live_second'))).toMatchObject({ type: 'connected' });
    await host.stop();
    expect(await host.settled()).toBe(false);
  });
});
