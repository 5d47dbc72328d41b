import type { Millis } from '../../shared/clock.ts';
import { type Html, html } from './html.ts';

const SPANS: readonly (readonly [Millis, string])[] = [
  [86_400_000, 'd'],
  [3_600_000, 'h'],
  [60_000, 'min'],
];

/** `3 min`, `2 d`: as coarse as a person wants it. */
export const span = (ms: Millis): string => {
  for (const [length, unit] of SPANS) if (ms >= length) return `${Math.round(ms / length)} ${unit}`;
  return `${Math.max(0, Math.floor(ms / 1_000))} s`;
};

/** A moment by its distance, with the date for who points at it. */
export const when = (unixMs: Millis | undefined, nowMs: Millis): Html => {
  if (unixMs === undefined) return html`<span class="soft">never</span>`;
  const iso = new Date(unixMs).toISOString();
  const text = unixMs > nowMs ? `in ${span(unixMs - nowMs)}` : `${span(nowMs - unixMs)} ago`;
  return html`<time datetime="${iso}" title="${iso.slice(0, 16).replace('T', ' ')} UTC">${text}</time>`;
};

/** A state in its colour, and in words: colour alone says nothing to some. */
export const state = (word: string, kind: 'good' | 'warn' | 'bad' | 'soft'): Html =>
  html`<span class="${kind}">${word}</span>`;
