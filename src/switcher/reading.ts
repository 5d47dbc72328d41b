import type { Millis } from '../shared/clock.ts';
import type { Reading, SceneLevel } from './types.ts';

const LEVELS: Readonly<Record<string, SceneLevel>> = {
  HIGH: 'high',
  MEDIUM: 'medium',
  LOW: 'low',
  VERY_LOW: 'veryLow',
};

/** What came of asking the node: its answer, or why there is none. */
export type Answer = { ok: true; body: unknown } | { ok: false; why: string };

/**
 * Makes readings of what the node answers to `GET /stats/{id}`. One failure is no offline stream: only when there has been no answer for long is the
 * stream taken for gone. Pure.
 */
export class Readings {
  readonly #unknownAfterMs: Millis;
  /** Undefined before the first answer: a wrong address or id says nothing of a stream. */
  #answeredMs: Millis | undefined;

  /** @param unknownAfterMs without an answer for so long, the stream is gone */
  constructor(unknownAfterMs: Millis) {
    this.#unknownAfterMs = unknownAfterMs;
  }

  take(answer: Answer, now: Millis): Reading {
    const publisher = answer.ok ? publisherOf(answer.body) : undefined;
    if (publisher === undefined) {
      const isLong = this.#answeredMs !== undefined && now - this.#answeredMs >= this.#unknownAfterMs;
      return { kind: isLong ? 'gone' : 'unsure' };
    }
    this.#answeredMs = now;
    if (publisher === 'none') return { kind: 'gone' };
    const { bitrate, quality_level } = publisher;
    const level = typeof quality_level === 'string' ? LEVELS[quality_level] : undefined;
    // 1 kbit/s is what the node says of a stream that stands still.
    if (level === undefined || typeof bitrate !== 'number' || bitrate <= 1) return { kind: 'unsure' };
    return { kind: 'live', level };
  }
}

/** @returns `none` where nobody publishes, undefined where this is no answer of a node */
const publisherOf = (body: unknown): Readonly<Record<string, unknown>> | 'none' | undefined => {
  if (typeof body !== 'object' || body === null || !('status' in body) || body.status !== 'ok') return undefined;
  if (!('publisher' in body)) return 'none';
  const { publisher } = body;
  return typeof publisher === 'object' && publisher !== null ? (publisher as Record<string, unknown>) : undefined;
};
