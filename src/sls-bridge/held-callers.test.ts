import { describe, expect, it } from 'vitest';
import { FakeSrtEngine } from '../../test/support/fake-srt-engine.ts';
import { silentLogger } from '../shared/logger.ts';
import { SlsBridge } from './bridge.ts';
import { type AccessQuestion, MAX_HELD_CALLERS } from './held-callers.ts';
import type { StreamHappening } from './stream-event.ts';

const setUp = () => {
  const engine = new FakeSrtEngine();
  const questions: AccessQuestion[] = [];
  const events: StreamHappening[] = [];
  const time = { now: 0 };
  const bridge = new SlsBridge({
    engine: { name: 'fake', create: () => engine },
    settings: {
      ...{ publishPort: 4001, playPort: 4000, bondPort: 0, latencyFloorMs: 200, latencyCeilingMs: 10_000 },
      refuse: { publish: 'close', play: 'close', bond: 'reject' },
      engine: { publish: 'libsrt', play: 'libsrt', bond: 'libsrt' },
      sharesLatency: { srt: false, srtla: false, pull: false },
      ...{ peerIdleTimeoutMs: 5_000, takeoverSilenceMs: 1_000, tickMs: 5, udpBufferBytes: 8_388_608 },
      ...{ playerWaitMs: 0, playersPerId: 20, playerSlow: 'skip', playerJoin: 'next-key-frame' },
      ...{ gopMaxBytes: 1_048_576, gopMaxMs: 10_000, asksAccess: true },
    },
    logger: silentLogger,
    clock: () => time.now,
    wallClock: () => 0,
    onEvent: (_publisherId, happening) => events.push(happening),
    ask: (question) => questions.push(question),
  });
  bridge.addRow({ publisher: 'live_a', player: 'play_a' });
  bridge.open(['::']);
  const listener = (role: 'publish' | 'play'): number =>
    [...engine.listeners].find(([, options]) => options.role === role && options.refuse === 'close')![0];
  const accept = (socket: number, role: 'publish' | 'play', streamId: string): void => {
    engine.happen({
      ...{ type: 'accepted', socket, listener: listener(role), streamId, address: '203.0.113.7', port: 5_555 },
      ...{ latencyMs: 2_000, encrypted: false, replaces: 0 },
    });
    bridge.pump();
  };
  const types = (): string[] => events.map(({ type }) => type);
  return { engine, bridge, questions, events, time, accept, types };
};

describe('a caller that is asked for', () => {
  it('is in no stream before the answer, and in it after a yes', () => {
    const { bridge, questions, accept, types } = setUp();
    accept(7, 'publish', 'live_a');
    accept(8, 'play', 'play_a');
    expect(questions).toEqual([
      { socket: 7, role: 'publisher', streamId: 'live_a', address: '203.0.113.7', port: 5_555 },
      { socket: 8, role: 'player', streamId: 'play_a', address: '203.0.113.7', port: 5_555 },
    ]);
    expect([[...bridge.publishers()].length, [...bridge.players()].length, types()]).toEqual([0, 0, []]);
    bridge.answer(7, true);
    bridge.answer(8, true);
    bridge.answer(8, true);
    expect(types()).toEqual(['publisher-up', 'player-up']);
    expect([...bridge.players()]).toHaveLength(1);
  });

  it('is closed after a no', () => {
    const { engine, bridge, events, accept } = setUp();
    accept(7, 'publish', 'live_a');
    accept(8, 'play', 'play_a');
    bridge.answer(7, false);
    bridge.answer(8, false);
    expect(engine.closed).toEqual([7, 8]);
    expect(events).toEqual([
      { type: 'publisher-refused', why: 'denied', code: 1401, times: 1, source: 'srt', address: '203.0.113.7' },
    ]);
  });

  it('is closed where its id was taken away meanwhile', () => {
    const { engine, bridge, accept, types } = setUp();
    accept(7, 'publish', 'live_a');
    bridge.removeRow({ publisher: 'live_a', player: 'play_a' });
    bridge.answer(7, true);
    expect([engine.closed, types()]).toEqual([[7], []]);
  });

  it('that has gone before the answer leaves nothing', () => {
    const { engine, bridge, accept, types } = setUp();
    accept(7, 'publish', 'live_a');
    engine.happen({ type: 'ended', socket: 7 });
    bridge.pump();
    bridge.answer(7, true);
    expect([engine.closed, types()]).toEqual([[], []]);
  });

  it('is closed where no answer comes, and where too many wait', () => {
    const { engine, bridge, time, accept, questions } = setUp();
    for (let socket = 1; socket <= MAX_HELD_CALLERS + 1; socket++) accept(socket, 'play', 'play_a');
    expect([questions.length, engine.closed]).toEqual([MAX_HELD_CALLERS, [MAX_HELD_CALLERS + 1]]);
    time.now = 8_001;
    bridge.tick(time.now);
    expect(engine.closed).toHaveLength(MAX_HELD_CALLERS + 1);
  });
});
