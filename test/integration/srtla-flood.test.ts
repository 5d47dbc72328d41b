import { randomBytes } from 'node:crypto';
import { afterEach, describe, expect, it } from 'vitest';
import { monotonicNow } from '../../src/shared/clock.ts';
import { silentLogger } from '../../src/shared/logger.ts';
import { createSrtlaShell, DEFAULT_SRTLA_SETTINGS, type SrtlaReceiver } from '../../src/srtla/index.ts';
import {
  conclusion,
  conclusionAnswer,
  data,
  ENCODER,
  idOf,
  induction,
  inductionAnswer,
  reg1,
  reg2,
  SERVER,
} from '../srtla/packets.ts';
import { UdpPeer } from './udp-peer.ts';

const HOST = '127.0.0.1';
const KEEPALIVE = Uint8Array.of(0x90, 0, 0, 0, 0, 0, 0, 0, 0, 1);

const open: { close(): Promise<void> }[] = [];
afterEach(async () => {
  for (const one of open.splice(0).reverse()) await one.close();
});
const peer = async (address: string): Promise<UdpPeer> => {
  const opened = await UdpPeer.open(address);
  open.push(opened);
  return opened;
};

const register = async (links: readonly UdpPeer[], port: number, sender: string): Promise<string> => {
  links[0]!.send(reg1(sender), port, HOST);
  const id = (await links[0]!.take('9201')).hex.slice(4);
  for (const link of links) {
    link.send(reg2(id), port, HOST);
    await link.take('9202');
    link.send(KEEPALIVE, port, HOST);
    await link.take('9000');
  }
  return id;
};

/** A bonded stream on two links, up to its accepted session; `carry` sends so many packets and waits until the server has each. */
const stream = async (shell: SrtlaReceiver, server: UdpPeer) => {
  const port = shell.ports[0]!;
  const links = [await peer('127.0.6.1'), await peer('127.0.6.2')];
  const id = await register(links, port, idOf(0x61));
  links[0]!.send(induction(), port, HOST);
  const asked = await server.take('8000');
  server.send(inductionAnswer(), asked.port, asked.address);
  await links[0]!.take('8000');
  links[0]!.send(conclusion(ENCODER, 'live_x'), port, HOST);
  await server.take('8000');
  server.send(conclusionAnswer(), asked.port, asked.address);
  await links[0]!.take('8000');
  let next = 0;
  const carry = async (count: number): Promise<void> => {
    const first = next;
    for (; next < first + count; next++) links[next % 2]!.send(data(next, { bytes: 1332 }), port, HOST);
    for (let sequence = first; sequence < next; sequence++) {
      await server.take(sequence.toString(16).padStart(8, '0'));
    }
  };
  return { id, carry };
};

describe.each(['dgram', 'batched'] as const)('beside a stream on %s', (transport) => {
  const start = async (): Promise<{ shell: SrtlaReceiver; server: UdpPeer; port: number }> => {
    const server = await peer(HOST);
    const shell = await createSrtlaShell({
      addresses: [HOST],
      ports: [0],
      settings: { ...DEFAULT_SRTLA_SETTINGS, maxGroupPacketsPerSecond: 1_000 },
      bondHost: HOST,
      bondPort: () => server.port,
      transport,
      random: randomBytes,
      clock: monotonicNow,
      logger: silentLogger,
    });
    open.push(shell);
    return { shell, server, port: shell.ports[0]! };
  };
  const counter = (shell: SrtlaReceiver, name: string): number => shell.snapshot(monotonicNow()).counters[name] ?? 0;
  const unanswered = (shell: SrtlaReceiver): number =>
    ['answersOverBudget', 'reg1Dropped', 'reg2Dropped'].reduce((sum, name) => sum + counter(shell, name), 0);

  it('a flood of registrations is not answered, costs the stream nothing, and keeps nobody else out', async () => {
    const { shell, server, port } = await start();
    const { id, carry } = await stream(shell, server);
    const flood = await Promise.all(Array.from({ length: 20 }, () => peer('127.0.7.1')));
    for (let round = 0; round < 10; round++) {
      for (const [index, socket] of flood.entries()) {
        for (let i = 0; i < 5; i++) socket.send(reg1(idOf((round * 31 + index * 5 + i) & 255)), port, HOST);
        socket.send(reg2(idOf(index)), port, HOST);
      }
      await carry(20);
    }
    await expect.poll(() => unanswered(shell)).toBeGreaterThan(900);
    const answered = flood.reduce((sum, { received }) => sum + received.length, 0);
    expect(answered).toBeGreaterThanOrEqual(20);
    expect(answered + unanswered(shell)).toBeLessThanOrEqual(1_200);
    // Somebody else is let in, and a link of the stream, even from the flood's own address.
    await register([await peer('127.0.7.2')], port, idOf(0x62));
    const link = flood[0]!;
    link.send(reg2(id), port, HOST);
    await link.take('9202');
    expect(shell.snapshot(monotonicNow()).groups.map(({ links }) => links.length)).toEqual([3, 1]);
  });

  it('a group that sends what is not its own reaches nobody, and no more than its ceiling is looked at', async () => {
    const { shell, server, port } = await start();
    const { carry } = await stream(shell, server);
    const rogue = [await peer('127.0.8.1'), await peer('127.0.8.2')];
    await register(rogue, port, idOf(0x63));
    const forwarded = counter(shell, 'toServer');
    for (let round = 0; round < 10; round++) {
      for (let i = 0; i < 250; i++) {
        rogue[i % 2]!.send(data(0x10_0000 + i, { to: i % 3 === 0 ? SERVER : 7, bytes: 1332 }), port, HOST);
      }
      await carry(20);
    }
    await expect
      .poll(() => counter(shell, 'beforeAcceptance') + counter(shell, 'overGroupCeiling'))
      .toBeGreaterThan(2_400);
    expect(counter(shell, 'overGroupCeiling')).toBeGreaterThan(0);
    expect(counter(shell, 'toServer') - forwarded).toBe(200);
    expect(server.received.filter(({ hex }) => hex.startsWith('0010'))).toEqual([]);
  });
});
