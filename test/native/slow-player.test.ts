import { createSocket, type RemoteInfo, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { afterAll, describe, expect, test } from 'vitest';
import { SRT_STATS_FIELDS } from '../../src/shared/addon.ts';
import { silentLogger } from '../../src/shared/logger.ts';
import { SlsBridge } from '../../src/sls-bridge/bridge.ts';
import type { Player } from '../../src/sls-bridge/sessions.ts';
import type { StreamHappening } from '../../src/sls-bridge/stream-event.ts';
import { freeSettings } from '../data-plane/host-harness.ts';
import { numbered, numberOf, Peer, peerEngines, turn, until } from './peer.ts';

/** A player whose application reads nothing; libsrt's threads go on answering for it. */
class NeverReads extends Peer {
  override pump(): void {
    for (const event of this.engine.takeEvents()) this.events.push({ ...event, atMs: performance.now() });
  }
}

/** Loopback between one caller and a port; what the caller sends can be cut, such as its acknowledgements. */
class OneWayCut {
  cut = false;
  readonly #front: Socket;
  readonly #back: Socket;

  private constructor(front: Socket, back: Socket, port: number) {
    this.#front = front;
    this.#back = back;
    let caller: RemoteInfo | undefined;
    front.on('message', (datagram, from) => {
      caller = from;
      if (!this.cut) back.send(datagram, port, '127.0.0.1');
    });
    back.on('message', (datagram) => {
      if (caller) front.send(datagram, caller.port, caller.address);
    });
  }

  static async open(port: number): Promise<OneWayCut> {
    const sockets = [createSocket('udp4'), createSocket('udp4')];
    for (const socket of sockets) {
      socket.bind(0, '127.0.0.1');
      await once(socket, 'listening');
    }
    return new OneWayCut(sockets[0]!, sockets[1]!, port);
  }

  get port(): number {
    return this.#front.address().port;
  }

  close(): void {
    this.#front.close();
    this.#back.close();
  }
}

const BACKLOG = SRT_STATS_FIELDS.indexOf('sndBufPackets');

interface World {
  bridge: SlsBridge;
  events: StreamHappening[];
  slow: () => Player | undefined;
  close: () => void;
}
const worlds: World[] = [];
const peers: Peer[] = [];
const peer = (): Peer => {
  const made = new Peer();
  peers.push(made);
  return made;
};
afterAll(() => {
  for (const world of worlds) world.close();
  for (const made of peers) made.engine.dispose();
});

/** A bridge on a real engine with one publisher id and a player id each for the slow and the quick. */
const world = (change: Partial<ReturnType<typeof freeSettings>['bridge']> = {}): World => {
  const events: StreamHappening[] = [];
  const bridge = new SlsBridge({
    engine: peerEngines.factory(),
    settings: { ...freeSettings().bridge, latencyFloorMs: 50, udpBufferBytes: 4_194_304, ...change },
    logger: silentLogger,
    clock: () => performance.now(),
    wallClock: Date.now,
    onEvent: (_publisherId, happening) => events.push(happening),
  });
  for (const player of ['play_slow', 'play_quick']) bridge.addRow({ publisher: 'live_a', player });
  bridge.open(['127.0.0.1']);
  const timer = setInterval(() => bridge.tick(performance.now()), 1_000);
  const made: World = {
    bridge,
    events,
    slow: () => [...bridge.players()].find(({ playerId }) => playerId === 'play_slow'),
    close: () => {
      clearInterval(timer);
      bridge.close();
    },
  };
  worlds.push(made);
  return made;
};

/** Messages per millisecond: 2.6 Mbit/s, so that a busy machine loses nothing. */
const PER_MS = 0.25;

/** Publishes until `isEnough` holds, which is told how many messages were sent; returns how many that took. */
const publishUntil = async (encoder: Peer, socket: number, isEnough: (sent: number) => boolean): Promise<number> => {
  const startMs = performance.now();
  let sent = 0;
  while (!isEnough(sent)) {
    if (performance.now() - startMs > 40_000) throw new Error(`published ${sent} messages in vain`);
    for (const due = (performance.now() - startMs) * PER_MS; sent < due; sent++)
      encoder.engine.sendMessage(socket, numbered(sent), 0);
    await turn(2);
  }
  return sent;
};

describe.concurrent('a player that cannot keep up', { timeout: 60_000 }, () => {
  const start = async (of: World) => {
    const [encoder, viewer] = [peer(), peer()];
    const quick = await viewer.join(of.bridge.port('play'), 'play_quick', { reads: true, latencyMs: 1_000 });
    const publisher = await encoder.join(of.bridge.port('publish'), 'live_a', { latencyMs: 500 });
    await until('both players', () => [...of.bridge.players()].length === 2);
    const stats = new Float64Array(SRT_STATS_FIELDS.length);
    let most = 0;
    return {
      encoder,
      viewer,
      quick,
      publisher,
      /** The largest backlog of the slow player up to now, messages. */
      mostBacklog: (): number => {
        const slow = of.slow();
        if (slow && of.bridge.stats(slow, stats)) most = Math.max(most, stats[BACKLOG]!);
        return most;
      },
    };
  };
  /** Nothing is missing at the quick one. */
  const expectWhole = async (viewer: Peer, quick: number, sent: number): Promise<void> => {
    await until('the whole stream at the quick player', () => viewer.messages(quick).length >= sent);
    expect(viewer.messages(quick).map(numberOf)).toEqual([...Array(sent).keys()]);
  };
  /** libsrt gives up what is older than a second; and what comes between two looks. */
  const expectBounded = (most: number): void => {
    expect(most).toBeGreaterThan(PER_MS * 800);
    expect(most).toBeLessThan(PER_MS * 4_000);
  };

  test('because nobody acknowledges: it is held, and goes on at the live edge', async () => {
    const of = world({ peerIdleTimeoutMs: 30_000 });
    const link = await OneWayCut.open(of.bridge.port('play'));
    const caller = peer();
    const stuck = await caller.join(link.port, 'play_slow', { reads: true, latencyMs: 120 });
    const { encoder, viewer, quick, publisher, mostBacklog } = await start(of);
    let wasHeld = false;
    const sent = await publishUntil(encoder, publisher, (count) => {
      const slow = of.slow()!;
      mostBacklog();
      wasHeld ||= slow.missedMessages > 100;
      link.cut = !wasHeld && slow.sentMessages > 50;
      const newest = caller.messages(stuck).at(-1);
      return wasHeld && slow.state === 'playing' && numberOf(newest!) > count - PER_MS * 1_500;
    });
    await expectWhole(viewer, quick, sent);
    expectBounded(mostBacklog());
    expect(of.events).toContainEqual(expect.objectContaining({ type: 'player-dropped', playerId: 'play_slow' }));
    expect(of.events.some(({ type }) => type === 'player-down')).toBe(false);
    // The first message after the gap is one that it had not seen.
    const numbers = caller.messages(stuck).map(numberOf);
    expect(numbers.every((number, index) => index === 0 || number > numbers[index - 1]!)).toBe(true);
    link.close();
  });

  test('because it does not read: its backlog is bounded, and nobody else notices', async () => {
    const of = world();
    const slow = new NeverReads();
    peers.push(slow);
    const little = { reads: true, latencyMs: 120, bufferBytes: 256 * 1_500 };
    await slow.join(of.bridge.port('play'), 'play_slow', little);
    const { encoder, viewer, quick, publisher, mostBacklog } = await start(of);
    const sent = await publishUntil(encoder, publisher, () => {
      mostBacklog();
      return of.slow() === undefined || of.slow()!.missedMessages > 100;
    });
    await expectWhole(viewer, quick, sent);
    expectBounded(mostBacklog());
    await until('it to be told', () =>
      of.events.some(({ type }) => type === 'player-dropped' || type === 'player-down'),
    );
  });

  test('is disconnected where that is the policy', async () => {
    const of = world({ playerSlow: 'disconnect', peerIdleTimeoutMs: 30_000 });
    const link = await OneWayCut.open(of.bridge.port('play'));
    const caller = peer();
    const stuck = await caller.join(link.port, 'play_slow', { reads: true, latencyMs: 120 });
    const { encoder, viewer, quick, publisher } = await start(of);
    const sent = await publishUntil(encoder, publisher, () => {
      const slow = of.slow();
      link.cut = slow !== undefined && slow.sentMessages > 50;
      return slow === undefined;
    });
    await until('it to notice', () => caller.find('broken', stuck));
    await expectWhole(viewer, quick, sent);
    expect(of.events).toContainEqual(expect.objectContaining({ type: 'player-down', why: 'slow' }));
    link.close();
  });
});
