import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { bondedRun } from '../support/bonded-run.ts';
import { testClip } from '../support/media.ts';

let folder: string;
let clip: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'tributary-hop-'));
  clip = testClip(4);
}, 120_000);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

it('what the hop to libsrt loses is mended inside the node', { timeout: 90_000 }, async () => {
  const { whole, impairment, counters } = await bondedRun({
    clip,
    folder,
    name: 'hop',
    links: ['127.0.1.1', '127.0.2.1'],
    // Perfect links: whatever is sent again is the hop's.
    impair: 'none',
    latencyMs: 1_000,
    // One datagram in a hundred, each way.
    env: { TRIBUTARY_TEST_HOOKS: '1', TRIBUTARY_TEST_HOP_LOSS: '0.01/0.01' },
  });
  expect(whole).toBe(true);
  expect(counters.hopLostByTest).toBeGreaterThan(5);
  expect(counters.hopLosses).toBeGreaterThan(0);
  expect(counters.hopResent).toBe(counters.hopLosses);
  // The encoder hears nothing of it.
  expect(impairment.bond.firstCopies.lost).toBe(0);
  expect(impairment.bond.nak.packets).toBe(0);
  expect(impairment.bond.retransmissions.sent).toBe(0);
});
