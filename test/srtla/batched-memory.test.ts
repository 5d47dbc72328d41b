import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { SlotViews } from '../../src/srtla/slot-views.ts';

it('1,000,000 datagrams through the batched shell leave the heap where it was, and hardly allocate', {
  timeout: 60_000,
}, () => {
  const child = fileURLToPath(new URL('batched-memory-child.ts', import.meta.url));
  const text = execFileSync(process.execPath, ['--expose-gc', child], { encoding: 'utf8' });
  const result = JSON.parse(text) as { allocated: number; kept: number; sent: number; links: number };
  expect(result.links).toBe(3);
  expect(result.sent).toBeGreaterThan(900_000);
  expect(result.kept).toBeLessThan(1_000_000);
  // No collection in between: the times of a batch of 40, which are numbers that are handed on, and nothing for a datagram.
  expect(result.allocated).toBeGreaterThan(0);
  expect(result.allocated).toBeLessThan(6_000_000);
});

it('views of slots show what lies there, are used again, and are bounded in number', () => {
  const arena = Uint8Array.from({ length: 4 * 1536 }, (_, i) => i & 255);
  const views = new SlotViews(arena, 4, 1536);
  const all = new Set<Uint8Array>();
  for (let round = 0; round < 3; round++) {
    for (let slot = 0; slot < 4; slot++) {
      for (const length of [0, 2, 10, 16, 20, 38, 42, 44, 258, 1144, 1332, 1348, 1472]) {
        const view = views.of(slot, length);
        expect(view.length).toBe(length);
        expect(view.buffer).toBe(arena.buffer);
        if (length > 0) expect([view[0], view.at(-1)]).toEqual([(slot * 1536) & 255, (slot * 1536 + length - 1) & 255]);
        all.add(view);
      }
    }
  }
  expect(all.size).toBe(4 * 13);
  for (let length = 0; length <= 1536; length++) expect(views.of(1, length).length).toBe(length);
});
