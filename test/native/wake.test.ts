import { readdirSync, readFileSync } from 'node:fs';
import { afterEach, describe, expect, test } from 'vitest';
import { numbered, numberOf, Peer, stream, turn, until } from './peer.ts';

const peers: Peer[] = [];
const peer = (...options: ConstructorParameters<typeof Peer>): Peer => {
  const made = new Peer(...options);
  peers.push(made);
  return made;
};
afterEach(() => {
  for (const made of peers.splice(0)) made.engine.dispose();
});

/** CPU time of this process's poll threads, ms (the system counts in steps of 10). */
const pollThreadMs = (): number => {
  let ticks = 0;
  for (const task of readdirSync('/proc/self/task')) {
    try {
      if (readFileSync(`/proc/self/task/${task}/comm`, 'utf8').trim() !== 'tributary-poll') continue;
      const fields = readFileSync(`/proc/self/task/${task}/stat`, 'utf8').split(') ')[1]!.split(' ');
      ticks += Number(fields[11]) + Number(fields[12]);
    } catch {
      // The thread has ended meanwhile.
    }
  }
  return ticks * 10;
};

/** What happens within a window of time, in which nothing is awaited but its end. */
const WINDOW_MS = 1_000;

const pair = async (options: ConstructorParameters<typeof Peer>[0] = {}, latencyMs = 120) => {
  const node = peer(options);
  const encoder = peer();
  const { port } = node.listen();
  node.engine.allow('publish', 'in', { maxSockets: 1 });
  const socket = await encoder.join(port, 'in', { latencyMs });
  const { socket: publisher } = await node.accepted('in');
  return { node, encoder, socket, publisher };
};

describe('wake-ups', () => {
  test('none at idle, with a publisher and a player connected', async () => {
    const { node, encoder } = await pair();
    const { port } = node.listen({ role: 'play' });
    node.engine.allow('play', 'out', { maxSockets: 1 });
    await encoder.join(port, 'out', { reads: true });
    await node.accepted('out');
    await until('quiet', () => node.events.length === 2);
    const wakes = node.wakes + encoder.wakes;
    const cpuMs = pollThreadMs();
    await turn(WINDOW_MS);
    expect(node.wakes + encoder.wakes - wakes).toBe(0);
    // Two engines, two threads: 2 % of a core is the coarse clock's resolution.
    expect(pollThreadMs() - cpuMs).toBeLessThanOrEqual(30);
  });

  test.each([5, 20])('not more than one for each tick of %d ms under load', async (tickMs) => {
    const { node, encoder, socket, publisher } = await pair({ tickMs });
    const wakes = node.wakes;
    const startMs = performance.now();
    await stream(encoder, socket, 0, WINDOW_MS * 2, { perMs: 2 });
    await until('everything', () => node.messages(publisher).length === WINDOW_MS * 2);
    const tookMs = performance.now() - startMs;
    expect(node.wakes - wakes).toBeLessThanOrEqual(Math.ceil(tookMs / tickMs) + 2);
    expect(node.wakes - wakes).toBeGreaterThan(10);
  });

  test('none for somebody who looks by himself; callers, messages and ends are there all the same', async () => {
    const node = peer({ onWake: () => {} });
    const encoder = peer();
    const { port } = node.listen();
    node.engine.allow('publish', 'in', { maxSockets: 1 });
    const looking = setInterval(() => {
      node.engine.look();
      node.take();
    }, 3);
    try {
      const socket = await encoder.join(port, 'in', { latencyMs: 120 });
      const { socket: publisher } = await node.accepted('in');
      await stream(encoder, socket, 0, 500, { perMs: 2 });
      await until('everything', () => node.messages(publisher).length === 500);
      expect(node.messages(publisher).map(numberOf)).toEqual(Array.from({ length: 500 }, (_, i) => i));
      await stream(encoder, socket, 500, 520, { perMs: 2 });
      await until('the tail to arrive', () => encoder.stat(socket, 'sndBufPackets') === 0);
      encoder.engine.close(socket);
      await node.ended(publisher);
      expect(node.messages(publisher)).toHaveLength(520);
    } finally {
      clearInterval(looking);
    }
  });

  test('not more than one for each tick while a tail is read', async () => {
    const { node, encoder, socket, publisher } = await pair({ tickMs: 10 }, 1_000);
    await stream(encoder, socket, 0, 50);
    await until('everything to arrive', () => encoder.stat(socket, 'sndBufPackets') === 0);
    encoder.engine.close(socket);
    await until('the end of arrival', () => node.find('broken', publisher));
    const wakes = node.wakes;
    const startMs = performance.now();
    await node.ended(publisher);
    expect(node.wakes - wakes).toBeLessThanOrEqual(Math.ceil((performance.now() - startMs) / 10) + 2);
    expect(node.messages(publisher)).toHaveLength(50);
  });

  test('one, and no spinning, while JavaScript does not rearm', async () => {
    const { node, encoder, socket, publisher } = await pair({ tickMs: 1 });
    let wakes = 0;
    node.pump = () => {
      wakes++;
    };
    await stream(encoder, socket, 0, 100);
    await until('the wake-up', () => wakes > 0);
    const cpuMs = pollThreadMs();
    await turn(WINDOW_MS);
    expect(wakes).toBe(1);
    expect(pollThreadMs() - cpuMs).toBeLessThanOrEqual(40);
    // Nothing is lost by it: libsrt has kept what was due.
    node.pump = Peer.prototype.pump;
    node.pump();
    await until('what was kept', () => node.messages(publisher).length === 100);
  });

  test('again at the next tick while JavaScript rearms and leaves data', async () => {
    const { node, encoder, socket } = await pair({ tickMs: 50 });
    let wakes = 0;
    node.pump = () => {
      wakes++;
      node.engine.rearm();
    };
    encoder.engine.sendMessage(socket, numbered(1), 0);
    await until('the first wake-up', () => wakes > 0);
    await turn(WINDOW_MS);
    expect(wakes).toBeGreaterThan(5);
    expect(wakes).toBeLessThanOrEqual(WINDOW_MS / 50 + 2);
  });

  test('a slot table that is smaller than what is due is filled again', async () => {
    const { node, encoder, socket, publisher } = await pair({ slots: 3 });
    for (let i = 0; i < 50; i++) encoder.engine.sendMessage(socket, numbered(i), 0);
    await until('everything', () => node.messages(publisher).length === 50);
    expect(node.messages(publisher).map((message) => message.bytes[3])).toEqual([...Array(50).keys()]);
  });

  test('an ended event follows a close within two ticks of the poll thread', async () => {
    const { node, publisher } = await pair();
    const startMs = performance.now();
    node.engine.close(publisher);
    expect((await node.ended(publisher)).atMs - startMs).toBeLessThan(100);
  });
});
