import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { networkInterfaces } from 'node:os';
import { Worker } from 'node:worker_threads';
import { afterEach, describe, expect, test } from 'vitest';
import { UDP_COUNTERS, UDP_SLOT_BYTES } from '../../src/shared/addon.ts';
import { turn, until } from './peer.ts';
import { pattern, type Received, UdpEnd } from './udp-end.ts';

const HAS_IPV6 = Object.values(networkInterfaces()).some((list) => list?.some(({ address }) => address === '::1'));

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

describe('receiving', () => {
  test('a batch larger than the slots comes whole, in order, with lengths, sockets and arrival times', async () => {
    const end = open();
    const [first, second] = [end.bind(), end.bind()];
    const sender = await plain('127.0.0.1', first.port);
    const other = await plain('127.0.0.1', second.port);
    const before = performance.now();
    for (let i = 0; i < 300; i++) sender.send(pattern(i, 1 + ((i * 7) % 1500)));
    other.send(pattern(1, 20));
    const all = await end.got(301);
    const after = performance.now();
    const mine = all.filter(({ socket }) => socket === first.socket);
    expect(mine.map(({ bytes }) => Buffer.from(bytes).toString('hex'))).toEqual(
      Array.from({ length: 300 }, (_, i) => Buffer.from(pattern(i, 1 + ((i * 7) % 1500))).toString('hex')),
    );
    expect(new Set(mine.map(({ peer }) => peer)).size).toBe(1);
    for (const { arrivalMs } of all) {
      expect(arrivalMs).toBeGreaterThanOrEqual(before - 1);
      expect(arrivalMs).toBeLessThanOrEqual(after);
    }
    for (let i = 1; i < mine.length; i++)
      expect(mine[i]!.arrivalMs).toBeGreaterThanOrEqual(mine[i - 1]!.arrivalMs - 0.01);
    expect(end.counter('receivedDatagrams')).toBe(301);
    expect(end.counter('receiveCalls')).toBeLessThan(100);
  });

  test('the arrival time is that of the datagram, not of its reading', async () => {
    const end = open({ onWake: () => {} });
    const { port } = end.bind();
    const sender = await plain('127.0.0.1', port);
    for (const wait of [0, 30, 30]) {
      await turn(wait);
      sender.send('x');
    }
    await turn(60);
    await until('three datagrams', () => {
      end.take();
      return end.received.length === 3;
    });
    const [a, b, c] = end.received.map(({ arrivalMs }) => arrivalMs);
    expect(b! - a!).toBeGreaterThan(25);
    expect(c! - b!).toBeGreaterThan(25);
    expect(performance.now() - c!).toBeGreaterThan(50);
  });

  test('what is longer than a slot is cut, and shows it', async () => {
    const end = open();
    const { port } = end.bind();
    const sender = await plain('127.0.0.1', port);
    sender.send(new Uint8Array(1501));
    sender.send(new Uint8Array(9_000));
    sender.send(new Uint8Array(0));
    const [a, b, c] = await end.got(3);
    expect([a!.bytes.length, b!.bytes.length, c!.bytes.length]).toEqual([1501, UDP_SLOT_BYTES, 0]);
  });

  test('wakes at once when it is quiet, and asks to be paced when it is busy', async () => {
    const nexts: number[] = [];
    let pacing = false;
    const end = open({
      paces: true,
      busyPacketsPerSecond: 500,
      onWake: () => {
        let next = 1;
        while (next === 1) {
          while (end.take() > 0);
          next = end.udp.rearm();
        }
        nexts.push(next);
        if (next === 2) pacing = true;
      },
    });
    const { port } = end.bind();
    const sender = await plain('127.0.0.1', port);
    for (let i = 1; i <= 3; i++) {
      sender.send('quiet');
      await end.got(i);
      await turn(25);
    }
    expect(end.counter('wakeups')).toBe(3);
    expect(nexts).toEqual([0, 0, 0]);
    await until('pacing', () => {
      for (let i = 0; i < 10; i++) sender.send('busy');
      return pacing;
    });
    // Nobody wakes JavaScript now, whatever comes; it finds it by itself.
    const wakeups = end.counter('wakeups');
    const before = end.received.length;
    for (let i = 0; i < 50; i++) sender.send('more');
    await until('what has come', () => {
      while (end.take() > 0);
      return end.received.length >= before + 50;
    });
    expect(end.counter('wakeups')).toBe(wakeups);
    // Once it is quiet, it is woken again.
    await until('the end of pacing', () => {
      while (end.take() > 0);
      return end.udp.rearm() === 0;
    });
    const calm = end.received.length;
    sender.send('quiet again');
    await end.got(calm + 1);
  });
});

describe('a receive buffer that fills while JavaScript is away', () => {
  const PER_MS = 4;
  const AWAY_MS = 400;
  /** So many datagrams of full size fit into the buffer. */
  const ROOM = 184;
  const numberOf = ({ bytes }: Received): number => new DataView(bytes.buffer, bytes.byteOffset).getUint32(0);

  test('is emptied meanwhile, and nothing overtakes', { timeout: 30_000 }, async () => {
    const end = open({ paces: true, busyPacketsPerSecond: 500 });
    const { port } = end.bind('127.0.0.1', { bufferBytes: 212_992 });
    const sender = new Worker(new URL('./pace-worker.ts', import.meta.url), { workerData: { port, perMs: PER_MS } });
    const pump = setInterval(() => end.pump(), 2);
    try {
      await end.got(500);
      // The whole thread: a long collection of garbage is no different.
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, AWAY_MS);
      const before = end.received.length;
      while (end.take() > 0);
      expect(end.received.length - before).toBeGreaterThan(ROOM * 2);
      expect(end.counter('spilledDatagrams')).toBeGreaterThan(ROOM);
      // They came one after the other, not at the end.
      expect(end.received.at(-1)!.arrivalMs - end.received[before]!.arrivalMs).toBeGreaterThan(AWAY_MS / 2);
      for (let i = 1; i < end.received.length; i++) {
        expect(numberOf(end.received[i]!)).toBeGreaterThan(numberOf(end.received[i - 1]!));
        // The kernel's clock is put on ours for each batch anew: a core that is taken away in between costs part of a millisecond.
        expect(end.received[i]!.arrivalMs).toBeGreaterThan(end.received[i - 1]!.arrivalMs - 1);
      }
      // Those that are missing are the kernel's: it counts what a machine without a free core has cost.
      const missing = numberOf(end.received.at(-1)!) + 1 - end.received.length;
      expect(missing).toBeLessThanOrEqual(end.counter('linkKernelDrops'));
    } finally {
      clearInterval(pump);
      await sender.terminate();
    }
  });
});

describe('peers', () => {
  test('a flood from 20,000 addresses of 127/8 takes no memory from those that are held', async () => {
    const end = open();
    const { port } = end.bind();
    const flood = open();
    const from = flood.bind('0.0.0.0', { device: 'lo' });
    const source = (i: number): string => `127.${1 + (i >> 16)}.${(i >> 8) & 255}.${i & 255}`;
    const held = new Map<number, string>();
    end.onDatagram = ({ peer }) => {
      const address = end.udp.address(peer);
      if (held.has(peer)) expect(held.get(peer)).toBe(address);
      else if (held.size < 50) {
        end.udp.hold(peer);
        held.set(peer, address);
      }
    };
    const seen = new Set<number>();
    for (let i = 0; i < 20_000; i++) {
      const peer = flood.udp.peer(from.socket, '127.0.0.1', port, source(i));
      flood.send(peer, pattern(i, 4));
      flood.udp.release(peer);
      if (i % 16 === 15) while (end.take() > 0);
    }
    await end.got(20_000);
    for (const { peer } of end.received) seen.add(peer);
    expect(seen.size).toBeLessThanOrEqual(4_096 + 50);
    expect(held.size).toBe(50);
    for (const [peer, address] of held) expect(end.udp.address(peer)).toBe(address);
    // Those keep their numbers; a released one is a stranger again, and its number goes to others.
    const [first] = held.keys();
    const again = flood.udp.peer(from.socket, '127.0.0.1', port, held.get(first!)!);
    flood.send(again, pattern(1, 5));
    expect((await end.got(20_001)).at(-1)!.peer).toBe(first);
    end.udp.release(first!);
    held.clear();
    for (let i = 0; i < 50; i++) held.set(-1 - i, '');
    flood.send(again, pattern(2, 5));
    const stranger = (await end.got(20_002)).at(-1)!;
    expect(end.udp.address(stranger.peer)).toBe(flood.udp.localAddress(again));
    expect(end.udp.port(stranger.peer)).toBe(from.port);
  });

  test('the same stranger has the same number within a batch, and keeps it when it is held in mid-batch', async () => {
    const end = open();
    const { port } = end.bind();
    const sender = await plain('127.0.0.1', port);
    const peers: number[] = [];
    end.onDatagram = ({ peer }) => {
      peers.push(peer);
      if (peers.length === 2) end.udp.hold(peer);
      if (peers.length === 4) end.udp.release(peer);
      if (peers.length === 5) end.udp.hold(peer);
    };
    for (let i = 0; i < 6; i++) sender.send('x');
    await end.got(6);
    expect(new Set(peers).size).toBe(1);
    sender.send('y');
    expect((await end.got(7)).at(-1)!.peer).toBe(peers[0]);
  });

  test('numbers that do not exist are refused', () => {
    const end = open();
    for (const wrong of [-1, 4_096, 1e9]) expect(() => end.udp.address(wrong)).toThrow();
    const { socket } = end.bind();
    expect(() => end.udp.peer(socket, 'nowhere', 1, '')).toThrow(expect.objectContaining({ code: 'EINVAL' }));
    expect(() => end.udp.peer(99, '127.0.0.1', 1, '')).toThrow(expect.objectContaining({ code: 'ENOTSOCK' }));
  });
});

describe('answers leave from the address that was asked', () => {
  const echo = (end: UdpEnd): void => {
    end.onDatagram = ({ peer, bytes }) => end.send(peer, bytes);
  };

  test.each(['0.0.0.0', '::'])('a wildcard socket on %s', async (host) => {
    const end = open();
    const { port } = end.bind(host);
    echo(end);
    const asked = ['127.0.0.2', '127.0.0.3', '127.0.0.1', ...(host === '::' && HAS_IPV6 ? ['::1'] : [])];
    for (const address of asked) {
      const client = await plain(address, port);
      client.send(address);
      await until(`an answer from ${address}`, () => client.got[0] === address);
    }
    expect(end.received.map(({ peer }) => end.udp.localAddress(peer))).toEqual(asked);
    expect(new Set(end.received.map(({ peer }) => peer)).size).toBe(asked.length);
  });

  test('the address is part of the peer', async () => {
    const end = open();
    const { port } = end.bind('0.0.0.0');
    const client = createSocket('udp4');
    sockets.push(client);
    client.bind(0, '127.0.0.1');
    await once(client, 'listening');
    client.send('a', port, '127.0.0.2');
    client.send('b', port, '127.0.0.3');
    client.send('c', port, '127.0.0.2');
    const [a, b, c] = (await end.got(3)).map(({ peer }) => peer);
    expect(a).toBe(c);
    expect(a).not.toBe(b);
  });
});

describe('counters', () => {
  test('datagrams that the kernel drops are counted, also after the socket is closed', async () => {
    const end = open({ onWake: () => {} });
    const { socket, port } = end.bind('127.0.0.1', { bufferBytes: 8_192 });
    const granted = end.udp.facts(socket)!.receiveBufferBytes;
    expect(granted).toBeGreaterThan(0);
    const source = open();
    const out = source.connect(port);
    // More than the buffer and what is taken out of it meanwhile can hold.
    let drops = 0;
    for (let i = 0; i < 10_000 && drops <= 50; i++) {
      source.send(-1 - out, new Uint8Array(1332));
      drops = end.udp.facts(socket)!.kernelDrops;
    }
    expect(drops).toBeGreaterThan(50);
    expect(end.counter('linkKernelDrops')).toBe(drops);
    end.udp.close(socket);
    expect(end.udp.facts(socket)).toBeUndefined();
    expect(end.counter('linkKernelDrops')).toBe(drops);
  });

  test('have a name each', () => {
    const end = open();
    expect(() => end.udp.counters(new Float64Array(UDP_COUNTERS.length - 1))).toThrow();
    end.udp.counters(new Float64Array(UDP_COUNTERS.length));
  });
});

describe('failures', () => {
  test('say which port and why', () => {
    const end = open();
    const { port } = end.bind();
    expect(() => end.bind('127.0.0.1', { port })).toThrow(expect.objectContaining({ code: 'EADDRINUSE' }));
    expect(() => end.bind('192.0.2.1')).toThrow(expect.objectContaining({ code: 'EADDRNOTAVAIL' }));
    expect(() => end.bind('127.0.0.1', { device: 'nosuch0' })).toThrow(expect.objectContaining({ code: 'ENODEV' }));
    for (const wrong of [{ host: 'x' }, { port: 70_000 }, { bufferBytes: 1 }])
      expect(() => end.bind('127.0.0.1', wrong)).toThrow(TypeError);
  });

  test('everything throws UDP_DISPOSED after dispose, and dispose may be called again', async () => {
    const end = open();
    const { socket, port } = end.bind();
    (await plain('127.0.0.1', port)).send('x');
    end.udp.dispose();
    end.udp.dispose();
    const { udp } = end;
    const uses = [
      () => udp.receive(1),
      () => udp.flush(0),
      () => udp.rearm(),
      () => udp.close(socket),
      () => udp.facts(socket),
      () => udp.hold(0),
      () => udp.address(0),
      () => udp.segments(),
      () => end.bind(),
      () => end.connect(port),
      () => end.counter('wakeups'),
    ];
    for (const use of uses) expect(use).toThrow(expect.objectContaining({ code: 'UDP_DISPOSED' }));
    udp.arena.fill(1);
  });

  test('sockets close in any order, under traffic', async () => {
    const source = open();
    for (const order of [
      [0, 1, 2],
      [2, 1, 0],
      [1, 0, 2],
      [1, 1, 1],
    ]) {
      // biome-ignore format: a list
      const end = open();
      const bound = [end.bind(), end.bind(), end.bind()];
      const outs = bound.map(({ port }) => source.connect(port));
      const peers: number[] = [];
      end.onDatagram = ({ peer }) => {
        end.udp.hold(peer);
        peers.push(peer);
      };
      for (const out of outs) source.send(-1 - out, pattern(1, 30));
      await end.got(3);
      for (const index of order) {
        for (const out of outs) source.send(-1 - out, pattern(2, 30));
        end.udp.close(bound[index]!.socket);
        for (const peer of peers) end.send(peer, pattern(3, 30));
        while (end.take() > 0);
      }
      end.udp.dispose();
    }
  });
});
