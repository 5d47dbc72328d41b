import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { SrtlaDocument } from '../../src/stats/compat-vvlive.ts';
import { type Program, TestNode, tributary, until } from '../support/processes.ts';
import { readByAdapter, readByIngestMonitor } from '../support/vvlive-adapter.ts';

let folder: string;
let node: TestNode;
let sender: Program | undefined;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'tributary-vvlive-'));
  node = await TestNode.start({ TRIBUTARY_STATS_SRTLA_FOLDER: folder, TRIBUTARY_QUALITY_MODE: 'advise' });
}, 90_000);
afterAll(async () => {
  await sender?.stop();
  await node?.stop();
  rmSync(folder, { recursive: true, force: true });
});

it("VVLIVE's adapter reads what two links of a bond do, by file and by HTTP, until the node stops", async () => {
  const [row] = await node.rows();
  const path = join(folder, `srtla_stats_${node.ports.srtla[0]}.json`);
  sender = tributary([
    ...['send', '--to', `127.0.0.1:${node.ports.srtla[0]}`, '--links', '127.0.1.1,127.0.2.1', '--profile', 'snd'],
    ...['--impair', '15ms,loss=2%;40ms,loss=6%', '--input', 'test', '--latency', '1000'],
    ...['--streamid', row!.publisher],
  ]);
  const file = (): SrtlaDocument => JSON.parse(readFileSync(path, 'utf8'));
  await until(
    'a window of both links',
    () => {
      if (!existsSync(path)) return false;
      const { links, total_packets, quality } = file();
      return (
        links.length === 2 && total_packets > 1_500 && links.every(({ active }) => active) && quality !== undefined
      );
    },
    40_000,
  );
  const document = file();
  const [near, far] = [...document.links].sort((a, b) => a.rtt_ms - b.rtt_ms);
  // There and back, as the sender has measured it.
  expect(near!.rtt_ms).toBeGreaterThan(25);
  expect(far!.rtt_ms).toBeGreaterThan(70);
  expect(document.links.map(({ rtt_source }) => rtt_source)).toEqual(['sender', 'sender']);
  expect(document.quality).toMatchObject({ level: expect.any(String), advice: expect.any(String) });
  const http = await fetch(`http://127.0.0.1:${node.ports.stats}/streams/${row!.player}/srtla`).then((a) => a.text());
  for (const text of [readFileSync(path, 'utf8'), http]) {
    const read = readByAdapter(text);
    expect(read).toMatchObject({ activeLinks: 2 });
    expect(read.lossPct).toBeGreaterThan(0.5);
    expect(read.lossPct).toBeLessThan(10);
    expect(read.bandwidthBps).toBeGreaterThan(500_000);
    expect(text).not.toContain(row!.publisher);
  }
  const ingest = await fetch(`http://127.0.0.1:${node.ports.stats}/streams/${row!.player}/vvlive`);
  expect(readByIngestMonitor(await ingest.text())).toMatchObject({ connected: true });
  // A buffer that runs dry is taken for trouble: while all is repaired in time it must not.
  const { publisher } = await node.get<{ publisher: { buffer: number; latency: number } }>(`/stats/${row!.player}`);
  expect(publisher.buffer).toBeGreaterThan(publisher.latency / 2);
  await node.program.stop();
  expect(existsSync(path)).toBe(false);
}, 90_000);
