import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type BondedRun, bondedRun } from '../support/bonded-run.ts';
import { testClip } from '../support/media.ts';

let folder: string;
let clip: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'tributary-hop-'));
  clip = testClip(4);
}, 120_000);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Perfect links and a hop to libsrt that loses one datagram in a hundred. */
const overALossyHop = (lossDetection: 'exact' | 'plain'): Promise<BondedRun> =>
  bondedRun({
    clip,
    folder,
    name: lossDetection,
    links: ['127.0.1.1', '127.0.2.1'],
    impair: 'none',
    latencyMs: 1_000,
    env: {
      TRIBUTARY_LOSS_DETECTION: lossDetection,
      TRIBUTARY_TEST_HOOKS: '1',
      TRIBUTARY_TEST_HOP_LOSS: '0.01',
    },
  });

it('what the hop to libsrt loses is mended inside the node', { timeout: 90_000 }, async () => {
  const [exact, plain] = await Promise.all([overALossyHop('exact'), overALossyHop('plain')]);
  for (const { whole, impairment, counters } of [exact, plain]) {
    expect(whole).toBe(true);
    expect(impairment.bond.firstCopies.lost).toBe(0);
    expect(counters.hopLostByTest).toBeGreaterThan(5);
  }
  // The encoder hears nothing of it …
  expect(exact.counters.hopLosses).toBeGreaterThan(0);
  expect(exact.counters.hopResent).toBe(exact.counters.hopLosses);
  expect(exact.impairment.bond.nak.packets).toBe(0);
  expect(exact.impairment.bond.retransmissions.sent).toBe(0);
  // … where otherwise it has to send again.
  expect(plain.impairment.bond.retransmissions.sent).toBeGreaterThan(0);
});
