import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { bondedRun } from '../support/bonded-run.ts';
import { testClip } from '../support/media.ts';

let folder: string;
let clip: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'tributary-bond-'));
  clip = testClip(4);
}, 120_000);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

it('three lossy links of different length lose the player nothing', { timeout: 90_000 }, async () => {
  const { whole, impairment } = await bondedRun({
    clip,
    folder,
    name: 'three-links',
    links: ['127.0.1.1', '127.0.2.1', '127.0.3.1'],
    impair: '30±10ms,loss=2%,rate=4M;60±20ms,loss=3%,rate=4M;90±40ms,loss=4%,rate=4M',
    latencyMs: 2_000,
  });
  const { firstCopies, retransmissions } = impairment.bond;
  expect(whole).toBe(true);
  expect(firstCopies.lost).toBeGreaterThan(10);
  expect(retransmissions.sent).toBeGreaterThanOrEqual(firstCopies.lost);
  for (const link of impairment.links) expect(link.up.delivered).toBeGreaterThan(20);
});
