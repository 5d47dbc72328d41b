import { beforeEach, describe, expect, it } from 'vitest';
import { FakeSrtEngine } from '../../test/support/fake-srt-engine.ts';
import { TributaryError } from '../shared/errors.ts';
import { silentLogger } from '../shared/logger.ts';
import { type BridgeSettings, SlsBridge } from './bridge.ts';
import type { StreamHappening } from './stream-event.ts';

const settings: BridgeSettings = {
  publishPort: 4001,
  playPort: 4000,
  bondPort: 0,
  refuse: { publish: 'close', play: 'close', bond: 'reject' },
  latencyFloorMs: 200,
  latencyCeilingMs: 10_000,
  peerIdleTimeoutMs: 5_000,
  takeoverSilenceMs: 1_000,
  tickMs: 5,
  udpBufferBytes: 8_388_608,
  playerWaitMs: 0,
  playersPerId: 20,
  playerSlow: 'skip',
  playerJoin: 'next-key-frame',
  gopMaxBytes: 1_048_576,
  gopMaxMs: 10_000,
};

let engine: FakeSrtEngine;
let events: ({ publisherId: string } & StreamHappening)[];
let now = 0;
let wall = 0;

const create = (): SlsBridge => {
  engine = new FakeSrtEngine();
  events = [];
  return new SlsBridge({
    engine: { name: 'fake', create: () => engine },
    settings,
    logger: silentLogger,
    clock: () => now,
    wallClock: () => wall,
    onEvent: (publisherId, happening) => events.push({ publisherId, ...happening }),
  });
};
const listener = (role: 'publish' | 'play', refuse: 'close' | 'reject'): number =>
  [...engine.listeners].find(([, options]) => options.role === role && options.refuse === refuse)![0];
const accept = (socket: number, at: number, streamId: string, more: object = {}): void =>
  engine.happen({
    type: 'accepted',
    socket,
    listener: at,
    streamId,
    address: '127.0.0.1',
    port: 5555,
    latencyMs: 2000,
    encrypted: false,
    replaces: 0,
    ...more,
  });

let bridge: SlsBridge;
beforeEach(() => {
  now = 0;
  wall = 0;
  bridge = create();
  bridge.open(['::']);
  bridge.addRow({ publisher: 'live_a', player: 'play_a' });
});

describe('SlsBridge', () => {
  it('opens three doors, the bonded one on loopback with patience for disorder', () => {
    const options = [...engine.listeners.values()];
    expect(options.map((o) => [o.host, o.port, o.role, o.refuse, o.reorderTolerancePackets, o.latencyFloorMs])).toEqual(
      [
        ['127.0.0.1', 0, 'publish', 'reject', 200, 200],
        ['::', 4001, 'publish', 'close', 0, 200],
        ['::', 4000, 'play', 'close', 0, 0],
      ],
    );
  });

  it('lets exactly the ids of the directory in, several players to a publisher', () => {
    bridge.addRow({ publisher: 'live_a', player: 'play_b', passphrase: 'correct horse' });
    expect([...engine.allowed]).toEqual([
      ['publish live_a', { passphrase: 'correct horse', maxSockets: 1 }],
      ['play play_a', { maxSockets: 20 }],
      ['play play_b', { passphrase: 'correct horse', maxSockets: 20 }],
    ]);
    bridge.removeRow({ publisher: 'live_a', player: 'play_a' });
    bridge.removeRow({ publisher: 'live_a', player: 'play_b' });
    expect(engine.allowed.size).toBe(0);
  });

  it('carries a message from a publisher to the players of its id', () => {
    accept(7, listener('play', 'close'), 'play_a');
    accept(8, listener('publish', 'close'), 'live_a');
    bridge.pump();
    engine.arrive(8, new TextEncoder().encode('hello'));
    bridge.pump();
    expect(engine.texts(7)).toEqual(['hello']);
    expect(engine.rearmed).toBe(2);
    expect(events.every(({ publisherId }) => publisherId === 'live_a')).toBe(true);
    expect(events.map((event) => event.type)).toEqual(['player-up', 'publisher-up']);
  });

  it('knows a bonded publisher by its door, and yields it when its encoder begins anew', () => {
    bridge.addRow({ publisher: 'live_b', player: 'play_b' });
    accept(8, listener('publish', 'reject'), 'live_a');
    accept(9, listener('publish', 'close'), 'live_b');
    bridge.pump();
    expect([...bridge.publishers()].map(({ source }) => source)).toEqual(['srtla', 'srt']);
    for (const socket of [7, 8, 9]) bridge.yieldBonded(socket);
    expect(engine.yielded).toEqual([8]);
  });

  it('turns away a latency above the ceiling', () => {
    accept(8, listener('publish', 'close'), 'live_a', { latencyMs: 10_001 });
    bridge.pump();
    expect(engine.closed).toEqual([8]);
    expect(bridge.lastRefusal).toMatchObject({ code: 1406, door: 'publish', shortId: 'liv…' });
  });

  it('remembers who was refused last without keeping the id', () => {
    now = 42;
    engine.happen({
      type: 'refused',
      listener: listener('play', 'close'),
      streamId: 'live_0123456789',
      address: '::1',
      port: 9,
      code: 1403,
      how: 'closed',
    });
    bridge.pump();
    expect(bridge.lastRefusal).toEqual({ atMs: 42, door: 'play', shortId: 'live_01…', code: 1403 });
  });

  it('names the port, and the setting that moves it, when a port is taken', () => {
    const other = create();
    engine.listen = (options) => {
      throw Object.assign(new Error('busy'), { code: options.role === 'play' ? 'EADDRINUSE' : 'EOTHER' });
    };
    expect(() => other.open(['::'])).toThrow(TributaryError);
    expect(engine.disposed).toBe(true);
    const third = create();
    const listen = engine.listen.bind(engine);
    engine.listen = (options) => {
      if (options.role === 'play') throw Object.assign(new Error('busy'), { code: 'EADDRINUSE' });
      return listen(options);
    };
    expect(() => third.open(['::'])).toThrow(/UDP port \[::\]:4000 \(SRT play\) is in use/);
  });

  it('falls back to IPv4 where there is no IPv6', () => {
    const other = create();
    const listen = engine.listen.bind(engine);
    engine.listen = (options) => {
      if (options.host === '::') throw Object.assign(new Error('no v6'), { code: 'SRT_ESOCKFAIL' });
      return listen(options);
    };
    other.open(['::']);
    expect([...engine.listeners.values()].map((o) => o.host)).toEqual(['127.0.0.1', '0.0.0.0', '0.0.0.0']);
  });

  it('opens and closes listeners as the addresses of the machine change, on the same port', () => {
    const other = create();
    other.open(['127.0.0.1', '198.51.100.1']);
    other.adjust(['127.0.0.1', '203.0.113.1']);
    const play = [...engine.listeners.values()].filter((o) => o.role === 'play');
    expect(play.map((o) => [o.host, o.port])).toEqual([
      ['127.0.0.1', 4000],
      ['203.0.113.1', 4000],
    ]);
  });
});
