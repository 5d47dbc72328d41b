import type { Millis } from './clock.ts';

/** `additive`: each side's latency counts, one after the other. `shared`: packets go on at arrival, and are played by their source's time. */
export type LatencyMode = 'additive' | 'shared';

type Engine = 'libsrt' | 'direct';

/** The work on a packet between its arrival and its way to a player, where it is handed on at arrival. */
const FORWARD_MARGIN_MS: Millis = 30;

/** By the way that an encoder takes: whether its latency and its players' are one. Only our own engine can do that, on both sides. */
export const sharedSources = (
  mode: LatencyMode,
  engine: Readonly<Record<'publish' | 'bond' | 'play', Engine>>,
): Readonly<Record<'srt' | 'srtla' | 'pull', boolean>> => {
  const isShared = (way: Engine): boolean => mode === 'shared' && way === 'direct' && engine.play === 'direct';
  return { srt: isShared(engine.publish), srtla: isShared(engine.bond), pull: false };
};

/** The latency with which a player gets in time what arrives of such a stream at the last moment. */
export const enoughForPlayerMs = (encoderMs: Millis): Millis => encoderMs + FORWARD_MARGIN_MS;

/** What a player with less than that is held back by: it plays with the others. */
export const playerDelayMs = (encoderMs: Millis, playerMs: Millis): Millis =>
  Math.max(0, enoughForPlayerMs(encoderMs) - playerMs);

/** From the encoder to the picture, the ways of the packets not counted. */
export const totalLatencyMs = (isShared: boolean, encoderMs: Millis, playerMs: Millis): Millis =>
  isShared ? playerMs + playerDelayMs(encoderMs, playerMs) : encoderMs + playerMs;
