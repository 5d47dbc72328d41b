import { describe, expect, it } from 'vitest';
import { SRT_REJECT } from '../../src/shared/addon.ts';
import { Admission } from '../../src/srt-engine/admission.ts';

const SILENCE_MS = 1_000;
const made = (): Admission => {
  const admission = new Admission(SILENCE_MS);
  admission.allow('publish', 'live', { maxSockets: 1 });
  admission.allow('play', 'seat', { maxSockets: 1 });
  return admission;
};
const codeOf = (verdict: ReturnType<Admission['request']>): number => ('code' in verdict ? verdict.code : 0);

describe('admission', () => {
  it('forgets an id that is neither allowed nor used, and remembers one that is used', () => {
    const admission = made();
    admission.enter('publish', 'live', 7, 0);
    admission.forbid('publish', 'live', false);
    expect(codeOf(admission.request('publish', 'live', 10))).toBe(SRT_REJECT.notFound);
    admission.allow('publish', 'live', { maxSockets: 1 });
    expect(codeOf(admission.request('publish', 'live', 10))).toBe(SRT_REJECT.conflict);
    admission.release(7);
    expect(codeOf(admission.request('publish', 'live', 10))).toBe(0);
  });

  it('lets a publisher be replaced from the very millisecond on at which it counts as silent', () => {
    const admission = made();
    admission.enter('publish', 'live', 7, 0);
    admission.arrived(7, 500);
    expect(codeOf(admission.request('publish', 'live', 500 + SILENCE_MS - 1))).toBe(SRT_REJECT.conflict);
    expect(codeOf(admission.request('publish', 'live', 500 + SILENCE_MS))).toBe(0);
    expect(admission.enter('publish', 'live', 8, 1_500)).toBe(7);
    // What the old one does now is no sign of the new one.
    admission.arrived(7, 2_400);
    expect(codeOf(admission.request('publish', 'live', 2_500))).toBe(0);
    admission.release(7);
    expect(admission.enter('publish', 'live', 9, 2_500)).toBe(8);
  });

  it('takes the end of a publisher that was replaced for its own alone', () => {
    const admission = made();
    admission.enter('publish', 'live', 7, 0);
    admission.yield(7);
    admission.enter('publish', 'live', 8, 10);
    admission.broke(7);
    admission.release(7);
    expect(codeOf(admission.request('publish', 'live', 20))).toBe(SRT_REJECT.conflict);
  });

  it('has so many seats for players, and refuses everybody where it is told to', () => {
    const admission = made();
    admission.enter('play', 'seat', 1, 0);
    expect(codeOf(admission.request('play', 'seat', 0))).toBe(SRT_REJECT.overload);
    admission.release(1);
    expect(codeOf(admission.request('play', 'seat', 0))).toBe(0);
    admission.refusesPublishers = true;
    expect(codeOf(admission.request('publish', 'live', 0))).toBe(SRT_REJECT.overload);
    expect(codeOf(admission.request('play', 'seat', 0))).toBe(0);
    admission.refusesAll = true;
    expect(codeOf(admission.request('play', 'seat', 0))).toBe(SRT_REJECT.overload);
  });

  it('names the id that a dialect has meant, and tells one of the other role from none', () => {
    const admission = made();
    expect(admission.request('publish', 'publish:live', 0)).toMatchObject({ id: 'live' });
    expect(codeOf(admission.request('play', 'live', 0))).toBe(SRT_REJECT.forbidden);
    expect(codeOf(admission.request('play', 'nobody', 0))).toBe(SRT_REJECT.notFound);
    admission.forbid('publish', 'live', true);
    expect(codeOf(admission.request('publish', 'live', 0))).toBe(SRT_REJECT.notFound);
    expect(codeOf(admission.request('play', 'live', 0))).toBe(SRT_REJECT.notFound);
  });
});
