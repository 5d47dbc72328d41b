import { createSocket, type RemoteInfo, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { afterAll, afterEach, describe, expect, test } from 'vitest';
import { silentLogger } from '../../src/shared/logger.ts';
import { SlsBridge } from '../../src/sls-bridge/bridge.ts';
import { libsrtEngine } from '../../src/sls-bridge/native.ts';
import type { Player } from '../../src/sls-bridge/sessions.ts';
import type { StreamHappening } from '../../src/sls-bridge/stream-event.ts';
import { freeSettings } from '../data-plane/host-harness.ts';
import { numbered, numberOf, Peer, turn, until } from './peer.ts';

/** A player whose application reads nothing: libsrt's threads go on answering for it. */
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

interface World {
  bridge: SlsBridge;
  events: StreamHappening[];
  slow: () => Player | undefined;
  close: () => void;
}
const worlds: World[] = [];
const peers: Peer[] = [];
const peer = <P extends Peer>(made: P): P => {
  peers.push(made);
  return made;
};
afterEach(() => {
  for (const world of worlds.splice(0)) world.close();
});
afterAll(() => {
  for (const made of peers) made.engine.dispose();
});

/** A bridge on real libsrt with one publisher id and a player id each for the slow and the quick. */
const world = (change: Partial<ReturnType<typeof freeSettings>['bridge']> = {}): World => {
  const events: StreamHappening[] = [];
  const bridge = new SlsBridge({
    engine: libsrtEngine(),
    settings: { ...freeSettings().bridge, latencyFloorMs: 50, ...change },
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

/** Publishes at 31 Mbit/s until `until` holds; returns how many messages that took. */
const publishUntil = async (
  encoder: Peer,
  socket: number,
  isEnough: () => boolean,
  timeoutMs = 30_000,
): Promise<number> => {
  const startMs = performance.now();
  let sent = 0;
  while (!isEnough()) {
    if (performance.now() - startMs > timeoutMs) throw new Error('published in vain');
    const due = (performance.now() - startMs) * 3;
    for (; sent < due; sent++) encoder.engine.sendMessage(socket, numbered(sent), 0);
    await turn(2);
  }
  return sent;
};
const has = (of: World, type: StreamHappening['type']): boolean => of.events.some((event) => event.type === type);

describe('a player that cannot keep up', { timeout: 60_000 }, () => {
  const start = async (of: World, slow: Peer, via?: number) => {
    const [encoder, viewer] = [peer(new Peer()), peer(new Peer())];
    const play = of.bridge.port('play');
    const quick = await viewer.join(play, 'play_quick', { reads: true });
    const stuck = await slow.join(via ?? play, 'play_slow', { reads: true, latencyMs: 120 });
    const publisher = await encoder.join(of.bridge.port('publish'), 'live_a', { latencyMs: 50 });
    await until('both players', () => [...of.bridge.players()].length === 2);
    return { encoder, viewer, quick, stuck, publisher };
  };
  /** Nothing is missing at the quick one. */
  const expectWhole = async (viewer: Peer, quick: number, sent: number): Promise<void> => {
    await until('the whole stream at the quick player', () => viewer.messages(quick).length >= sent);
    expect(viewer.messages(quick).map(numberOf)).toEqual([...Array(sent).keys()]);
  };

  test('because nobody acknowledges: its backlog is bounded, and nobody else notices', async () => {
    const of = world({ peerIdleTimeoutMs: 10_000 });
    const link = await OneWayCut.open(of.bridge.port('play'));
    const { encoder, viewer, quick, publisher } = await start(of, peer(new Peer()), link.port);
    let most = 0;
    const isHeld = (): boolean => {
      const stats = new Float64Array(64);
      const slow = of.slow()!;
      if (of.bridge.stats(slow, stats)) most = Math.max(most, stats[24]!);
      if (slow.sentMessages > 300) link.cut = true;
      return slow.isHeld && slow.missedMessages > 500;
    };
    const sent = await publishUntil(encoder, publisher, isHeld);
    link.close();
    await expectWhole(viewer, quick, sent);
    // A second of the stream, and what comes in the time between two looks.
    expect(most).toBeGreaterThan(1_000);
    expect(most).toBeLessThan(3 * 3_000);
    await until('it to be told', () => has(of, 'player-dropped'));
  });

  test('because it does not read: it goes on at the live edge once it does', async () => {
    const of = world();
    const slow = peer(new NeverReads());
    const { encoder, viewer, quick, publisher, stuck } = await start(of, slow);
    let sent = await publishUntil(encoder, publisher, () => of.slow()!.isHeld && of.slow()!.missedMessages > 1_000);
    // Now it reads, and its buffer drains.
    slow.pump = () => Peer.prototype.pump.call(slow);
    slow.pump();
    const more = await publishUntil(encoder, publisher, () => of.slow()!.state === 'playing');
    sent += more;
    expect(of.slow()!.droppedMessages).toBeGreaterThan(0);
    await until('the newest message', () => numberOf(slow.messages(stuck).at(-1)!) > more * 0.9 - 1_000);
    expect(viewer.messages(quick).length).toBeGreaterThan(sent * 0.9);
    expect(has(of, 'player-down')).toBe(false);
  });

  test('is disconnected where that is the policy', async () => {
    const of = world({ playerSlow: 'disconnect' });
    const slow = peer(new NeverReads());
    const { encoder, viewer, quick, publisher, stuck } = await start(of, slow);
    const sent = await publishUntil(encoder, publisher, () => of.slow() === undefined);
    await until('it to notice', () => {
      slow.pump();
      return slow.find('broken', stuck);
    });
    await expectWhole(viewer, quick, sent);
    expect(of.events.find(({ type }) => type === 'player-down')).toMatchObject({ why: 'slow' });
  });
});
