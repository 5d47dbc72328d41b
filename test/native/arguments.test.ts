import { afterAll, describe, expect, test } from 'vitest';
import { loadAddon, type NativeSrtEngine, SRT_SLOT_BYTES } from '../../src/shared/addon.ts';

const addon = loadAddon();
const OPTIONS = { tickMs: 5, slots: 16, takeoverSilenceMs: 1_000, onWake: () => {} };
const engine = addon.createSrtEngine(OPTIONS);
afterAll(() => engine.dispose());

const LISTEN = {
  host: '127.0.0.1',
  port: 0,
  role: 'publish',
  refuse: 'reject',
  closesPerMinute: 5,
  latencyFloorMs: 0,
  reorderTolerancePackets: 0,
  peerIdleTimeoutMs: 5_000,
  bufferBytes: 1 << 20,
  flowWindowPackets: 1_000,
  udpBufferBytes: 1 << 20,
  backlog: 10,
};
const CONNECT = { host: '127.0.0.1', port: 9, streamId: 'x', latencyMs: 120, connectTimeoutMs: 100, reads: false };

/** Things that are never right, for any argument of any method. */
const GARBAGE: unknown[] = [
  undefined,
  null,
  Symbol('x'),
  Number.NaN,
  1.5,
  1e300,
  -1e300,
  10n,
  {},
  [],
  () => {},
  'x\0y',
  new Proxy({}, {}),
];

const METHODS = ['listen', 'listenerPort', 'closeListener', 'connect', 'allow', 'forbid', 'yieldPublisher', 'refuseAll', 'send', 'sendMessage', 'stats', 'close'] as const; // biome-ignore format: a list

const raw = (of: NativeSrtEngine) => of as unknown as Record<string, (...args: unknown[]) => unknown>;

describe('bad arguments', () => {
  test.each(METHODS)('%s throws a TypeError and does not crash', (method) => {
    for (const bad of GARBAGE) {
      for (let count = 0; count <= 5; count++) {
        expect(() => raw(engine)[method]!(...Array(count).fill(bad))).toThrow(TypeError);
      }
    }
  });

  test.each(Object.keys(LISTEN))('listen: %s', (name) => {
    for (const bad of [...GARBAGE, -1, true]) {
      expect(() => raw(engine).listen!({ ...LISTEN, [name]: bad })).toThrow(TypeError);
    }
  });

  test.each(Object.keys(CONNECT))('connect: %s', (name) => {
    for (const bad of [...GARBAGE, -1, 'x'.repeat(600)]) {
      expect(() => raw(engine).connect!({ ...CONNECT, [name]: bad })).toThrow(TypeError);
    }
  });

  test('host must be numeric, and is not repeated', () => {
    for (const host of ['localhost', '', '1.2.3', '::1%nosuchinterface', '1.2.3.4:5', 'x'.repeat(1_000)]) {
      expect(() => engine.connect({ ...CONNECT, host })).toThrow(TypeError);
    }
    expect(() => engine.connect({ ...CONNECT, host: 'live_secret' })).toThrow(/^(?!.*live_secret)/);
  });

  test('passphrases have 10 to 79 bytes', () => {
    for (const passphrase of ['', 'short', 'x'.repeat(80), 'ü'.repeat(40), 42]) {
      expect(() => raw(engine).allow!('publish', 'id', { maxSockets: 1, passphrase })).toThrow(/10 to 79/);
      expect(() => raw(engine).connect!({ ...CONNECT, passphrase })).toThrow(/10 to 79/);
    }
    expect(() => engine.allow('publish', 'id', { maxSockets: 0 })).toThrow(TypeError);
  });

  test.each(Object.keys(OPTIONS))('createSrtEngine: %s', (name) => {
    for (const bad of [...GARBAGE.filter((value) => typeof value !== 'function'), -1, 1e9, 'x']) {
      expect(() => addon.createSrtEngine({ ...OPTIONS, [name]: bad } as never)).toThrow(TypeError);
    }
  });

  test('send stays inside the slots and the arrays', () => {
    const [sockets, dropped] = [new Int32Array(2), new Float64Array(2)];
    expect(() => engine.send(sockets, 3, 0, 1, dropped)).toThrow(TypeError);
    expect(() => engine.send(sockets, 2, 0, 1, new Float64Array(1))).toThrow(TypeError);
    expect(() => engine.send(sockets, 2, 10, 7, dropped)).toThrow(TypeError);
    expect(() => engine.send(sockets, 2, -1, 1, dropped)).toThrow(TypeError);
    expect(() => engine.send(sockets, 2, 17, 0, dropped)).toThrow(TypeError);
    expect(() => engine.send(new Float64Array(2) as never, 2, 0, 1, dropped)).toThrow(TypeError);
    expect(() => engine.stats(1, new Float64Array(29))).toThrow(TypeError);
    expect(() => engine.sendMessage(1, new Uint8Array(1_457), 0)).toThrow(TypeError);
    expect(() => engine.sendMessage(1, new Uint8Array(0), 0)).toThrow(TypeError);
    expect(() => engine.sendMessage(1, new Uint8Array(5), -1)).toThrow(TypeError);
  });

  test('an engine that is disposed of by the very options it is given', () => {
    for (const method of ['listen', 'connect'] as const) {
      const doomed = addon.createSrtEngine(OPTIONS);
      const options = {
        ...(method === 'listen' ? LISTEN : CONNECT),
        get host() {
          doomed.dispose();
          return '127.0.0.1';
        },
      };
      expect(() => raw(doomed)[method]!(options)).toThrow(expect.objectContaining({ code: 'SRT_DISPOSED' }));
    }
  });

  test('a method of one object is not one of another', () => {
    expect(() => engine.rearm.call({} as never)).toThrow();
    expect(() => engine.dispose.call(new Proxy(engine, {}))).toThrow();
  });

  test('unknown sockets are ignored', () => {
    engine.close(12_345);
    engine.closeListener(-1);
    engine.yieldPublisher(0);
    expect(engine.listenerPort(99)).toBe(0);
    expect(engine.sendMessage(99, new Uint8Array(5), 0)).toBe(-2);
    expect(engine.takeEvents()).toEqual([]);
    expect(engine.receive()).toBe(0);
  });

  test('the slots are laid out as declared', () => {
    expect(engine.arena).toHaveLength(16 * SRT_SLOT_BYTES);
    expect([engine.lengths.length, engine.sourceTimesUs.length, engine.runs.length]).toEqual([16, 16, 48]);
    expect(addon.srtVersion).toMatch(/^1\.5\.\d+$/);
  });
});
