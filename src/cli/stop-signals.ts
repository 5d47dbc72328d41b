import { type Millis, monotonicNow } from '../shared/clock.ts';

/** One stop may come twice: from a service manager to every process of the group, and passed on by the launcher. */
const SAME_STOP_MS: Millis = 1_000;

/**
 * Calls `stop` at each of these signals; one that comes more than a second after the first ends the process at once.
 * @returns a function that gives the signals back
 */
export const onStopSignals = (
  signals: readonly NodeJS.Signals[],
  stop: (signal: NodeJS.Signals) => void,
): (() => void) => {
  let firstMs: Millis | undefined;
  const onSignal = (signal: NodeJS.Signals): void => {
    const now = monotonicNow();
    if (firstMs !== undefined && now - firstMs > SAME_STOP_MS) process.exit(130);
    firstMs ??= now;
    stop(signal);
  };
  for (const signal of signals) process.on(signal, onSignal);
  return () => {
    for (const signal of signals) process.off(signal, onSignal);
  };
};

/** Resolves with the first signal that asks a node to stop. */
export const stopSignal = (
  signals: readonly NodeJS.Signals[] = ['SIGINT', 'SIGTERM', 'SIGHUP'],
): Promise<NodeJS.Signals> =>
  new Promise((done) => {
    onStopSignals(signals, done);
  });

/**
 * SIGHUP has two meanings: the terminal is gone, which ends the program, or somebody asks a service to read its settings again.
 * @param hadTerminal when the program began
 * @param isThere whether the terminal can be had now
 */
export const hangUpMeans = (hadTerminal: boolean, interactive: boolean, isThere: () => boolean): 'stop' | 'reload' => {
  if (!hadTerminal) return interactive ? 'stop' : 'reload';
  return isThere() ? 'reload' : 'stop';
};
