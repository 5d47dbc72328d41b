import { describe, expect, it } from 'vitest';
import { type SendBacklog, SlowPlayer, type SlowPolicy, type SlowVerdict } from './slow-player.ts';

interface Second extends Partial<SendBacklog> {
  missedTotal?: number;
  isHeld?: boolean;
}

const judge = (seconds: readonly Second[], policy: SlowPolicy = 'skip', latencyMs = 200): SlowVerdict[] => {
  const player = new SlowPlayer();
  return seconds.map(
    ({ bufferMs = 20, bufferPackets = 20, givenUpTotal = 0, missedTotal = 0, isHeld = false }, second) =>
      player.judge(
        { bufferMs, bufferPackets, givenUpTotal },
        { missedTotal, isHeld, latencyMs },
        policy,
        second * 1_000,
      ),
  );
};
const actions = (verdicts: readonly SlowVerdict[]) => verdicts.map(({ action }) => action);
/** libsrt holds a second, and gives up what is older. */
const BEHIND = { bufferMs: 1_017, bufferPackets: 570 };

describe('SlowPlayer', () => {
  it('leaves a player alone that keeps up, whatever its round trip', () => {
    const verdicts = judge(Array.from({ length: 20 }, (_, i) => ({ bufferMs: (i * 137) % 800 })));
    expect(verdicts).toEqual(Array(20).fill({ action: 'none', tellMissed: 0 }));
  });

  it('bears a player that is behind for less than three seconds', () => {
    const verdicts = judge([BEHIND, BEHIND, BEHIND, {}, BEHIND, BEHIND, BEHIND, {}]);
    expect(new Set(actions(verdicts))).toEqual(new Set(['none']));
    expect(actions(judge([BEHIND, BEHIND, BEHIND, {}, BEHIND], 'disconnect'))).toEqual(Array(5).fill('none'));
  });

  it('holds one that stays behind, until its buffer has drained', () => {
    const held = { ...BEHIND, isHeld: true };
    const drained = { bufferMs: 0, bufferPackets: 0, isHeld: true };
    expect(actions(judge([BEHIND, BEHIND, BEHIND, BEHIND, held, held, drained, {}]))).toEqual([
      ...['none', 'none', 'none', 'hold'],
      ...['none', 'none', 'resume', 'none'],
    ]);
  });

  it('gives one that is held a message now and then, so that both ends go on', () => {
    const held = { ...BEHIND, isHeld: true };
    expect(actions(judge(Array(7).fill(held)))).toEqual(['none', 'none', 'probe', 'none', 'probe', 'none', 'probe']);
  });

  it('disconnects it where that is the policy', () => {
    expect(actions(judge([BEHIND, BEHIND, BEHIND, BEHIND], 'disconnect'))).toEqual([
      'none',
      'none',
      'none',
      'disconnect',
    ]);
    const full = { bufferMs: 3_000, bufferPackets: 5_000, isHeld: true };
    expect(actions(judge([{}, full, full, full, full], 'disconnect')).at(-1)).toBe('disconnect');
  });

  it('measures with the latency of the player', () => {
    const behind = { bufferMs: 1_900 };
    expect(actions(judge(Array(6).fill(behind), 'disconnect', 4_000))).toEqual(Array(6).fill('none'));
    expect(actions(judge(Array(4).fill(behind), 'disconnect', 2_000)).at(-1)).toBe('disconnect');
  });

  it('holds at once a player that does not let libsrt give anything up', () => {
    expect(actions(judge([{ bufferMs: 1_501 }]))).toEqual(['hold']);
  });

  it('tells of what was missed at once, then of all the rest every ten seconds', () => {
    const verdicts = judge(Array.from({ length: 12 }, (_, i) => ({ givenUpTotal: i * 10, missedTotal: i * 3 })));
    expect(verdicts.map(({ tellMissed }) => tellMissed)).toEqual([0, 13, ...Array(9).fill(0), 130]);
  });

  it('tells the rest when it disconnects', () => {
    const lost = (givenUpTotal: number) => ({ ...BEHIND, givenUpTotal });
    const verdicts = judge([lost(5), lost(6), lost(7), lost(8)], 'disconnect');
    expect(verdicts.map(({ tellMissed }) => tellMissed)).toEqual([5, 0, 0, 3]);
  });
});
