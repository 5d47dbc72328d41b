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
  engine: { publish: 'libsrt', play: 'libsrt', bond: 'libsrt' },
  sharesLatency: { srt: false, srtla: false, pull: false },
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

const create = (change: Partial<BridgeSettings> = {}): SlsBridge => {
  engine = new FakeSrtEngine();
  events = [];
  return new SlsBridge({
    engine: { name: 'fake', create: () => engine },
    settings: { ...settings, ...change },
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
      ['publish live_a', { passphrase: 'correct horse', latencyCeilingMs: 10_000, maxSockets: 1 }],
      ['play play_a', { maxSockets: 20 }],
      ['play play_b', { passphrase: 'correct horse', maxSockets: 20 }],
    ]);
    bridge.removeRow({ publisher: 'live_a', player: 'play_a' });
    bridge.removeRow({ publisher: 'live_a', player: 'play_b' });
    expect(engine.allowed.size).toBe(0);
  });

  it('tells whether anybody is there', () => {
    expect(bridge.hasSessions).toBe(false);
    accept(20, listener('play', 'close'), 'play_a');
    bridge.pump();
    expect(bridge.hasSessions).toBe(true);
    engine.happen({ type: 'ended', socket: 20 });
    bridge.pump();
    expect(bridge.hasSessions).toBe(false);
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

  it('is not woken while somebody comes by, looks once a tick, and is woken again afterwards', () => {
    accept(7, listener('play', 'close'), 'play_a');
    accept(8, listener('publish', 'close'), 'live_a');
    bridge.visit(100);
    engine.arrive(8, new TextEncoder().encode('a'));
    bridge.visit(102);
    expect([engine.texts(7), engine.looked]).toEqual([[], 1]);
    bridge.visit(104);
    expect([engine.texts(7), engine.looked]).toEqual([['a'], 2]);
    // A wake-up that was on its way.
    engine.arrive(8, new TextEncoder().encode('b'));
    bridge.pump();
    expect([engine.texts(7), engine.rearmed]).toEqual([['a', 'b'], 0]);
    engine.arrive(8, new TextEncoder().encode('c'));
    bridge.leave();
    bridge.leave();
    expect([engine.texts(7), engine.rearmed]).toEqual([['a', 'b', 'c'], 1]);
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

const second = (count = 1): void => {
  for (let i = 0; i < count; i++) {
    now += 1_000;
    wall += 1_000;
    bridge.tick(now);
    bridge.pump();
  }
};
const publishLive = (socket = 8, more: object = {}): void => {
  accept(socket, listener('publish', 'close'), 'live_a', more);
  bridge.pump();
};
const playLive = (socket = 7, id = 'play_a'): void => {
  accept(socket, listener('play', 'close'), id);
  bridge.pump();
};
const whyDown = () =>
  events.flatMap((event) => ('why' in event && event.type.endsWith('-down') ? [[event.type, event.why]] : []));
const of = (type: StreamHappening['type']) => events.filter((event) => event.type === type);

describe('a row that is taken away', () => {
  beforeEach(() => {
    bridge.addRow({ publisher: 'live_a', player: 'play_b' });
    publishLive();
    playLive(7);
    playLive(6, 'play_b');
    events = [];
  });

  it('takes its players along at once, and the publisher with its last row', () => {
    bridge.removeRow({ publisher: 'live_a', player: 'play_a' });
    bridge.pump();
    expect(engine.closed).toEqual([7]);
    bridge.removeRow({ publisher: 'live_a', player: 'play_b' });
    bridge.pump();
    expect(engine.closed).toEqual([7, 6, 8]);
    expect(whyDown()).toEqual([
      ['player-down', 'revoked'],
      ['player-down', 'revoked'],
      ['publisher-down', 'revoked'],
    ]);
  });

  it('lets nobody through who was on the way in', () => {
    accept(18, listener('publish', 'close'), 'live_a', { replaces: 8 });
    accept(17, listener('play', 'close'), 'play_a');
    for (const player of ['play_a', 'play_b']) bridge.removeRow({ publisher: 'live_a', player });
    bridge.pump();
    expect(engine.closed).toEqual(expect.arrayContaining([17, 18]));
    expect([...bridge.publishers(), ...bridge.players()]).toEqual([]);
  });

  it('that nobody has is no trouble', () => {
    bridge.removeRow({ publisher: 'live_z', player: 'play_z' });
    expect(engine.closed).toEqual([]);
  });
});

describe('kicks', () => {
  it('end a publisher, the players of an id, or one of them', () => {
    publishLive();
    for (const socket of [5, 6, 7]) playLive(socket);
    events = [];
    bridge.kickSocket([...bridge.players()].find(({ socket }) => socket === 6)!.key);
    bridge.kickSocket('nobody');
    bridge.pump();
    expect(engine.closed).toEqual([6]);
    bridge.kickPublisher('live_a');
    bridge.pump();
    expect(engine.closed).toEqual([6, 8]);
    bridge.kickPlayers('play_a');
    bridge.pump();
    expect(engine.closed).toEqual([6, 8, 5, 7]);
    expect(new Set(whyDown().map(([, why]) => why))).toEqual(new Set(['kicked']));
    expect(engine.allowed.size).toBe(2);
    expect(bridge.counters.kicked).toBe(4);
  });
});

describe('a drain', () => {
  it('turns new publishers away and keeps who is there', () => {
    publishLive();
    bridge.drain(true);
    expect([engine.refusingPublishers, engine.refusing, engine.closed.length]).toEqual([true, false, 0]);
    engine.happen({
      type: 'refused',
      listener: listener('publish', 'close'),
      streamId: 'live_a',
      address: '::1',
      port: 9,
      code: 1402,
      how: 'closed',
    });
    bridge.pump();
    expect(of('publisher-refused')).toMatchObject([{ why: 'draining', code: 1402 }]);
    bridge.drain(false);
    expect(engine.refusingPublishers).toBe(false);
  });
});

describe('limits of a live session', () => {
  it('an id that expires is refused and cut', () => {
    bridge.updateRow({ publisher: 'live_a', player: 'play_a', expiresAt: 2_500 });
    publishLive();
    playLive();
    events = [];
    second(2);
    expect(engine.closed).toEqual([]);
    second();
    expect(engine.closed).toEqual([7, 8]);
    expect(engine.allowed.size).toBe(0);
    expect(whyDown()).toEqual([
      ['player-down', 'expired'],
      ['publisher-down', 'expired'],
    ]);
    engine.happen({
      type: 'refused',
      listener: listener('publish', 'close'),
      streamId: 'live_a',
      address: '::1',
      port: 9,
      code: 1404,
      how: 'closed',
    });
    bridge.pump();
    expect(of('publisher-refused')).toMatchObject([{ why: 'expired', code: 1404, times: 1 }]);
  });

  it('an update that puts the end into the past cuts at once; any other leaves the session alone', () => {
    publishLive();
    playLive();
    bridge.updateRow({
      publisher: 'live_a',
      player: 'play_a',
      maxPlayers: 1,
      passphrase: 'something new',
      latencyMs: 800,
    });
    bridge.pump();
    expect(engine.closed).toEqual([]);
    expect(engine.allowed.get('publish live_a')).toMatchObject({ passphrase: 'something new', latencyMs: 800 });
    bridge.updateRow({ publisher: 'live_a', player: 'play_a', expiresAt: -1 });
    bridge.pump();
    expect(engine.closed).toEqual([7, 8]);
  });

  it('a publisher above its ceiling is told of, borne for a while, then closed; a ceiling that is lowered holds at once', () => {
    publishLive();
    /** A second of a stream at this rate. */
    const kbps = (rate: number): void => {
      for (let part = 0; part < 20; part++) {
        engine.arrive(8, ...Array.from({ length: 5 }, () => new Uint8Array((rate * 1_000) / 8 / 100)));
        bridge.pump();
        now += 50;
      }
      now -= 1_000;
    };
    for (let i = 0; i < 8; i++) {
      kbps(1_100);
      second();
    }
    expect(of('bitrate-exceeded')).toEqual([]);
    bridge.updateRow({ publisher: 'live_a', player: 'play_a', maxBitrateKbps: 1_000 });
    for (let i = 0; i < 30; i++) {
      kbps(1_100);
      second();
    }
    expect(of('bitrate-exceeded')).toMatchObject([{ publisherId: 'live_a', ceilingKbps: 1_000 }]);
    expect([...bridge.publishers()][0]!.warnings()).toEqual(['bitrate-exceeded']);
    expect(engine.closed).toEqual([]);
    kbps(1_100);
    second();
    expect(engine.closed).toEqual([8]);
    expect(of('bitrate-closed')).toHaveLength(1);
    expect(whyDown()).toEqual([['publisher-down', 'bitrate']]);
  });

  it('a latency below four round trips is told of once, until there is clearly enough again', () => {
    publishLive();
    playLive();
    engine.figures.set(8, { rttMs: 501 });
    second(4);
    expect(of('latency-short')).toEqual([]);
    second(5);
    expect(of('latency-short')).toMatchObject([{ latencyMs: 2_000, rttMs: 501 }]);
    const publisher = [...bridge.publishers()][0]!;
    expect(publisher.warnings()).toEqual(['latency-short']);
    engine.figures.set(8, { rttMs: 460 });
    second();
    expect(publisher.warnings()).toEqual(['latency-short']);
    engine.figures.set(8, { rttMs: 400 });
    second();
    expect(publisher.warnings()).toEqual([]);
    engine.figures.set(7, { rttMs: 700 });
    second();
    expect(of('latency-short').at(-1)).toMatchObject({ playerId: 'play_a', rttMs: 700 });
    expect(engine.closed).toEqual([]);
  });
});

describe('a player that does not keep up', () => {
  const BEHIND = { sndBufMs: 2_020, sndBufPackets: 900, pktSndDropTotal: 5 };
  const start = (playerSlow: 'skip' | 'disconnect'): void => {
    bridge = create({ playerSlow });
    bridge.open(['::']);
    bridge.addRow({ publisher: 'live_a', player: 'play_a' });
    publishLive();
    playLive(6);
    playLive(7);
    engine.figures.set(7, BEHIND);
  };
  const say = (text: string): void => {
    engine.arrive(8, new TextEncoder().encode(text));
    bridge.pump();
  };

  it('skips to the live edge, told of and counted, and nobody else notices', () => {
    start('skip');
    say('a');
    second(4);
    say('b');
    engine.figures.set(7, { sndBufPackets: 0, pktSndDropTotal: 5 });
    second();
    say('c');
    expect([engine.texts(7), engine.texts(6)]).toEqual([
      ['a', 'c'],
      ['a', 'b', 'c'],
    ]);
    second(10);
    expect(of('player-dropped')).toMatchObject([
      { messages: 5, playerId: 'play_a' },
      { messages: 1, playerId: 'play_a' },
    ]);
    expect([...bridge.players()].map(({ droppedMessages }) => droppedMessages)).toEqual([0, 6]);
    expect(engine.closed).toEqual([]);
  });

  it('meets the policy of the time', () => {
    start('skip');
    say('a');
    bridge.configure({ ...settings, playerSlow: 'disconnect' });
    second(5);
    expect(engine.closed).toEqual([7]);
  });

  it('is disconnected where that is the policy', () => {
    start('disconnect');
    say('a');
    second(5);
    expect(engine.closed).toEqual([7]);
    expect(whyDown()).toEqual([['player-down', 'slow']]);
    expect(bridge.counters.slowPlayers).toBe(1);
  });
});

describe('what is told of publishers', () => {
  it('a takeover, and why the old one is gone', () => {
    publishLive(8);
    publishLive(9, { replaces: 8 });
    engine.arrive(9, new Uint8Array(10));
    bridge.pump();
    bridge.pump();
    expect(events.map(({ type }) => type)).toEqual([
      'publisher-up',
      'publisher-takeover',
      'publisher-up',
      'publisher-down',
    ]);
    expect(whyDown()).toEqual([['publisher-down', 'taken-over']]);
  });

  it('a connection that was given up for its silence, as opposed to one that was ended', () => {
    publishLive(8);
    engine.figures.set(8, { pktRecvUniqueTotal: 10 });
    second(3);
    engine.happen({ type: 'broken', socket: 8 });
    engine.happen({ type: 'ended', socket: 8 });
    bridge.pump();
    publishLive(9);
    engine.figures.set(9, { pktRecvUniqueTotal: 10 });
    second(6);
    engine.happen({ type: 'broken', socket: 9 });
    engine.happen({ type: 'ended', socket: 9 });
    bridge.pump();
    expect(of('publisher-timeout')).toMatchObject([{ silentMs: 5_000 }]);
    expect(whyDown()).toEqual([
      ['publisher-down', 'ended'],
      ['publisher-down', 'timeout'],
    ]);
  });

  it('refusals of a known id, in any dialect, the same ones together; of a stranger nothing', () => {
    const refuse = (streamId: string, code: number): void =>
      engine.happen({
        type: 'refused',
        listener: listener('publish', 'reject'),
        streamId,
        address: '::1',
        port: 9,
        code,
        how: 'closed',
      });
    for (const id of ['live_a', 'publish:live_a', 'live_a?x']) refuse(id, 1409);
    for (const [id, code] of [
      ['nobody', 1404],
      ['live_a', 10],
      ['play_a', 1403],
    ] as const)
      refuse(id, code);
    bridge.pump();
    second(11);
    const words = of('publisher-refused').map((event) =>
      'times' in event ? [event.why, event.code, event.times] : [],
    );
    expect(words).toEqual([
      ['in-use', 1409, 1],
      ['passphrase', 10, 1],
      ['wrong-role', 1403, 1],
      ['in-use', 1409, 2],
    ]);
    expect(events.every(({ publisherId }) => publisherId === 'live_a')).toBe(true);
  });
});
