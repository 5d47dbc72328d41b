import { expect, it } from 'vitest';
import { type LogMessage, MAX_WAITING_LINES, ThreadLog, writeThreadLine } from '../../src/data-plane/thread-log.ts';
import { type Logger, silentLogger } from '../../src/shared/logger.ts';

const world = (debug = false) => {
  const posted: LogMessage[] = [];
  const state = { seen: 0, now: 50 };
  const log = new ThreadLog({
    post: (line) => posted.push(line),
    seen: () => state.seen,
    clock: () => state.now,
    debug: () => debug,
  });
  return { posted, state, log };
};

it('passes lines on in order, with their fields and those of the child', () => {
  const { posted, log } = world();
  log.warn('first', { a: 1 });
  const child = log.child({ door: 'play' }).child({ b: 2 });
  child.info('second', { c: 3 });
  child.debug('not wanted');
  expect(posted).toEqual([
    { type: 'log', sequence: 1, severity: 'warn', message: 'first', fields: { a: 1 }, atMs: 50 },
    { type: 'log', sequence: 2, severity: 'info', message: 'second', fields: { door: 'play', b: 2, c: 3 }, atMs: 50 },
  ]);
});

it('passes debug lines on where they are wanted', () => {
  const { posted, log } = world(true);
  log.debug('wanted');
  expect(posted.map(({ severity }) => severity)).toEqual(['debug']);
});

it('lets so many lines wait, counts the rest and says so once there is room', () => {
  const { posted, state, log } = world();
  for (let i = 0; i < MAX_WAITING_LINES + 40; i++) log.info('line', { i });
  expect(posted.length).toBe(MAX_WAITING_LINES);
  expect(log.lost).toBe(40);
  log.flush();
  expect(posted.length).toBe(MAX_WAITING_LINES);
  state.seen = 2;
  log.flush();
  expect(posted.at(-1)).toMatchObject({ message: 'log lines of the data plane were lost', fields: { lines: 40 } });
  log.info('after');
  log.info('one too many');
  expect(posted.at(-1)!.message).toBe('after');
  expect(log.lost).toBe(41);
});

it('is written by main, with its delay where main was busy', () => {
  const written: unknown[] = [];
  const logger: Logger = { ...silentLogger, warn: (...line) => written.push(line) };
  const line: LogMessage = { type: 'log', sequence: 1, severity: 'warn', message: 'm', fields: { a: 1 }, atMs: 1_000 };
  writeThreadLine(logger, line, 1_003);
  writeThreadLine(logger, line, 2_500.4);
  expect(written).toEqual([
    ['m', { a: 1 }],
    ['m', { a: 1, lateMs: 1_500 }],
  ]);
});
