import { describe, expect, it } from 'vitest';
import { impurities, isShell } from './import-rules.ts';
import { productFiles } from './source-files.ts';

const files = productFiles();

const NAMED_CORE = [
  'src/control-client/backoff.ts',
  'src/control-client/monthly-traffic.ts',
  'src/control-client/reconcile.ts',
  'src/control-client/session.ts',
  'src/control-plane/nodes/node-health.ts',
  'src/control-plane/placement/placement.ts',
  'src/control-plane/placement/regions.ts',
  'src/control-plane/sessions/gap-watch.ts',
  'src/control-plane/sessions/provision-step.ts',
  'src/data-plane/link-events.ts',
  'src/sls-bridge/access.ts',
  'src/sls-bridge/bitrate-ceiling.ts',
  'src/sls-bridge/buffer-size.ts',
  'src/sls-bridge/clean-point.ts',
  'src/sls-bridge/directory.ts',
  'src/sls-bridge/gop-cache.ts',
  'src/sls-bridge/hub.ts',
  'src/sls-bridge/refusal-digest.ts',
  'src/sls-bridge/session-checks.ts',
  'src/sls-bridge/sessions.ts',
  'src/sls-bridge/slow-player.ts',
  'src/sls-bridge/stream-id.ts',
  'src/sls-bridge/stream.ts',
  'src/sender/batch.ts',
  'src/sender/choice.ts',
  'src/sender/impair/bond-meter.ts',
  'src/sender/impair/flight-queue.ts',
  'src/sender/impair/impairment-spec.ts',
  'src/sender/impair/impairment-text.ts',
  'src/sender/impair/link-model.ts',
  'src/sender/impair/random.ts',
  'src/sender/impair/scenarios.ts',
  'src/sender/keepalive.ts',
  'src/sender/link-core.ts',
  'src/sender/link-quality.ts',
  'src/sender/profile.ts',
  'src/sender/registration.ts',
  'src/sender/sender-core.ts',
  'src/sender/sequence-log.ts',
  'src/sender/sequence-set.ts',
  'src/sender/window.ts',
];

const isCore = (path: string): boolean =>
  (path.startsWith('src/srtla/') && !isShell(path) && path !== 'src/srtla/index.ts') ||
  (path.startsWith('src/srt/') && !isShell(path)) ||
  path.startsWith('src/sls-bridge/mpegts/') ||
  path.endsWith('-core.ts') ||
  NAMED_CORE.includes(path);

describe('core files', () => {
  const core = files.filter(({ path }) => isCore(path));

  it('use no clock, no timer, no socket, no process and no logger', () => {
    expect(core.flatMap(impurities)).toEqual([]);
  });

  it('are all there', () => {
    expect(core.map(({ path }) => path)).toEqual(expect.arrayContaining(NAMED_CORE));
    for (const folder of ['src/srtla/', 'src/sls-bridge/mpegts/'])
      expect(core.some(({ path }) => path.startsWith(folder))).toBe(true);
  });
});

describe('the purity check', () => {
  it.each([
    'setTimeout(f, 1);',
    'const t = Date.now();',
    'const t = new Date();',
    'const t = performance.now();',
    'const t = monotonicNow();',
    'const r = Math.random();',
    'if (process.platform) x();',
    'fetch(url);',
    'console.log(x);',
    "import { createSocket } from 'node:dgram';",
    "import { readFileSync } from 'node:fs';",
    "import type { Logger } from '../shared/logger.ts';",
  ])('finds %s', (text) => {
    expect(impurities({ path: 'src/srtla/x.ts', text })).toHaveLength(1);
  });
  it.each([
    "import type { Millis } from '../shared/clock.ts';",
    '// process, Date.now() and setTimeout belong elsewhere',
    "const text = 'process';",
    'const processed = update(dateOf(x));',
  ])('lets pass %s', (text) => {
    expect(impurities({ path: 'src/srtla/x.ts', text })).toEqual([]);
  });
});
