import { describe, expect, it } from 'vitest';
import type { DrainView } from '../stats/routes/drain.ts';
import { drainArguments, drainLine, waitUntilIdle } from './drain.ts';

describe('the command line of drain', () => {
  it('takes its own flags and leaves the rest to the settings', () => {
    expect(drainArguments(['--until-idle', '--timeout', '30', '--data-dir', 'd'])).toEqual({
      ...{ off: false, untilIdle: true, timeoutMs: 30_000 },
      rest: ['--data-dir', 'd'],
    });
    expect(drainArguments(['--off'])).toMatchObject({ off: true, timeoutMs: Number.POSITIVE_INFINITY, rest: [] });
    expect(drainArguments(['--until-idle', '--timeout=0']).timeoutMs).toBe(0);
  });

  it.each([
    [['--until-idle', '--timeout']],
    [['--until-idle', '--timeout', '-1']],
    [['--until-idle', '--timeout=1e3']],
    [['--off', '--until-idle']],
    [['--timeout', '5']],
  ])('names what is wrong with %j', (argv) => {
    expect(() => drainArguments(argv)).toThrow(expect.objectContaining({ code: 'TRIBUTARY_BAD_ARGUMENT' }));
  });
});

describe('waiting until a node is idle', () => {
  const view = (publishers: number, players = 1, draining = true): DrainView => ({ draining, publishers, players });
  const waiting = async (views: DrainView[], timeoutMs = 60_000) => {
    const lines: string[] = [];
    let now = 0;
    const time = {
      now: () => now,
      pause: async () => {
        now += 1_000;
      },
    };
    const look = async (): Promise<DrainView> => (views.length > 1 ? views.shift()! : views[0]!);
    const idle = await waitUntilIdle(look, (line) => lines.push(line), timeoutMs, time);
    return { idle, lines, now };
  };

  it('ends with the last publisher, whoever still watches, and tells each change once', async () => {
    expect(await waiting([view(2), view(2), view(1), view(1, 2), view(0, 2), view(0, 2)])).toEqual({
      idle: true,
      lines: [view(2), view(1), view(1, 2), view(0, 2)].map(drainLine),
      now: 4_000,
    });
    expect(drainLine(view(1, 2))).toBe('draining: 1 publisher live, 2 players connected');
  });

  it('gives up after its time', async () => {
    expect(await waiting([view(1)], 3_000)).toMatchObject({ idle: false, now: 3_000 });
    expect(await waiting([view(0)], 0)).toMatchObject({ idle: true, now: 0 });
  });

  it('notices that the node admits publishers again', async () => {
    await expect(waiting([view(1), view(1, 1, false)])).rejects.toMatchObject({ code: 'TRIBUTARY_NODE_NOT_RUNNING' });
  });
});
