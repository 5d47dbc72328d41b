import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { askSender } from '../../src/sender/control-client.ts';
import { PROFILES } from '../../src/sender/profile.ts';
import { rawPlayer, testClip } from '../support/media.ts';
import { type Program, TestNode, tributary, until } from '../support/processes.ts';

const SECONDS = 10;
const LATENCY_MS = 4_000;
const folder = mkdtempSync(join(tmpdir(), 'tributary-profiles-'));
const programs: Program[] = [];
let node: TestNode | undefined;
const run = (program: Program): Program => {
  programs.push(program);
  return program;
};

interface Links {
  groups: { stream_id: string; connections: { addr: string; bytes: number }[] }[];
}

afterAll(async () => {
  await Promise.all(programs.map((program) => program.stop('SIGKILL')));
  await node?.stop();
  rmSync(folder, { recursive: true, force: true });
});

describe('each kind of sender, into one node', () => {
  it('delivers every byte, though one of its links is unplugged in mid-stream', { timeout: 90_000 }, async () => {
    const started = await TestNode.start();
    node = started;
    const clip = testClip(SECONDS);
    const streams = await Promise.all(
      [...PROFILES.keys()].map(async (profile, index) => {
        const ids = await started.createIds();
        const file = join(folder, `${profile}.ts`);
        const url = `srt://127.0.0.1:${started.ports.play}?streamid=${ids.player}&mode=caller&latency=${LATENCY_MS}`;
        const links = [1, 2, 3].map((link) => `127.0.${10 * (index + 1)}.${link}`);
        return { profile, ids, file, links, player: run(rawPlayer(url, file)), control: join(folder, profile) };
      }),
    );
    await until('the players', async () => {
      const facts = await started.get<{ players: unknown[] }>('/v1/doctor', started.token);
      return facts.players.length === streams.length;
    });
    const senders = streams.map(({ profile, ids, links, control }) =>
      run(
        tributary([
          ...['send', '--quiet', '--profile', profile, '--to', `127.0.0.1:${started.ports.srtla[0]}`],
          ...['--links', links.join(','), '--input', clip, '--streamid', ids.publisher],
          ...['--latency', String(LATENCY_MS), '--control', `unix:${control}`],
        ]),
      ),
    );
    await until(
      'traffic on all links of all',
      async () => {
        const { groups } = (await (await fetch(started.links)).json()) as Links;
        const busy = groups.flatMap(({ connections }) => connections).filter(({ bytes }) => bytes > 50_000);
        return busy.length === 3 * streams.length;
      },
      30_000,
    );
    // In this process: another program would take its time to start, and the clip is short.
    const answers = await Promise.all(
      streams.map(({ control, links }) => askSender(`unix:${control}`, `block ${links[1]}`)),
    );
    expect(answers.map(({ answer }) => answer)).toEqual(streams.map(() => ({ ok: true })));
    await Promise.all(senders.map((sender) => sender.success(60_000)));
    await until('the publishers to have played out', async () => {
      const facts = await started.get<{ publishers: unknown[] }>('/v1/doctor', started.token);
      return facts.publishers.length === 0;
    });
    expect(await started.stop()).toBe(0);
    await Promise.all(streams.map(({ player }) => player.exited));
    const sent = readFileSync(clip);
    for (const { profile, file } of streams) {
      const got = readFileSync(file);
      expect({ profile, bytes: got.length }).toEqual({ profile, bytes: sent.length });
      expect({ profile, same: got.equals(sent) }).toEqual({ profile, same: true });
    }
  });
});
