import { createSocket, type Socket } from 'node:dgram';
import { afterAll, describe, expect, it } from 'vitest';
import { parseImpairments } from '../../src/sender/impair/impairment-spec.ts';
import { Sender } from '../../src/sender/udp-shell.ts';
import { FakeSrtlaReceiver } from '../support/fake-srtla-receiver.ts';
import { until } from '../support/processes.ts';
import { packets } from '../support/sender-harness.ts';

const ends: (() => unknown)[] = [];
afterAll(() => {
  for (const end of ends.splice(0).reverse()) end();
});

const udp = async (): Promise<Socket> => {
  const socket = createSocket('udp4');
  ends.push(() => socket.close());
  await new Promise<void>((done) => socket.bind(0, '127.0.0.1', done));
  return socket;
};

/** An encoder's socket, a sender with impaired links, a receiver, and a server's socket. */
const chain = async (links: readonly string[], impair: string | undefined) => {
  const server = await udp();
  const receiver = await FakeSrtlaReceiver.open(server.address().port);
  ends.push(() => receiver.close());
  const sender = await Sender.start({
    listen: { host: '127.0.0.1', port: 0 },
    to: { port: receiver.port, ipv4: '127.0.0.1', ipv6: undefined },
    links,
    impairments: impair === undefined ? [] : parseImpairments(impair),
  });
  ends.push(() => sender.close());
  await until('every link', () => sender.status().linksUp === links.length);
  const encoder = await udp();
  const send = (sequence: number): void => encoder.send(packets.data(sequence), sender.port, '127.0.0.1');
  return { sender, receiver, server, send };
};

describe.concurrent('a sender with impaired links', () => {
  it('delays every datagram, loses none by itself, and keeps each link in order', { timeout: 30_000 }, async () => {
    const { sender, server, send } = await chain(['127.0.1.1', '127.0.2.1'], '20ms;60±10ms');
    const sentMs: number[] = [];
    const delays: number[] = [];
    server.on('message', (bytes) => delays.push(performance.now() - sentMs[bytes.readUInt32BE(0)]!));
    for (let sequence = 0; sequence < 200; sequence++) {
      sentMs.push(performance.now());
      send(sequence);
      if (sequence % 4 === 3) await new Promise((done) => setTimeout(done, 2));
    }
    await until('every packet', () => delays.length === 200);
    // The emulator may be half a millisecond early.
    expect(Math.min(...delays)).toBeGreaterThanOrEqual(19.4);
    const { bond, links, lateness } = sender.impairment();
    expect(bond.firstCopies).toEqual({ sent: 200, lost: 0 });
    expect(bond.ratio).toBeUndefined();
    expect(lateness.p50Ms).toBeLessThan(20);
    expect(links.map(({ address }) => address)).toEqual(['127.0.1.1', '127.0.2.1']);
    for (const { up, down } of links) {
      expect(up.delivered).toBe(up.offered);
      expect(down.delivered).toBe(down.offered);
    }
  });

  it('loses what the model loses, and changes while it runs', { timeout: 30_000 }, async () => {
    const { sender, server, send } = await chain(['127.0.3.1'], '5ms');
    let got = 0;
    server.on('message', () => got++);
    sender.impair('127.0.3.1', '5ms,up.loss=100%');
    for (let sequence = 0; sequence < 20; sequence++) send(sequence);
    await until('the losses', () => sender.impairment().bond.firstCopies.lost === 20);
    sender.impair('127.0.3.1', 'none');
    send(20);
    await until('the packet after them', () => got > 0);
    expect(got).toBe(1);
    // From the encoder's datagram on; a busy machine takes its time before the link has it.
    for (const { delayMs } of sender.impairment().bond.losses) expect(delayMs).toBeGreaterThanOrEqual(5);
    expect(() => sender.impair('127.0.3.1', 'bad')).toThrow(/"bad" is no delay/);
    expect(() => sender.impair('127.0.9.9', 'none')).toThrow(/there is no link/);
  });

  it('goes on from another port', { timeout: 30_000 }, async () => {
    const { sender, receiver } = await chain(['127.0.4.1'], 'none');
    const [before] = [...receiver.links.keys()];
    sender.rebind('127.0.4.1');
    const after = await until('the link under another port', () =>
      [...receiver.links.keys()].find((key) => key !== before),
    );
    expect(after).toMatch(/^127\.0\.4\.1:/);
    await until('the link', () => sender.status().linksUp === 1);
    expect(sender.status().links[0]).toMatchObject({ socketErrors: 0 });
  });

  it('without impairments there is nothing to tell and nothing to change', async () => {
    const { sender } = await chain(['127.0.5.1'], undefined);
    expect(() => sender.impairment()).toThrow(expect.objectContaining({ code: 'TRIBUTARY_BAD_ARGUMENT' }));
    expect(() => sender.impair('127.0.5.1', 'none')).toThrow(/not impaired/);
  });
});
