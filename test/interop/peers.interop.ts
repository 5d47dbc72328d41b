import { chmodSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { api } from '../support/api-client.ts';
import { packetsOf, testClip } from '../support/media.ts';
import { TestNode, until } from '../support/processes.ts';
import { isInstalled, PLAYERS, PUBLISHERS } from './programs.ts';

const PASSPHRASE = 'a passphrase of these'.replaceAll(' ', '-');
const CLIP_SECONDS = 12;
/** Of the video frames of the clip, 25 a second; the rest is connecting, waiting for a key frame, and the end. */
const LEAST_FRAMES = 100;

interface Cell {
  publisher: string;
  player: string;
  payloadBytes: number;
  latencyMs: number;
  encrypted: boolean;
}
const cell = (publisher: string, player: string, latencyMs: number, payloadBytes = 1_316, encrypted = false): Cell => ({
  ...{ publisher, player, payloadBytes, latencyMs, encrypted },
});

const CELLS: readonly Cell[] = [
  ...[20, 200, 2_000, 8_000].map((latencyMs) => cell('ffmpeg', 'ffmpeg', latencyMs)),
  cell('ffmpeg', 'ffmpeg', 500, 1_456),
  cell('ffmpeg', 'ffmpeg', 500, 1_316, true),
  cell('ffmpeg', 'ffmpeg', 500, 1_456, true),
  cell('srt-live-transmit', 'srt-live-transmit', 20),
  cell('srt-live-transmit', 'srt-live-transmit', 500, 1_456, true),
  cell('srt-live-transmit', 'ffmpeg', 2_000),
  cell('GStreamer', 'GStreamer', 500),
  cell('GStreamer', 'GStreamer', 2_000, 1_316, true),
  cell('ffmpeg', 'GStreamer', 500, 1_456),
  cell('GStreamer', 'ffmpeg', 8_000),
  cell('ffmpeg', 'VLC', 500),
  cell('ffmpeg', 'VLC', 2_000, 1_456, true),
];

let node: TestNode;
let folder: string;
let clip: string;
const results: string[] = [];

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'tributary-interop-'));
  chmodSync(folder, 0o777);
  clip = testClip(CLIP_SECONDS);
  node = await TestNode.start({ TRIBUTARY_SRT_LATENCY_FLOOR_MS: '20' });
});
afterAll(async () => {
  await node.stop();
  rmSync(folder, { recursive: true, force: true });
  process.stdout.write(
    `\n| Publisher | Player | Payload | Latency | Encrypted | Video frames, unchanged |\n|---|---|---|---|---|---|\n${results.sort().join('\n')}\n`,
  );
});

const sizeOf = (file: string): number => statSync(file, { throwIfNoEntry: false })?.size ?? 0;
/** Checksums of the coded pictures. */
const pictures = (file: string): string[] =>
  packetsOf(file)
    .filter(({ stream }) => stream === 0)
    .map(({ checksum }) => checksum);

describe.concurrent('a stream from', () => {
  for (const [index, { publisher, player, payloadBytes, latencyMs, encrypted }] of CELLS.entries()) {
    const name = `${publisher} to ${player}, ${payloadBytes} bytes, ${latencyMs} ms${encrypted ? ', encrypted' : ''}`;
    const missing = [PUBLISHERS[publisher]!.needs, PLAYERS[player]!.needs].find((program) => !isInstalled(program));
    it.skipIf(missing !== undefined)(missing === undefined ? name : `${name} (skipped: no ${missing})`, async () => {
      const passphrase = encrypted ? PASSPHRASE : undefined;
      const ids = { publisher: `live_${index}_interop`, player: `play_${index}_interop` };
      const made = await api(node)('POST', '/api/stream-ids', { ...ids, ...(encrypted ? { passphrase } : {}) });
      expect(made.status).toBe(200);
      const file = join(folder, `${index}.ts`);
      const target = { payloadBytes, latencyMs, passphrase };
      const playing = PLAYERS[player]!.start({ ...target, port: node.ports.play, streamId: ids.player }, file);
      const sending = PUBLISHERS[publisher]!.start(
        { ...target, port: node.ports.publish, streamId: ids.publisher },
        clip,
      );
      try {
        let last = -1;
        let sinceMs = performance.now();
        // What is under way comes within the latencies of both ends.
        await until(
          'the recording to stand still',
          () => {
            const size = sizeOf(file);
            if (size !== last) sinceMs = performance.now();
            last = size;
            return size > 0 && performance.now() - sinceMs > 3_000 + latencyMs;
          },
          60_000,
        ).catch((error) => {
          throw new Error(`${error.message}\n${playing.output}\n${sending.output}`);
        });
      } finally {
        await Promise.all([playing.stop(), sending.stop()]);
      }
      const whole = pictures(clip);
      const got = pictures(file);
      // The last one may be cut.
      const least = got.slice(0, -1);
      expect(least.length, `${playing.output}\n${sending.output}`).toBeGreaterThan(LEAST_FRAMES);
      if (player !== 'VLC') {
        const from = whole.indexOf(least[0]!);
        expect(least).toEqual(whole.slice(from, from + least.length));
      }
      results.push(
        `| ${publisher} | ${player} | ${payloadBytes} | ${latencyMs} ms | ${encrypted ? 'yes' : 'no'} | ${least.length}${player === 'VLC' ? ' (multiplexed anew)' : ''} |`,
      );
    });
  }
});
