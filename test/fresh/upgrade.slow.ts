import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { PROFILES } from '../../src/sender/profile.ts';
import { rawPlayer, testClip } from '../support/media.ts';
import { type Program, TestNode, tributary, until } from '../support/processes.ts';

/**
 * An upgrade as somebody with a stream sees it: the node is told to stop, another one starts on its folder and ports, and the sender and the
 * player come back by themselves. Prints the table of docs/upgrade.md.
 */

const LATENCY_MS = 2_000;
/** What a sender may take to see that its receiver is gone, and to register with the new one. */
const PICTURE_WITHIN_MS = 15_000;
const folder = mkdtempSync(join(tmpdir(), 'tributary-upgrade-'));
const programs: Program[] = [];
const run = (program: Program): Program => {
  programs.push(program);
  return program;
};

/** When a player that connects anew whenever it is sent away, as OBS does, got its bytes. */
class Viewer {
  lastMs = 0;
  /** First bytes after `mark`. */
  firstMs: number | undefined;
  bytes = 0;
  #stopped = false;
  #marked = false;

  constructor(url: string, name: string) {
    void this.#watch(url, name);
  }

  mark(): void {
    this.#marked = true;
    this.firstMs = undefined;
  }

  stop(): void {
    this.#stopped = true;
  }

  async #watch(url: string, name: string): Promise<void> {
    for (let turn = 0; !this.#stopped; turn++) {
      const file = join(folder, `${name}-${turn}.ts`);
      const program = run(rawPlayer(url, file));
      const since = this.#marked;
      for (let size = 0; program.exitCode === undefined; await delay(10)) {
        const now = statSync(file, { throwIfNoEntry: false })?.size ?? 0;
        if (now === size) continue;
        this.bytes += now - size;
        size = now;
        this.lastMs = performance.now();
        if (since) this.firstMs ??= this.lastMs;
      }
    }
  }
}

interface Row {
  profile: string;
  stopMs: number;
  startMs: number;
  /** From the moment when the new node was ready. */
  pictureMs: number;
  /** Without a byte at the player. */
  darkMs: number;
}

const upgrade = async (profile: string): Promise<Row> => {
  const dataDir = join(folder, profile);
  const old = await TestNode.start({}, dataDir);
  const [row] = await old.rows();
  const { ports } = old;
  const viewer = new Viewer(
    `srt://127.0.0.1:${ports.play}?streamid=${row!.player}&mode=caller&latency=${LATENCY_MS}`,
    profile,
  );
  const sender = run(
    tributary([
      ...['send', '--quiet', '--reconnect', '--profile', profile, '--to', `127.0.0.1:${ports.srtla[0]}`],
      ...['--links', '127.0.1.1,127.0.2.1,127.0.3.1', '--input', testClip(40), '--streamid', row!.publisher],
      ...['--latency', String(LATENCY_MS)],
    ]),
  );
  await until('the stream to play', () => viewer.bytes > 500_000, 30_000);
  const toldMs = performance.now();
  expect(await old.stop()).toBe(0);
  const stoppedMs = performance.now();
  const lastMs = viewer.lastMs;
  viewer.mark();
  const fresh = await TestNode.start(
    {
      SRTLA_PORT: String(ports.srtla[0]),
      SRT_SENDER_PORT: String(ports.publish),
      SRT_PLAYER_PORT: String(ports.play),
      SLS_STATS_PORT: String(ports.stats),
      LINK_STATS_PORT: String(ports.links),
      SLS_MGNT_PORT: '0',
    },
    dataDir,
  );
  await until('readiness', async () => (await fetch(`http://127.0.0.1:${ports.stats}/readyz`)).status === 200);
  const readyMs = performance.now();
  const firstMs = await until('the picture to come back', () => viewer.firstMs, PICTURE_WITHIN_MS);
  viewer.stop();
  await sender.stop('SIGKILL');
  await fresh.stop();
  return {
    profile,
    stopMs: stoppedMs - toldMs,
    startMs: readyMs - stoppedMs,
    pictureMs: firstMs - readyMs,
    darkMs: firstMs - lastMs,
  };
};

beforeAll(() => void testClip(40), 120_000);

afterAll(async () => {
  await Promise.all(programs.map((program) => program.stop('SIGKILL')));
  rmSync(folder, { recursive: true, force: true });
});

it('each kind of sender is back by itself', { timeout: 240_000 }, async () => {
  const rows: Row[] = [];
  for (const profile of PROFILES.keys()) rows.push(await upgrade(profile));
  const s = (ms: number): string => `${(ms / 1000).toFixed(1)} s`;
  process.stdout.write(
    `\n| Sender | old node's stop | new node ready after | picture after that | player without bytes |\n|---|---|---|---|---|\n${rows
      .map((r) => `| \`${r.profile}\` | ${s(r.stopMs)} | ${s(r.startMs)} | ${s(r.pictureMs)} | ${s(r.darkMs)} |\n`)
      .join('')}`,
  );
  for (const { profile, stopMs, pictureMs } of rows) {
    expect(stopMs, profile).toBeLessThan(5_000);
    expect(pictureMs, profile).toBeLessThan(PICTURE_WITHIN_MS);
  }
});
