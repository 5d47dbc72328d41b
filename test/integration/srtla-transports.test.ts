import { afterEach, expect, it } from 'vitest';
import { monotonicNow } from '../../src/shared/clock.ts';
import { silentLogger } from '../../src/shared/logger.ts';
import {
  createSrtlaShell,
  DEFAULT_SRTLA_SETTINGS,
  type SrtlaEvent,
  type SrtlaShellOptions,
} from '../../src/srtla/index.ts';
import {
  ack,
  ackAck,
  conclusion,
  conclusionAnswer,
  data,
  fromHex,
  idOf,
  induction,
  inductionAnswer,
  keepalive,
  nak,
  reg1,
  reg2,
  rejection,
  SENDER_ID,
  shutdown,
  toHex,
} from '../srtla/packets.ts';
import { type Datagram, UdpPeer } from './udp-peer.ts';

/** What both transports must do alike: per link and per session in order, and all events. */
interface Outcome {
  events: object[];
  links: string[][];
  server: string[][];
  counters: Record<string, number>;
}

const HOSTS = ['127.0.1.1', '127.0.1.2', '127.0.1.3', '127.0.2.1', '127.0.2.2', '127.0.3.1'];
const open: { close(): Promise<void> }[] = [];
afterEach(async () => {
  for (const one of open.splice(0).reverse()) await one.close();
});

/** The same numbers each time. */
const numbers = (): (() => number) => {
  let state = 12_345;
  return () => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    return state >>> 8;
  };
};

const SHARED_COUNTERS = ['linkSocketErrors', 'linkSendsDropped', 'serverSocketErrors', 'serverSendsDropped'];

/** Plays the recorded traffic: bursts from the links, bursts from the server, each followed by a mark that tells its end. */
const play = async (options: Partial<SrtlaShellOptions>): Promise<Outcome> => {
  const server = await UdpPeer.open('127.0.0.1');
  const links = await Promise.all(HOSTS.map((host) => UdpPeer.open(host)));
  const events: SrtlaEvent[] = [];
  const startMs = monotonicNow();
  const shell = await createSrtlaShell({
    addresses: ['127.0.0.1'],
    ports: [0],
    // No acknowledgement depends on time, and what the server says goes on as it is.
    settings: { ...DEFAULT_SRTLA_SETTINGS, ackFlushMs: 60_000, lossDetection: 'plain' },
    bondHost: '127.0.0.1',
    bondPort: () => server.port,
    // The same key, and the same period in each run: the same group ids.
    random: (bytes) => new Uint8Array(bytes).fill(1),
    // It goes slowly: a machine that stands still for a second must not look like links that have fallen silent.
    clock: () => (monotonicNow() - startMs) / 3,
    logger: silentLogger,
    onEvent: (event) => events.push(event),
    ...options,
  });
  open.push(server, ...links, shell);
  const port = shell.ports[0]!;
  const fromLinks: string[][] = HOSTS.map(() => []);
  const fromServer = new Map<string, string[]>();
  for (const [index, link] of links.entries()) link.onDatagram = ({ hex }) => fromLinks[index]!.push(hex);
  // A session is known by the encoder's id in its first packet, later by the place it came from and the server's id.
  server.onDatagram = ({ hex }) => {
    const key = hex.startsWith('8000') ? `handshake ${hex.slice(80, 88)}` : `session ${hex.slice(24, 32)}`;
    fromServer.set(key, [...(fromServer.get(key) ?? []), hex]);
  };
  const send = (link: number, bytes: Uint8Array): void => links[link]!.send(bytes, port, '127.0.0.1');
  let marks = 0;
  const mark = async (link: number): Promise<void> => {
    const hex = `9000${(0xabcd_0000 + marks++).toString(16).padStart(16, '0')}`;
    send(link, fromHex(hex));
    await links[link]!.take(hex);
  };
  const registered = async (members: number[], sender: string): Promise<void> => {
    send(members[0]!, reg1(sender));
    const id = (await links[members[0]!]!.take('9201')).hex.slice(4);
    for (const member of members) {
      send(member, reg2(id));
      await links[member]!.take('9202');
      await mark(member);
    }
  };
  const connected = async (link: number, encoder: number, socket: number, streamId: string): Promise<Datagram> => {
    send(link, induction(encoder));
    const asked = await server.take('8000');
    server.send(inductionAnswer(encoder), asked.port, asked.address);
    await links[link]!.take('8000');
    send(link, conclusion(encoder, streamId));
    await server.take('8000');
    server.send(conclusionAnswer(encoder, socket), asked.port, asked.address);
    await links[link]!.take('8000');
    return asked;
  };

  await registered([0, 1, 2], SENDER_ID);
  await registered([3, 4], idOf(7));
  const sessions = [
    { members: [0, 1, 2], encoder: 101, socket: 201, at: await connected(0, 101, 201, 'live_a') },
    { members: [3, 4], encoder: 102, socket: 202, at: await connected(3, 102, 202, 'live_b') },
  ];
  const next = numbers();
  let sequence = 5_000;
  const uplink = (): void => {
    const { members, socket } = sessions[next() % 2]!;
    const link = members[next() % members.length]!;
    const kind = next() % 16;
    if (kind < 9)
      send(link, data(sequence++, { to: socket, bytes: 16 + (next() % 1_457), timestampUs: sequence * 100 }));
    else if (kind === 9) send(link, data(sequence - 1, { to: socket, retransmitted: true, bytes: 1332 }));
    else if (kind === 10) send(link, ackAck(socket));
    else if (kind === 11) send(link, fromHex(['9000', '9000000000000001e240', `9000${'11'.repeat(36)}`][next() % 3]!));
    else if (kind === 12) send(link, data(1, { to: 999, bytes: 100 }));
    else if (kind === 13) send(link, new Uint8Array([1, 15, 1501, 3_000][next() % 4]!).fill(next()));
    else if (kind === 14) send(5, [reg2(idOf(9)), data(3), fromHex('9200ff'), keepalive(socket)][next() % 4]!);
    else send(link, fromHex(['92020000', '9fff000000', 'a0000000', `8123${'00'.repeat(20)}`][next() % 4]!));
  };
  const downlink = (): void => {
    const { encoder, at } = sessions[next() % 2]!;
    const kinds = [ack(encoder, next()), nak(encoder, 10, 12), nak(encoder, next() & 0xffff), keepalive(encoder)];
    const bytes = [...kinds, new Uint8Array(3), new Uint8Array(1_600), data(9, { to: encoder, bytes: 1332 })];
    server.send(bytes[next() % bytes.length]!, at.port, at.address);
  };
  let acks = 0x7000_0000;
  for (let round = 0; round < 12; round++) {
    for (let i = 0; i < 40; i++) uplink();
    await mark(sessions[0]!.members[0]!);
    for (const { encoder, at, members } of sessions) {
      for (let i = 0; i < 10; i++) downlink();
      const last = ack(encoder, ++acks);
      server.send(last, at.port, at.address);
      for (const member of members) await links[member]!.take(toHex(last));
    }
    for (const { members } of sessions) for (const member of members) await mark(member);
  }
  // The encoder of the first group begins anew and is turned down; that of the second one ends.
  send(1, induction(103));
  const again = await server.take(toHex(induction(103)));
  send(1, conclusion(103, 'live_c'));
  await server.take(toHex(conclusion(103, 'live_c')));
  server.send(rejection(1404, 103), again.port, again.address);
  await links[1]!.take(toHex(rejection(1404, 103)));
  const endings = () => events.filter(({ type }) => type === 'session-ended').length;
  await expect.poll(endings, { timeout: 5_000 }).toBe(1);
  send(4, shutdown(202));
  await server.take(toHex(shutdown(202)));
  await expect.poll(endings, { timeout: 5_000 }).toBe(2);
  const { counters } = shell.snapshot((monotonicNow() - startMs) / 3);
  await shell.close();
  return {
    events: events.map((event) => ('port' in event ? { ...event, port: 0 } : event)),
    links: fromLinks,
    server: [...fromServer.entries()].sort().map(([, list]) => list),
    counters: Object.fromEntries(
      Object.entries(counters).filter(([name]) => SHARED_COUNTERS.includes(name) || name in CORE_COUNTERS),
    ),
  };
};
const CORE_COUNTERS = {
  toServer: 0,
  toLinks: 0,
  srtlaAcks: 0,
  tooLong: 0,
  tooShort: 0,
  strangers: 0,
  foreignDestination: 0,
};

it('the same traffic has the same effects on every transport', { timeout: 60_000 }, async () => {
  const reference = await play({ transport: 'dgram' });
  expect(reference.links[0]!.length).toBeGreaterThan(50);
  expect(reference.server.map((list) => list.length).some((length) => length > 100)).toBe(true);
  expect(new Set(reference.events.map((event) => (event as SrtlaEvent).type)).size).toBeGreaterThan(6);
  for (const name of ['toServer', 'toLinks', 'srtlaAcks', 'tooLong', 'tooShort', 'strangers', 'foreignDestination'])
    expect(reference.counters[name]).toBeGreaterThan(0);
  for (const serverWay of ['socket', 'address', 'shared'] as const) {
    const batched = await play({ transport: 'batched', serverWay });
    expect(batched.events).toEqual(reference.events);
    expect(batched.counters).toEqual(reference.counters);
    expect(batched.links).toEqual(reference.links);
    expect(batched.server).toEqual(reference.server);
  }
});
