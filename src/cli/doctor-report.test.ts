import { describe, expect, it } from 'vitest';
import { nodeState, publisher } from '../../test/support/node-states.ts';
import type { DataPlaneSnapshot } from '../data-plane/snapshot.ts';
import { NO_MEMORY } from '../stats/checklist.ts';
import { bufferCheck, srtCheck } from '../stats/doctor-checks.ts';
import { checkLines, stepLines, watch } from './doctor-report.ts';

const MIB = 2 ** 20;

describe('bufferCheck', () => {
  it.each([
    [8 * MIB, true],
    [64 * MIB, true],
    [212_992, false],
    [8 * MIB - 1, false],
    [undefined, true],
  ])('%s bytes', (bytes, fine) => {
    const check = bufferCheck(bytes);
    expect(check.fine).toBe(fine);
    expect(check.text.includes('sysctl -w net.core.rmem_max=8388608')).toBe(!fine);
  });
});

it.each([
  ['1.5.1', true],
  ['1.5.3', true],
  ['1.6.0', true],
  ['2.0.0', true],
  ['1.5.0', false],
  ['1.4.4', false],
])('srtCheck of %s', (version, fine) => {
  expect(srtCheck(version).fine).toBe(fine);
});

it('checkLines and stepLines tell good from bad at a glance', () => {
  expect(
    checkLines([
      { fine: true, text: 'a' },
      { fine: false, text: 'b' },
    ]),
  ).toEqual(['  ok      a', '  WARNING b']);
  const report = { step: 'live', text: 'live', key: '', forMs: 0, causes: ['first', 'second'] } as const;
  expect(stepLines(report)).toEqual(['> live', '  likely:', '    - first', '    - second']);
  expect(stepLines({ ...report, causes: [] })).toEqual(['> live']);
});

describe('watch', () => {
  const looks = (...states: DataPlaneSnapshot[]) => {
    const seen = { looks: 0, pauses: 0 };
    const look = async () => {
      const at = seen.looks++;
      return { snapshot: states[Math.min(at, states.length - 1)]!, now: at * 1_000 };
    };
    const pause = async () => {
      seen.pauses++;
    };
    return { seen, run: () => watch(look, NO_MEMORY, 4, pause) };
  };

  it('ends at the first look that shows something', async () => {
    const { seen, run } = looks(nodeState({ publishers: [publisher(1_000)] }));
    expect((await run()).step).toBe('live');
    expect(seen).toEqual({ looks: 1, pauses: 0 });
  });

  it('tells packets that come now from packets that came once', async () => {
    const now = looks(nodeState({ counters: { strangers: 7 } }), nodeState({ counters: { strangers: 8 } }));
    expect((await now.run()).step).toBe('packets');
    const once = looks(nodeState({ counters: { strangers: 7 } }));
    expect((await once.run()).step).toBe('waiting');
    expect(once.seen).toEqual({ looks: 4, pauses: 3 });
  });
});
