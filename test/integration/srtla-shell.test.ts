import { randomBytes } from 'node:crypto';
import { networkInterfaces } from 'node:os';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { monotonicNow } from '../../src/shared/clock.ts';
import { silentLogger } from '../../src/shared/logger.ts';
import {
  createSrtlaShell,
  DEFAULT_SRTLA_SETTINGS,
  type ServerWay,
  type SrtlaEvent,
  type SrtlaReceiver,
  type SrtlaShellOptions,
} from '../../src/srtla/index.ts';
import {
  ack,
  conclusion,
  conclusionAnswer,
  data,
  ENCODER,
  fromHex,
  idOf,
  induction,
  inductionAnswer,
  padded,
  reg1,
  reg2,
  SENDER_ID,
  SERVER,
  shutdown,
  toHex,
} from '../srtla/packets.ts';
import { UdpPeer } from './udp-peer.ts';

const HAS_IPV6 = Object.values(networkInterfaces()).some((list) => list?.some(({ address }) => address === '::1'));
const KEEPALIVE = fromHex('9000000000000001e240');

const peers: UdpPeer[] = [];
const shells: SrtlaReceiver[] = [];
afterEach(async () => {
  await Promise.all(shells.splice(0).map((shell) => shell.close()));
  await Promise.all(peers.splice(0).map((peer) => peer.close()));
});
const peer = async (address: string): Promise<UdpPeer> => {
  const opened = await UdpPeer.open(address);
  peers.push(opened);
  return opened;
};

interface Variant {
  transport: 'dgram' | 'batched';
  serverWay?: ServerWay;
  /** Each session speaks to the server from a port of its own. */
  ownPorts: boolean;
}
const VARIANTS: Variant[] = [
  { transport: 'dgram', ownPorts: true },
  { transport: 'batched', serverWay: 'socket', ownPorts: true },
  { transport: 'batched', serverWay: 'address', ownPorts: false },
  { transport: 'batched', serverWay: 'shared', ownPorts: false },
];
let variant: Variant = VARIANTS[0]!;
const choice = (): Partial<SrtlaShellOptions> => {
  const { transport, serverWay } = variant;
  return serverWay === undefined ? { transport } : { transport, serverWay };
};

/** Which of the calls there were, in order, repetitions left out. */
class Visits {
  readonly calls: ('visit' | 'leave')[] = [];
  visit(): void {
    if (this.calls.at(-1) !== 'visit') this.calls.push('visit');
  }
  leave(): void {
    this.calls.push('leave');
  }
}

const startShell = async (
  bondPort: () => number,
  addresses: readonly string[],
  ports: readonly number[] = [0],
  events: SrtlaEvent[] = [],
  visited?: Visits,
): Promise<SrtlaReceiver> => {
  const shell = await createSrtlaShell({
    addresses,
    ports,
    settings: DEFAULT_SRTLA_SETTINGS,
    bondHost: '127.0.0.1',
    bondPort,
    ...choice(),
    ...(visited && { visited }),
    random: randomBytes,
    clock: monotonicNow,
    logger: silentLogger,
    onEvent: (event) => events.push(event),
  });
  shells.push(shell);
  return shell;
};

const join = async (link: UdpPeer, shell: SrtlaReceiver, host: string, id?: string): Promise<string> => {
  const port = shell.ports[0]!;
  let group = id;
  if (group === undefined) {
    link.send(reg1(), port, host);
    group = (await link.take('9201')).hex.slice(4);
  }
  link.send(reg2(group), port, host);
  expect((await link.take('9202')).hex).toBe(padded('9202'));
  link.send(KEEPALIVE, port, host);
  expect((await link.take('9000')).hex).toBe(toHex(KEEPALIVE));
  return group;
};

/** Handshake over `link`; the server is a plain socket that plays libsrt. Returns from where the session comes. */
const handshake = async (
  link: UdpPeer,
  server: UdpPeer,
  shell: SrtlaReceiver,
  host: string,
  ids = { encoder: ENCODER, server: SERVER },
): Promise<{ address: string; port: number }> => {
  const port = shell.ports[0]!;
  link.send(induction(ids.encoder), port, host);
  const asked = await server.take('8000');
  expect(asked.hex).toBe(toHex(induction(ids.encoder)));
  server.send(inductionAnswer(ids.encoder), asked.port, asked.address);
  expect((await link.take('8000')).hex).toBe(toHex(inductionAnswer(ids.encoder)));
  link.send(conclusion(ids.encoder, 'live_x'), port, host);
  const concluded = await server.take('8000');
  expect(concluded.port).toBe(asked.port);
  server.send(conclusionAnswer(ids.encoder, ids.server), asked.port, asked.address);
  expect((await link.take('8000')).hex).toBe(toHex(conclusionAnswer(ids.encoder, ids.server)));
  return { address: asked.address, port: asked.port };
};

describe.each(VARIANTS)('$transport $serverWay', (each) => {
  beforeEach(() => {
    variant = each;
  });

  describe('the shell', () => {
    it.skipIf(!HAS_IPV6)('gathers an IPv4 and an IPv6 link of one group on a dual-stack socket', async () => {
      const server = await peer('127.0.0.1');
      const [four, six] = [await peer('127.0.0.1'), await peer('::1')];
      const events: SrtlaEvent[] = [];
      const shell = await startShell(() => server.port, ['::'], [0], events);
      const id = await join(four, shell, '127.0.0.1');
      await join(six, shell, '::1', id);
      expect(id.slice(0, 256)).toBe(SENDER_ID.slice(0, 256));
      const { groups } = shell.snapshot(monotonicNow());
      expect(groups.length).toBe(1);
      expect(groups[0]!.links.map(({ address, port }) => [address, port])).toEqual([
        ['127.0.0.1', four.port],
        ['::1', six.port],
      ]);

      const source = await handshake(six, server, shell, '::1');
      for (let i = 0; i < 20; i++) {
        (i % 2 === 0 ? four : six).send(data(i, { bytes: 1332 }), shell.ports[0]!, i % 2 === 0 ? '127.0.0.1' : '::1');
      }
      for (let i = 0; i < 20; i++) {
        const arrived = await server.take(i.toString(16).padStart(8, '0'));
        expect(arrived.hex).toBe(toHex(data(i, { bytes: 1332 })));
        expect(arrived).toMatchObject(source);
      }
      expect((await four.take('9100')).hex.length).toBe(88);
      expect((await six.take('9100')).hex.length).toBe(88);
      server.send(ack(ENCODER, 20), source.port, source.address);
      expect((await four.take('8002')).hex).toBe(toHex(ack(ENCODER, 20)));
      expect((await six.take('8002')).hex).toBe(toHex(ack(ENCODER, 20)));

      const accepted = events.find((event) => event.type === 'session-accepted')!;
      expect(accepted.serverSocket).toBe(SERVER);
      expect(shell.localPortOf(accepted.session)).toBe(source.port);
      expect(shell.sessionOfLocalPort(source.port)).toBe(variant.ownPorts ? accepted.session : undefined);
      expect(shell.groupOfServerSocket(SERVER)).toBe('0x0001020304050607');
      expect(shell.groupOfSession(accepted.session)).toBe('0x0001020304050607');
      const links = shell.snapshot(monotonicNow()).groups[0]!.links;
      expect(links.map(({ dataPackets }) => dataPackets)).toEqual([10, 10]);
      expect(links[0]!.bytes).toBe(13_320);
      expect(shell.snapshot(monotonicNow()).counters).toMatchObject({ linkSocketErrors: 0, serverRefused: 0 });
    });

    it('answers from each of several addresses, on each of several ports', async () => {
      const server = await peer('127.0.0.1');
      const shell = await startShell(() => server.port, ['127.0.0.1', '127.0.0.2'], [0, 0]);
      expect(new Set(shell.ports).size).toBe(2);
      expect(shell.sockets.map(({ address, port }) => [address, port])).toEqual([
        ['127.0.0.1', shell.ports[0]],
        ['127.0.0.2', shell.ports[0]],
        ['127.0.0.1', shell.ports[1]],
        ['127.0.0.2', shell.ports[1]],
      ]);
      for (const { receiveBufferBytes } of shell.sockets) expect(receiveBufferBytes).toBeGreaterThan(50_000);
      const link = await peer('127.0.0.1');
      for (const { address, port } of shell.sockets) {
        link.send(reg2(idOf(1)), port, address);
        expect(await link.take('9211')).toEqual({ hex: padded('9211'), address, port });
      }
      // The same remote address is another peer on another local one.
      const id = await join(link, shell, '127.0.0.1');
      await join(link, shell, '127.0.0.2', id);
      expect(shell.snapshot(monotonicNow()).groups[0]!.links.length).toBe(2);
    });

    it('gives an encoder that restarts a session of its own, and the old one its SHUTDOWN', async () => {
      const server = await peer('127.0.0.1');
      const link = await peer('127.0.0.1');
      const events: SrtlaEvent[] = [];
      const shell = await startShell(() => server.port, ['127.0.0.1'], [0], events);
      await join(link, shell, '127.0.0.1');
      const first = await handshake(link, server, shell, '127.0.0.1');
      const second = await handshake(link, server, shell, '127.0.0.1', { encoder: 7, server: 8 });
      if (variant.serverWay === 'shared') expect(second).toEqual(first);
      else expect(second).not.toEqual(first);
      const ended = await server.take('8005');
      expect(ended).toMatchObject({ ...first, hex: '8005000000000000000000005566778800000000' });
      expect(events.find(({ type }) => type === 'session-superseded')).toMatchObject({ serverSocket: SERVER });
      expect(shell.localPortOf(2)).toBe(second.port);
      // An answer to the encoder that has gone does not reach the new one.
      server.send(ack(ENCODER, 1), first.port, first.address);
      server.send(ack(7, 2), second.port, second.address);
      expect((await link.take('8002')).hex).toBe(toHex(ack(7, 2)));
      await expect.poll(() => shell.groupOfServerSocket(SERVER)).toBeUndefined();
      expect(shell.groupOfServerSocket(8)).toBe('0x0001020304050607');
    });

    it('relays the encoder’s SHUTDOWN and closes the session’s port behind it', async () => {
      const server = await peer('127.0.0.1');
      const link = await peer('127.0.0.1');
      const events: SrtlaEvent[] = [];
      const shell = await startShell(() => server.port, ['127.0.0.1'], [0], events);
      await join(link, shell, '127.0.0.1');
      await handshake(link, server, shell, '127.0.0.1');
      const { session } = events.find((event) => event.type === 'session-accepted')!;
      link.send(shutdown(SERVER), shell.ports[0]!, '127.0.0.1');
      link.send(data(77), shell.ports[0]!, '127.0.0.1');
      await server.take('0000004d');
      expect((await server.take('8005')).hex).toBe(toHex(shutdown(SERVER)));
      await expect.poll(() => shell.localPortOf(session), { timeout: 5_000 }).toBeUndefined();
    });

    it('tells the server of its end, and closes twice without harm', async () => {
      const server = await peer('127.0.0.1');
      const link = await peer('127.0.0.1');
      const events: SrtlaEvent[] = [];
      const shell = await startShell(() => server.port, ['127.0.0.1'], [0], events);
      await join(link, shell, '127.0.0.1');
      const source = await handshake(link, server, shell, '127.0.0.1');
      await Promise.all([shell.close(), shell.close()]);
      expect(await server.take('8005')).toMatchObject(source);
      expect(events.at(-1)).toMatchObject({ type: 'group-ended', why: 'stopped' });
      // The port is free again.
      const again = await startShell(() => server.port, ['127.0.0.1'], [shell.ports[0]!]);
      expect(again.ports).toEqual(shell.ports);
    });

    it('outlives a server that is not there', async () => {
      // Only a connected socket hears that a port is closed.
      const hears = variant.serverWay !== 'address';
      const gone = await UdpPeer.open('127.0.0.1');
      let serverPort = gone.port;
      await gone.close();
      const link = await peer('127.0.0.1');
      const shell = await startShell(() => serverPort, ['127.0.0.1']);
      await join(link, shell, '127.0.0.1');
      await expect
        .poll(
          () => {
            link.send(induction(), shell.ports[0]!, '127.0.0.1');
            const { serverRefused, toServer } = shell.snapshot(monotonicNow()).counters;
            return hears ? serverRefused : toServer;
          },
          { timeout: 5_000 },
        )
        .toBeGreaterThan(0);
      const server = await peer('127.0.0.1');
      serverPort = server.port;
      await handshake(link, server, shell, '127.0.0.1', { encoder: 5, server: 6 });
      serverPort = 0;
      link.send(induction(9), shell.ports[0]!, '127.0.0.1');
      await expect.poll(() => shell.snapshot(monotonicNow()).counters.serverSocketErrors).toBeGreaterThan(0);
      link.send(KEEPALIVE, shell.ports[0]!, '127.0.0.1');
      await link.take('9000');
    });

    it('survives a listener that throws', async () => {
      const link = await peer('127.0.0.1');
      const failed: unknown[] = [];
      const shell = await createSrtlaShell({
        addresses: ['127.0.0.1'],
        ports: [0],
        settings: DEFAULT_SRTLA_SETTINGS,
        bondHost: '127.0.0.1',
        bondPort: () => 1,
        ...choice(),
        random: randomBytes,
        clock: monotonicNow,
        logger: { ...silentLogger, error: (_message, fields) => failed.push(fields?.event) },
        onEvent: () => {
          throw new Error('a fault');
        },
      });
      shells.push(shell);
      await join(link, shell, '127.0.0.1');
      expect(failed).toEqual(['group-created', 'link-joined']);
    });
  });

  describe('addresses that come and go', () => {
    it('are followed; links on the others do not notice', async () => {
      const shell = await startShell(() => 1, ['127.0.0.1', '127.0.0.2']);
      const [stays, moves] = [await peer('127.0.0.1'), await peer('127.0.0.1')];
      const port = shell.ports[0]!;
      const id = await join(stays, shell, '127.0.0.1');
      await join(moves, shell, '127.0.0.2', id);
      await shell.adjust(['127.0.0.1', '127.0.0.3', '192.0.2.77']);
      moves.send(reg2(id), port, '127.0.0.3');
      expect(await moves.take('9202')).toMatchObject({ address: '127.0.0.3', port });
      stays.send(KEEPALIVE, port, '127.0.0.1');
      await stays.take('9000');
      // The address that went is free for others, and may come back.
      await shell.adjust(['127.0.0.1', '127.0.0.2']);
      moves.send(KEEPALIVE, port, '127.0.0.2');
      moves.send(reg2(id), port, '127.0.0.2');
      expect(await moves.take('9202')).toMatchObject({ address: '127.0.0.2', port });
      expect(moves.received).toEqual([]);
    });

    it('open nothing once the shell closes', async () => {
      const shell = await startShell(() => 1, ['127.0.0.1']);
      await Promise.all([shell.adjust(['127.0.0.1', '127.0.0.2']), shell.close()]);
      const other = await startShell(() => 1, ['127.0.0.2'], shell.ports);
      expect(other.ports).toEqual(shell.ports);
    });
  });

  // Node's own sockets come by for nobody.
  describe.skipIf(each.transport === 'dgram')('who is visited', () => {
    const flood = async (shell: SrtlaReceiver, until: () => boolean): Promise<void> => {
      const link = await peer('127.0.0.1');
      await vi.waitUntil(
        () => {
          for (let i = 0; i < 100; i++) link.send(KEEPALIVE, shell.ports[0]!, '127.0.0.1');
          return until();
        },
        { timeout: 10_000, interval: 5 },
      );
    };

    it('is visited while the links are busy, and left once when they are quiet again', async () => {
      const visits = new Visits();
      const shell = await startShell(() => 1, ['127.0.0.1'], [0], [], visits);
      await flood(shell, () => visits.calls.length > 0);
      await vi.waitUntil(() => visits.calls.at(-1) === 'leave', { timeout: 10_000 });
      expect(visits.calls).toEqual(visits.calls.map((_, i) => (i % 2 === 0 ? 'visit' : 'leave')));
    });

    it('is left when the shell closes', async () => {
      const visits = new Visits();
      const shell = await startShell(() => 1, ['127.0.0.1'], [0], [], visits);
      await flood(shell, () => visits.calls.length > 0);
      await shell.close();
      expect(visits.calls.at(-1)).toBe('leave');
    });
  });

  describe('a shell that cannot open', () => {
    it('names the port that is in use, and leaves nothing open', async () => {
      const holder = await peer('127.0.0.2');
      await expect(startShell(() => 1, ['127.0.0.1', '127.0.0.2'], [holder.port])).rejects.toMatchObject({
        code: 'TRIBUTARY_PORT_IN_USE',
        line: expect.stringContaining(`UDP port ${holder.port} on 127.0.0.2 is in use: `),
      });
      const free = await startShell(() => 1, ['127.0.0.1'], [holder.port]);
      expect(free.ports).toEqual([holder.port]);
    });

    it('names the address that this machine does not have', async () => {
      await expect(startShell(() => 1, ['192.0.2.77'])).rejects.toMatchObject({
        code: 'TRIBUTARY_BIND_FAILED',
        line: expect.stringMatching(/192\.0\.2\.77 .*EADDRNOTAVAIL.*TRIBUTARY_BIND/),
      });
    });
  });
});
