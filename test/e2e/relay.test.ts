import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ImpairedLinks } from '../support/impaired-link.ts';
import { decodeErrors, ffmpegPlayer, packetsOf, rawPlayer, testClip } from '../support/media.ts';
import { type Program, TestNode, tributary, until } from '../support/processes.ts';

const SECONDS = 10;
const LATENCY_MS = 1_000;
const LINKS = '127.0.1.1,127.0.2.1,127.0.3.1';

interface LinksAnswer {
  groups: {
    stream_id: string;
    conn_count: number;
    total_bytes: number;
    connections: {
      addr: string;
      bytes: number;
      pkts: number;
      share_pct: number;
      last_ms_ago: number;
      uptime_s: number;
    }[];
  }[];
}
interface LegacyAnswer {
  publishers: { live?: { bitrate: number; pktRecv: number; pktRcvDrop: number; latency: number; uptime: number } };
}

let folder: string;
let clip: string;
const programs: Program[] = [];
const nodes: TestNode[] = [];

const startNode = async (env?: Record<string, string>): Promise<TestNode> => {
  const node = await TestNode.start(env);
  nodes.push(node);
  return node;
};
const run = (program: Program): Program => {
  programs.push(program);
  return program;
};
const send = (node: TestNode, publisher: string, file: string, more: readonly string[] = []): Program =>
  run(
    tributary([
      ...['send', '--to', `127.0.0.1:${node.ports.srtla[0]}`, '--links', LINKS, '--input', file],
      ...['--streamid', publisher, '--latency', String(LATENCY_MS), ...more],
    ]),
  );
const playerUrl = (node: TestNode, player: string, latency = LATENCY_MS): string =>
  `srt://127.0.0.1:${node.ports.play}?streamid=${player}&mode=caller&latency=${latency}`;
const players = async (node: TestNode, count: number): Promise<void> => {
  await until(`${count} players`, async () => {
    const facts = await node.get<{ players: unknown[] }>('/v1/doctor', node.token);
    return facts.players.length === count;
  });
};
/** Ends the node once the stream has played out; players end with it, and have written all they got. */
const playedOut = async (node: TestNode, watching: readonly Program[]): Promise<void> => {
  await until('the publishers to have played out', async () => {
    const facts = await node.get<{ publishers: unknown[] }>('/v1/doctor', node.token);
    return facts.publishers.length === 0;
  });
  expect(await node.program.stop()).toBe(0);
  await Promise.all(watching.map((player) => player.exited));
};

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'tributary-e2e-'));
  clip = testClip(SECONDS);
}, 120_000);

afterAll(async () => {
  await Promise.all(programs.map((program) => program.stop('SIGKILL')));
  await Promise.all(nodes.map((node) => node.stop()));
  rmSync(folder, { recursive: true, force: true });
});

describe('a bonded stream, end to end', () => {
  it('arrives whole over three links, and both statistics agree with what was sent', { timeout: 90_000 }, async () => {
    const node = await startNode();
    const [row] = await node.rows();
    const raw = join(folder, 'one.raw.ts');
    const copy = join(folder, 'one.ffmpeg.ts');
    const whole = run(rawPlayer(playerUrl(node, row!.player), raw));
    const player = run(ffmpegPlayer(playerUrl(node, row!.player, LATENCY_MS * 1000), copy));
    await players(node, 2);
    const sender = send(node, row!.publisher, clip);

    const live = await until(
      'six seconds of live statistics',
      async () => {
        const legacy = await node.get<LegacyAnswer>(`/stats/${row!.player}?legacy=1`);
        return legacy.publishers.live && legacy.publishers.live.uptime >= 6 ? legacy.publishers.live : undefined;
      },
      40_000,
    );
    const links = (await (await fetch(node.links)).json()) as LinksAnswer;
    const kbps = (statSync(clip).size * 8) / SECONDS / 1000;
    expect(live.bitrate).toBeGreaterThan(kbps * 0.95);
    expect(live.bitrate).toBeLessThan(kbps * 1.05);
    expect(live).toMatchObject({ pktRcvDrop: 0, latency: LATENCY_MS });
    const group = links.groups[0]!;
    expect(links.groups.length).toBe(1);
    expect(group.conn_count).toBe(3);
    expect(group.connections.reduce((sum, link) => sum + link.bytes, 0)).toBe(group.total_bytes);
    expect(group.connections.reduce((sum, link) => sum + Math.round(link.share_pct * 10), 0)).toBe(1000);
    for (const link of group.connections) {
      expect(link.bytes).toBeGreaterThan(100_000);
      expect(link.last_ms_ago).toBeLessThan(1_500);
    }

    await sender.success(60_000);
    await playedOut(node, [whole, player]);
    expect(readFileSync(raw).equals(readFileSync(clip))).toBe(true);
    const sent = packetsOf(clip);
    const got = packetsOf(copy);
    expect(got.length).toBe(sent.length);
    for (const stream of [0, 1]) {
      const wanted = sent.filter((packet) => packet.stream === stream);
      const received = got.filter((packet) => packet.stream === stream);
      expect(received.map((packet) => packet.checksum)).toEqual(wanted.map((packet) => packet.checksum));
      expect(received.every((packet, index) => index === 0 || packet.dts > received[index - 1]!.dts)).toBe(true);
    }
    expect(decodeErrors(raw)).toBe('');
  });

  it('serves two streams to five players, each with its own', { timeout: 90_000 }, async () => {
    const node = await startNode();
    const other = testClip(SECONDS, 'b');
    const ids = [await node.createIds(), await node.createIds()];
    const clips = [clip, other];
    const watching = [0, 0, 0, 1, 1].map((which, index) => {
      const file = join(folder, `five.${index}.ts`);
      return { which, file, player: run(rawPlayer(playerUrl(node, ids[which]!.player), file)) };
    });
    await players(node, 5);
    const senders = ids.map((id, index) => send(node, id.publisher, clips[index]!));
    await Promise.all(senders.map((sender) => sender.success(60_000)));
    await playedOut(
      node,
      watching.map(({ player }) => player),
    );
    for (const { which, file } of watching) {
      expect(readFileSync(file).equals(readFileSync(clips[which]!))).toBe(true);
    }
  });

  it('loses nothing when a link is unplugged in mid-stream', { timeout: 90_000 }, async () => {
    const node = await startNode();
    const [row] = await node.rows();
    const raw = join(folder, 'unplugged.ts');
    const player = run(rawPlayer(playerUrl(node, row!.player), raw));
    await players(node, 1);
    const control = join(folder, 'control.sock');
    const sender = send(node, row!.publisher, clip, ['--control', `unix:${control}`]);
    const linkBytes = async (): Promise<number[]> => {
      const answer = (await (await fetch(node.links)).json()) as LinksAnswer;
      return answer.groups[0]?.connections.map((link) => link.bytes) ?? [];
    };
    await until('traffic on three links', async () => {
      const bytes = await linkBytes();
      return bytes.length === 3 && bytes.every((count) => count > 100_000);
    });
    const blocked = run(tributary(['send', '--control', `unix:${control}`, '--command', 'block 127.0.2.1']));
    await blocked.success(10_000);
    await sender.success(60_000);
    await playedOut(node, [player]);
    expect(readFileSync(raw).equals(readFileSync(clip))).toBe(true);
  });

  it('keeps a player through a restart of the encoder', { timeout: 120_000 }, async () => {
    const node = await startNode();
    const [row] = await node.rows();
    const raw = join(folder, 'restarted.ts');
    const player = run(rawPlayer(playerUrl(node, row!.player), raw));
    await players(node, 1);
    const first = send(node, row!.publisher, clip);
    await until('the first encoder to be seen', () => statSync(raw).size > 1_000_000, 30_000);
    await first.stop('SIGKILL');
    const second = send(node, row!.publisher, clip, ['--reconnect']);
    await second.success(60_000);
    await players(node, 1);
    await playedOut(node, [player]);
    const whole = readFileSync(clip);
    expect(readFileSync(raw).subarray(-whole.length).equals(whole)).toBe(true);
    const before = readFileSync(raw).subarray(0, -whole.length);
    expect(before.length % 188).toBe(0);
    expect(before.length).toBeGreaterThan(1_000_000);
    expect(whole.subarray(0, before.length).equals(before)).toBe(true);
  });

  it('delivers the last frame when the encoder ends cleanly over links 20 and 80 ms apart', {
    timeout: 90_000,
  }, async () => {
    const node = await startNode();
    const [row] = await node.rows();
    const raw = join(folder, 'end.ts');
    const player = run(rawPlayer(playerUrl(node, row!.player, 2_000), raw));
    await players(node, 1);
    const links = await ImpairedLinks.open(node.ports.srtla[0]!, [{ delayMs: 20 }, { delayMs: 80 }]);
    const sender = run(
      tributary([
        ...['send', '--to', `127.0.0.1:${node.ports.srtla[0]}`, '--links', '127.0.1.1,127.0.2.1', '--input', clip],
        ...['--streamid', row!.publisher, '--latency', '2000', '--via', links.targets.join(',')],
      ]),
    );
    await sender.success(60_000);
    await playedOut(node, [player]);
    await links.close();
    expect(readFileSync(raw).equals(readFileSync(clip))).toBe(true);
  });
});
