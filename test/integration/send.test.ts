import { createSocket } from 'node:dgram';
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { MOBLIN, SND } from '../../src/sender/profile.ts';
import { Sender } from '../../src/sender/udp-shell.ts';
import { FakeSrtlaReceiver } from '../support/fake-srtla-receiver.ts';
import { ImpairedLinks } from '../support/impaired-link.ts';
import { testClip } from '../support/media.ts';
import { Program, until } from '../support/processes.ts';

const LINKS = ['127.0.1.1', '127.0.2.1', '127.0.3.1'];
const listen = { host: '127.0.0.1', port: 0 };
let folder: string;
const ends: (() => unknown)[] = [];
const kept = <T>(thing: T, end: () => unknown): T => {
  ends.push(end);
  return thing;
};

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'tributary-send-'));
});
afterAll(async () => {
  for (const end of ends.splice(0).reverse()) await end();
  rmSync(folder, { recursive: true, force: true });
});

/** A UDP port that was free a moment ago: srt-live-transmit cannot pick one itself. */
const freePort = async (): Promise<number> => {
  const socket = createSocket('udp4');
  await new Promise<void>((done) => socket.bind(0, '127.0.0.1', done));
  const { port } = socket.address();
  await new Promise<void>((done) => socket.close(done));
  return port;
};
const receiver = async (serverPort: number): Promise<FakeSrtlaReceiver> => {
  const fake = await FakeSrtlaReceiver.open(serverPort);
  return kept(fake, () => fake.close());
};
const sender = async (port: number, more: Partial<Parameters<typeof Sender.start>[0]> = {}): Promise<Sender> => {
  const started = await Sender.start({
    listen,
    to: { port, ipv4: '127.0.0.1', ipv6: undefined },
    links: LINKS,
    ...more,
  });
  return kept(started, () => started.close());
};
const linksUp = (started: Sender, count: number, timeoutMs?: number): Promise<boolean> =>
  until(`${count} links`, () => started.status().linksUp === count, timeoutMs);

/** A real SRT server that writes what it gets. */
const srtServer = async (file: string): Promise<number> => {
  const port = await freePort();
  const command = `exec srt-live-transmit -q -a:no "srt://127.0.0.1:${port}?mode=listener&latency=500&lossmaxttl=200" file://con > "$1"`;
  const program = new Program('sh', ['-c', command, 'sh', file]);
  kept(program, () => program.stop('SIGKILL'));
  return port;
};

describe.concurrent('a bonded sender', () => {
  it('carries a real SRT session over three links, byte for byte', { timeout: 60_000 }, async () => {
    const clip = testClip(4, 's');
    const file = join(folder, 'got.ts');
    const fake = await receiver(await srtServer(file));
    const bond = await sender(fake.port);
    await linksUp(bond, 3);
    const copy = join(folder, 'sent.ts');
    const url = `srt://127.0.0.1:${bond.port}?mode=caller&latency=500000&pkt_size=1316`;
    const ts = ['-map', '0', '-c', 'copy', '-f', 'mpegts'];
    const encoder = new Program('ffmpeg', ['-v', 'error', '-re', '-i', clip, ...ts, copy, ...ts, url]);
    kept(encoder, () => encoder.stop('SIGKILL'));
    await encoder.success(30_000);
    const sent = readFileSync(copy);
    // This encoder closes without waiting for its receiver, so the tail of 500 ms may be missing there.
    await until('most of the stream', () => statSync(file).size >= sent.length * 0.8);
    const got = readFileSync(file);
    expect(sent.subarray(0, got.length).equals(got)).toBe(true);
    const shares = [...fake.links.values()].map((link) => link.dataPackets / fake.dataPackets);
    expect(shares.length).toBe(3);
    for (const share of shares) expect(share).toBeGreaterThan(0.15);
    expect(bond.status().droppedPackets).toBe(0);
  });

  it('comes back by itself when the receiver has forgotten it', { timeout: 30_000 }, async () => {
    const fake = await receiver(await freePort());
    const bond = await sender(fake.port);
    await linksUp(bond, 3);
    expect(fake.registrations.filter((text) => text.startsWith('REG1')).length).toBe(1);
    fake.forget();
    await until('three links at the receiver', () => fake.links.size === 3, 10_000);
    await linksUp(bond, 3);
    expect(fake.registrations.filter((text) => text.startsWith('REG1')).length).toBe(2);
  });

  it('outlives a receiver that is not there, a link whose address is not ours, and a blocked link', {
    timeout: 30_000,
  }, async () => {
    const gone = await sender(await freePort(), { links: ['127.0.1.1'] });
    await until('refused datagrams', () => gone.status().links[0]!.socketErrors >= 2);
    const fake = await receiver(await freePort());
    const bond = await sender(fake.port, { links: ['127.0.1.1', '192.0.2.77'] });
    await linksUp(bond, 1);
    await until('a second try', () => bond.status().links[1]!.socketErrors >= 2);
    expect(bond.status().links[1]).toMatchObject({
      address: '192.0.2.77',
      state: 'joining',
      socketError: 'EADDRNOTAVAIL',
    });
    expect(bond.setLinks(['127.0.1.1', '127.0.2.1'])).toEqual({ added: ['127.0.2.1'], removed: ['192.0.2.77'] });
    await linksUp(bond, 2);
    bond.block('127.0.2.1');
    await linksUp(bond, 1, 8_000);
    bond.unblock('127.0.2.1');
    await linksUp(bond, 2, 8_000);
    expect(() => bond.block('127.9.9.9')).toThrow(/no link "127\.9\.9\.9"/);
    expect(() => bond.addLink('127.0.2.1')).toThrow(/there already/);
  });

  it.each([MOBLIN, SND])(
    '$name: a blocked link comes back through a new socket',
    { timeout: 60_000 },
    async (profile) => {
      const fake = await receiver(await freePort());
      const bond = await sender(fake.port, { profile, links: LINKS.slice(0, 2) });
      await linksUp(bond, 2, 12_000);
      const ports = (): number[] => [...fake.links.values()].map(({ port }) => port);
      const before = ports();
      bond.block(LINKS[1]!);
      await linksUp(bond, 1, 12_000);
      bond.unblock(LINKS[1]!);
      await linksUp(bond, 2, 15_000);
      expect(ports().filter((port) => !before.includes(port)).length).toBe(1);
      bond.removeLink(LINKS[0]!);
      bond.addLink(LINKS[2]!);
      await until('the new link', () => bond.status().links.every((link) => link.state === 'up'), 12_000);
      expect(bond.status().profile).toBe(profile.name);
      // Keepalives of ten bytes and more show the way there and back.
      await until('a round trip', () => bond.status().links.every((link) => link.rttMs !== undefined));
    },
  );

  it('names a port that is taken', async () => {
    const first = await sender(9);
    await expect(sender(9, { listen: { host: '127.0.0.1', port: first.port } })).rejects.toMatchObject({
      code: 'TRIBUTARY_PORT_IN_USE',
      message: expect.stringContaining(String(first.port)),
    });
  });

  it('refuses a link of a family that the receiver has not', async () => {
    await expect(sender(9, { links: ['::1'] })).rejects.toMatchObject({ code: 'TRIBUTARY_BAD_ARGUMENT' });
  });

  it('reaches each link through its own emulator', { timeout: 30_000 }, async () => {
    const fake = await receiver(await freePort());
    const emulators = await ImpairedLinks.open(fake.port, [
      { delayMs: 40 },
      { delayMs: 10, lossRate: 0.3, jitterMs: 20 },
    ]);
    kept(emulators, () => emulators.close());
    const targets = emulators.links.map(({ port }) => ({ host: '127.0.0.1', port }));
    const bond = await sender(fake.port, { links: ['127.0.1.1', '127.0.2.1'], targets });
    await linksUp(bond, 2, 12_000);
    emulators.links[0]!.unplug();
    await linksUp(bond, 1, 10_000);
    expect(bond.status().links[0]!.state).toBe('dead');
    emulators.links[0]!.plug();
    await linksUp(bond, 2, 10_000);
    expect(emulators.links[0]!.totals.forth.unplugged).toBeGreaterThan(0);
  });
});
