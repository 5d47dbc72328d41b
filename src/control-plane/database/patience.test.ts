import { describe, expect, it } from 'vitest';
import { CommitUnknownError, DatabaseAwayError, type DriverDatabase, type Transaction } from './database.ts';
import { patient } from './patience.ts';

const AWAY = new Error('away');
const TRANSIENT = new Error('transient');
const WAIT_MS = 60;
/** What a slow statement takes, and the patience that four of them together exceed. */
const [BUSY_MS, BUSY_WAIT_MS] = [350, 1_200];

/** A driver of which each try does the next of these: throw an error, never answer, or answer. */
const driver = (...tries: (Error | 'hang' | 'ok' | 'slow')[]): { db: DriverDatabase; count: () => number } => {
  let count = 0;
  const next = async (): Promise<void> => {
    const what = tries[Math.min(count++, tries.length - 1)]!;
    if (what === 'hang') return new Promise(() => {});
    if (what === 'slow') return new Promise((done) => setTimeout(done, BUSY_MS));
    if (what !== 'ok') throw what;
  };
  const tx = {
    run: async () => {
      await next();
      return 1;
    },
  } as unknown as Transaction;
  const db: DriverDatabase = {
    driver: 'postgres',
    all: async () => [],
    first: async () => undefined,
    run: async () => {
      await next();
      return 1;
    },
    transaction: async (work) => {
      const result = await work(tx);
      await next();
      return result;
    },
    publish: () => {},
    subscribe: () => () => {},
    close: async () => {},
    isAway: (error) => error === AWAY,
    isTransient: (error) => error === TRANSIENT,
  };
  return { db, count: () => count };
};

describe('a database that is away', () => {
  it('is waited for', async () => {
    const { db, count } = driver(AWAY, TRANSIENT, AWAY, 'ok');
    expect(await patient(db, 5_000).run('x')).toBe(1);
    expect(count()).toBe(4);
  });
  it('for so long, and no longer, whether it refuses or hangs', async () => {
    for (const what of [AWAY, 'hang'] as const) {
      const began = performance.now();
      await expect(patient(driver(what).db, WAIT_MS).run('x')).rejects.toBeInstanceOf(DatabaseAwayError);
      expect(performance.now() - began).toBeGreaterThanOrEqual(WAIT_MS - 1);
    }
  });
  it('is not one that is merely busy: as long as it answers anybody, there is more time', async () => {
    const db = patient(driver('slow').db, BUSY_WAIT_MS);
    const work = db.transaction(async (tx) => {
      for (let times = 0; times < 4; times++) await tx.run('x');
      return 'done';
    });
    expect(await work).toBe('done');
  });
  it('is not the fault of a statement', async () => {
    const { db, count } = driver(new Error('syntax'));
    await expect(patient(db, WAIT_MS).run('x')).rejects.toThrow('syntax');
    expect(count()).toBe(1);
  });
});

describe('a transaction', () => {
  const unknown = new CommitUnknownError(AWAY);

  it('whose commit may have counted is done again only where that does no harm', async () => {
    const once = driver('ok', unknown, 'ok');
    await expect(patient(once.db, 5_000).transaction((tx) => tx.run('x'))).rejects.toBeInstanceOf(DatabaseAwayError);
    expect(once.count()).toBe(2);
    const twice = driver('ok', unknown, 'ok');
    expect(await patient(twice.db, 5_000).transaction((tx) => tx.run('x'), { repeatable: true })).toBe(1);
    expect(twice.count()).toBe(4);
  });
  it('that nobody waits for any more goes no further', async () => {
    let answer = (): void => {};
    const reached: string[] = [];
    const { db } = driver('ok');
    const stuck: DriverDatabase = {
      ...db,
      transaction: (work) =>
        work({
          run: () => {
            reached.push('statement');
            return new Promise<number>((done) => {
              answer = () => done(1);
            });
          },
        } as unknown as Transaction).finally(() => reached.push('end')),
    };
    const result = patient(stuck, WAIT_MS).transaction(async (tx) => {
      await tx.run('first');
      reached.push('between');
      await tx.run('second');
    });
    await expect(result).rejects.toBeInstanceOf(DatabaseAwayError);
    answer();
    await new Promise((done) => setImmediate(done));
    expect(reached).toEqual(['statement', 'end']);
  });
});
