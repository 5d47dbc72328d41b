import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { afterEach, describe, expect, test } from 'vitest';
import { UDP_SLOT_BYTES } from '../../src/shared/addon.ts';
import { until } from './peer.ts';
import { pattern, UdpEnd } from './udp-end.ts';

const ends: UdpEnd[] = [];
const sockets: Socket[] = [];
afterEach(() => {
  for (const end of ends.splice(0)) end.udp.dispose();
  for (const socket of sockets.splice(0)) socket.close();
});
const open = (...options: ConstructorParameters<typeof UdpEnd>): UdpEnd => {
  const end = new UdpEnd(...options);
  ends.push(end);
  return end;
};
/** A plain socket, connected: it hears only from where it sends to. */
const plain = async (host: string, port: number, from?: string): Promise<Socket & { got: string[] }> => {
  const socket = Object.assign(createSocket(host.includes(':') ? 'udp6' : 'udp4'), { got: [] as string[] });
  sockets.push(socket);
  if (from !== undefined) {
    socket.bind(0, from);
    await once(socket, 'listening');
  }
  socket.connect(port, host);
  await once(socket, 'connect');
  socket.on('message', (bytes) => socket.got.push(bytes.toString()));
  socket.on('error', () => {});
  return socket;
};

describe('sending', () => {
  /** What a sink gets for one and the same send table. */
  const arrivals = async (segmentation: boolean): Promise<{ hex: string[]; runs: number }> => {
    const sink = open();
    const { port } = sink.bind();
    const end = open({ segmentation });
    const socket = end.connect(port);
    const lengths = [
      ...Array.from({ length: 100 }, () => 1332),
      ...[20, 20, 1332, 1332, 700, 1332, 1333, 1331, 1331, 16, 1500, 1500, 1],
      ...Array.from({ length: 60 }, () => 1472),
    ];
    for (const [i, length] of lengths.entries()) {
      if (i === 80) end.flush();
      end.put(-1 - socket, pattern(i, length));
    }
    end.flush();
    const all = await sink.got(lengths.length);
    const expected = lengths.map((length, i) => Buffer.from(pattern(i, length)).toString('hex'));
    const hex = all.map(({ bytes }) => Buffer.from(bytes).toString('hex'));
    expect(hex).toEqual(expected);
    expect(end.counter('sentDatagrams')).toBe(lengths.length);
    return { hex, runs: end.counter('segmentedRuns') };
  };

  test('segmented runs arrive as sendmmsg’s datagrams do, byte for byte and in order', async () => {
    const [with_, without] = [await arrivals(true), await arrivals(false)];
    expect(with_.hex).toEqual(without.hex);
    expect(with_.runs).toBeGreaterThan(4);
    expect(without.runs).toBe(0);
  });

  test('to many peers and servers at once, each in order', async () => {
    const sinks = Array.from({ length: 5 }, () => open());
    const ports = sinks.map((sink) => sink.bind().port);
    const end = open();
    const { socket } = end.bind();
    const connected = end.connect(ports[4]!);
    const to = [0, 1, 2, 3].map((i) => end.udp.peer(socket, '127.0.0.1', ports[i]!, ''));
    to.push(-1 - connected);
    for (let i = 0; i < 200; i++) end.put(to[i % 5]!, pattern(i, 100 + (i % 3)));
    end.flush();
    for (const [index, sink] of sinks.entries()) {
      const got = (await sink.got(40)).map(({ bytes }) => [...bytes]);
      expect(got).toEqual(
        Array.from({ length: 40 }, (_, k) => [...pattern(5 * k + index, 100 + ((5 * k + index) % 3))]),
      );
    }
  });

  test('what was received goes on from its slot', async () => {
    const sink = open();
    const relay = open();
    const { port } = relay.bind();
    const out = relay.connect(sink.bind().port);
    relay.udp.rearm();
    const sender = await plain('127.0.0.1', port);
    for (let i = 0; i < 30; i++) sender.send(pattern(i, 1332));
    let passed = 0;
    await until('thirty', () => {
      const count = relay.udp.receive(performance.now());
      for (let slot = 0; slot < count; slot++) {
        relay.udp.sendTo[slot] = -1 - out;
        relay.udp.sendFrom[slot] = slot * UDP_SLOT_BYTES;
        relay.udp.sendBytes[slot] = relay.udp.lengths[slot]!;
      }
      relay.udp.flush(count);
      passed += count;
      return passed === 30 || passed + relay.received.length >= 30;
    });
    await until('what passed', () => sink.received.length === passed);
    expect(relay.received.length + passed).toBe(30);
  });

  test('entries that make no sense are counted and skipped', async () => {
    const sink = open();
    const { port } = sink.bind();
    const end = open();
    const socket = end.connect(port);
    const { sendTo, sendFrom, sendBytes, arena } = end.udp;
    const rows = [
      [-1 - socket, -1, 10],
      [-1 - socket, arena.length - 5, 10],
      [-1 - socket, 0, 0],
      [-1 - socket, 0, 70_000],
      [99_999, 0, 10],
      [-50, 0, 10],
      [0, 0, 10],
      [-0x80000000, 0, 10],
      [-1 - socket, 0, 10],
    ];
    for (const [i, [to, from, bytes]] of rows.entries()) {
      sendTo[i] = to!;
      sendFrom[i] = from!;
      sendBytes[i] = bytes!;
    }
    end.udp.flush(rows.length);
    await sink.got(1);
    expect(end.counter('linkErrors')).toBe(rows.length - 1);
    expect(end.counter('sentDatagrams')).toBe(1);
  });

  test('a server whose port is closed is counted, and nothing is lost once it is there', async () => {
    const gone = open();
    const { socket, port } = gone.bind();
    gone.udp.close(socket);
    const end = open();
    const out = end.connect(port);
    await until('a refusal', () => {
      end.send(-1 - out, pattern(1, 50));
      return end.counter('serverRefused') > 0;
    });
    const back = open();
    back.bind('127.0.0.1', { port });
    for (let i = 0; i < 5; i++) end.send(-1 - out, pattern(i, 50));
    await back.got(5);
  });
});
