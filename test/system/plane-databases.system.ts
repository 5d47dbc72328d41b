import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CommitUnknownError } from '../../src/control-plane/database/database.ts';
import { patient } from '../../src/control-plane/database/patience.ts';
import { openPostgres } from '../../src/control-plane/database/postgres.ts';
import { FakeAccounts, FakeNode, testPlane } from '../support/control-plane.ts';
import { type PostgresServer, startPostgres } from './postgres-server.ts';

const run = promisify(execFile);
const ROOT = resolve(import.meta.dirname, '../..');
/** Every test there is of the control plane runs on each database that it is told of. */
const TESTS = 'src/control-plane';

let server: PostgresServer;

beforeAll(async () => {
  server = await startPostgres();
});
afterAll(() => server?.remove());

describe('the control plane on PostgreSQL of the distribution', () => {
  it('does everything that it does on SQLite', async () => {
    const vitest = resolve(ROOT, 'node_modules/vitest/vitest.mjs');
    // Into a file: a run that ends does not wait until a pipe has taken all of it.
    const folder = await mkdtemp(join(tmpdir(), 'tributary-plane-'));
    const file = join(folder, 'report.json');
    await run(process.execPath, [vitest, 'run', '--reporter=json', `--outputFile=${file}`, TESTS], {
      cwd: ROOT,
      env: { ...process.env, TRIBUTARY_TEST_DATABASE_URL: server.url },
      maxBuffer: 64 * 2 ** 20,
    }).catch((error: Error) => {
      if (!existsSync(file)) throw error;
    });
    const report = JSON.parse(await readFile(file, 'utf8')) as {
      numFailedTests: number;
      testResults: { assertionResults: { fullName: string; status: string; failureMessages: string[] }[] }[];
    };
    await rm(folder, { recursive: true });
    const tests = report.testResults.flatMap(({ assertionResults }) => assertionResults);
    const failed = tests.filter(({ status }) => status === 'failed');
    expect(failed.map(({ fullName, failureMessages }) => [fullName, failureMessages[0]])).toEqual([]);
    expect(tests.filter(({ fullName }) => fullName.includes('on PostgreSQL')).length).toBeGreaterThan(60);
  }, 900_000);

  it('waits two seconds for a server that is away, answers 503 then, and goes on once it is back', async () => {
    const accounts = new FakeAccounts();
    accounts.add('ann');
    const db = patient(await openPostgres({ url: server.url, schema: 'away' }));
    try {
      const plane = await testPlane(db, { accounts });
      const node = await new FakeNode(plane, 'kc1').join();
      const { session_id } = (await plane.start('ann')).body.session;
      await server.stop();
      const began = performance.now();
      const [active, health] = await Promise.all([plane.active('ann'), plane.health('ann', session_id)]);
      expect([active.status, health.status]).toEqual([503, 503]);
      expect(active.body.error.code).toBe('database_unavailable');
      expect(performance.now() - began).toBeLessThan(4_000);
      // A request that comes while it is restarting has only to wait.
      const waiting = plane.active('ann');
      await server.start();
      expect((await waiting).status).toBe(200);
      expect((await plane.health('ann', session_id)).status).toBe(200);
      await node.heartbeat();
      expect((await plane.start('ann')).body.session.session_id).toBe(session_id);
    } finally {
      await db.close();
    }
  });

  it('takes a broken connection for an error of what was asked over it, never of the process', async () => {
    const db = await openPostgres({ url: server.url });
    const killer = await openPostgres({ url: server.url });
    const others = `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
      WHERE pid <> pg_backend_pid() AND application_name = 'tributary-control-plane'`;
    try {
      await db.run('CREATE TABLE broken (n INTEGER)');
      let ended = 0;
      const insert = async (n: number): Promise<void> => {
        await db
          .transaction(async (tx) => {
            await tx.run('INSERT INTO broken (n) VALUES (?)', [n]);
            await Promise.all([tx.first('SELECT 1'), tx.first('SELECT 2')]);
          })
          .then(
            () => ended++,
            (error) => {
              ended++;
              const reason = error instanceof CommitUnknownError ? error.cause : error;
              expect(db.isAway(reason), String(reason)).toBe(true);
            },
          );
      };
      for (let round = 0; round < 30; round++) {
        const work = Array.from({ length: 20 }, (_, index) => insert(round * 20 + index));
        await killer.run(others).catch(() => {});
        await Promise.all(work);
      }
      expect(ended).toBe(600);
      expect(await patient(db).first('SELECT 1 AS one')).toEqual({ one: 1 });
    } finally {
      await Promise.all([db.close(), killer.close()]);
    }
  });
});
