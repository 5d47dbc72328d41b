import type { QualityLevel, QualityMode, QualityReason, QualityState, StreamQuality } from '../quality/types.ts';
import type { Millis } from '../shared/clock.ts';

/** How good a stream is: `level` names what arrives, `advice` is what its encoder should send. */
export interface QualityView {
  mode: QualityMode;
  level: QualityLevel;
  /** Null where streams are only observed. */
  advice: QualityLevel | null;
  state: QualityState;
  reason: QualityReason;
  /** How long the state has lasted. */
  forMs: number;
}

/** @param now of the clock that the streams are judged by @returns undefined while nothing can be said of the stream */
export const qualityView = (quality: StreamQuality | undefined, now: Millis): QualityView | undefined => {
  if (quality?.level === undefined || quality.state === undefined) return undefined;
  const { mode, level, advice, state, reason, sinceMs } = quality;
  return { mode, level, advice: advice ?? null, state, reason, forMs: Math.max(0, Math.round(now - sinceMs)) };
};
