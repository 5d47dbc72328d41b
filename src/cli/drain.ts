import { setTimeout as elapse } from 'node:timers/promises';
import { type Millis, monotonicNow } from '../shared/clock.ts';
import { TributaryError } from '../shared/errors.ts';
import type { DrainView } from '../stats/routes/drain.ts';
import { settingsOrProblems } from './relay.ts';
import { askDrain, findRunningNode } from './running-node.ts';

const HELP = `Usage: ./tributary drain [--until-idle [--timeout SECONDS]] [--off] [--data-dir FOLDER] [--SETTING VALUE …]

The node that runs with this data folder admits no new publisher from now on and says on /readyz that it is not ready; what is live goes
on. It stays so until --off, or the next start.

  --until-idle       waits until no publisher is live any more
  --timeout SECONDS  … at most so long: exit code 1 after it
  --off              admits publishers again
`;

const PAUSE_MS: Millis = 500;

export interface DrainArguments {
  off: boolean;
  untilIdle: boolean;
  /** Infinite where none is given. */
  timeoutMs: Millis;
  /** For the settings. */
  rest: readonly string[];
}

const bad = (what: string): TributaryError =>
  new TributaryError('TRIBUTARY_BAD_ARGUMENT', what, 'see ./tributary drain --help');

/** @throws TributaryError TRIBUTARY_BAD_ARGUMENT */
export const drainArguments = (argv: readonly string[]): DrainArguments => {
  let [off, untilIdle, timeoutMs] = [false, false, Number.POSITIVE_INFINITY];
  const rest: string[] = [];
  for (let index = 0; index < argv.length; index++) {
    const argument = argv[index]!;
    const [name, joined] = argument.split(/=(.*)/s);
    if (argument === '--off') off = true;
    else if (argument === '--until-idle') untilIdle = true;
    else if (name === '--timeout') {
      const text = joined ?? argv[++index] ?? '';
      if (!/^\d+$/.test(text)) throw bad(`--timeout ${JSON.stringify(text)} is no whole number of seconds`);
      timeoutMs = Number(text) * 1_000;
    } else rest.push(argument);
  }
  if (off && untilIdle) throw bad('--off and --until-idle contradict each other');
  if (!untilIdle && timeoutMs !== Number.POSITIVE_INFINITY) throw bad('--timeout needs --until-idle');
  return { off, untilIdle, timeoutMs, rest };
};

const count = (number: number, what: string): string => `${number} ${what}${number === 1 ? '' : 's'}`;

/** What is left, in words. */
export const drainLine = ({ draining, publishers, players }: DrainView): string =>
  `${draining ? 'draining' : 'publishers are admitted'}: ${count(publishers, 'publisher')} live, ${count(players, 'player')} connected`;

/**
 * Looks until no publisher is live, and tells each change. Players do not count: they wait for a publisher for as long as they like.
 * @returns whether it came to that within `timeoutMs`
 * @throws what `look` throws; TributaryError TRIBUTARY_NODE_NOT_RUNNING where the drain has been ended meanwhile
 */
export const waitUntilIdle = async (
  look: () => Promise<DrainView>,
  tell: (line: string) => void,
  timeoutMs: Millis,
  { pause, now }: { pause: () => Promise<void>; now: () => Millis },
): Promise<boolean> => {
  const end = now() + timeoutMs;
  let told = '';
  for (;;) {
    const view = await look();
    if (!view.draining)
      throw new TributaryError(
        'TRIBUTARY_NODE_NOT_RUNNING',
        'the node does not drain any more: it was started anew, or somebody admits publishers again',
        'run ./tributary drain once more',
      );
    const line = drainLine(view);
    if (line !== told) tell(line);
    told = line;
    if (view.publishers === 0) return true;
    if (now() >= end) return false;
    await pause();
  }
};

/** `./tributary drain`. @returns the exit code @throws TributaryError TRIBUTARY_BAD_ARGUMENT, TRIBUTARY_NODE_NOT_RUNNING */
export const runDrain = async (argv: readonly string[]): Promise<number> => {
  if (argv.includes('--help')) {
    process.stdout.write(HELP);
    return 0;
  }
  const { off, untilIdle, timeoutMs, rest } = drainArguments(argv);
  const settings = settingsOrProblems(rest);
  if (!settings) return 2;
  const tell = (line: string): boolean => process.stdout.write(`${line}\n`);
  const node = findRunningNode(settings.dataDir);
  const view = await askDrain(node, settings, !off);
  if (!untilIdle) {
    tell(drainLine(view));
    return 0;
  }
  const time = { pause: () => elapse(PAUSE_MS), now: monotonicNow };
  const idle = await waitUntilIdle(() => askDrain(node, settings), tell, timeoutMs, time);
  tell(idle ? 'idle: the node may be stopped' : `not idle after ${timeoutMs / 1_000} s; it goes on draining`);
  return idle ? 0 : 1;
};
