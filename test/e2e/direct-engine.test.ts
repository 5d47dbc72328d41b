import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { bondedRun } from '../support/bonded-run.ts';
import { testClip } from '../support/media.ts';

let folder: string;
let clip: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'tributary-direct-'));
  clip = testClip(4);
}, 120_000);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

type Engines = 'libsrt' | 'direct';
const environment = (bond: Engines, play: Engines, mode = 'additive'): Record<string, string> => ({
  TRIBUTARY_SRT_ENGINE_PUBLISH: 'libsrt',
  TRIBUTARY_SRT_ENGINE_BOND: bond,
  TRIBUTARY_SRT_ENGINE_PLAY: play,
  TRIBUTARY_LATENCY_MODE: mode,
});

describe.concurrent('a bonded stream over three lossy links, whichever engine it meets', () => {
  it.each([
    ['our own on both sides', environment('direct', 'direct')],
    ['our own on both sides, with one latency for both', environment('direct', 'direct', 'shared')],
    ['our own for the encoder, libsrt for the player', environment('direct', 'libsrt')],
    ['libsrt for the encoder, our own for the player', environment('libsrt', 'direct')],
  ])('loses the player nothing: %s', { timeout: 120_000 }, async (name, env) => {
    const { whole, impairment } = await bondedRun({
      ...{ clip, folder, env, name: name.replaceAll(/\W+/g, '-'), latencyMs: 2_000 },
      links: ['127.0.1.1', '127.0.2.1', '127.0.3.1'],
      impair: '30±10ms,loss=2%,rate=4M;60±20ms,loss=3%,rate=4M;90±40ms,loss=4%,rate=4M',
    });
    const { firstCopies, retransmissions } = impairment.bond;
    expect(whole).toBe(true);
    expect(firstCopies.lost).toBeGreaterThan(10);
    expect(retransmissions.sent).toBeGreaterThanOrEqual(firstCopies.lost);
    // Our own asks once for what is lost; some of the answers are lost as well.
    expect(retransmissions.sent).toBeLessThan(firstCopies.lost * 1.6);
  });
});
