import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Database } from '../../src/control-plane/database/database.ts';
import { patient } from '../../src/control-plane/database/patience.ts';
import { openPostgres } from '../../src/control-plane/database/postgres.ts';
import { FleetSim, SimPlane } from '../scale/fleet-sim.ts';
import { until } from '../support/processes.ts';
import { type PostgresServer, startPostgres } from './postgres-server.ts';

/*
 * Two processes of the plane on one PostgreSQL, with forty nodes: one process is killed while sessions are being started, and a region goes away.
 */

const REGIONS = ['us-central', 'us-east'];
const SESSIONS = 200;

let server: PostgresServer;
let db: Database;
let fleet: FleetSim;

beforeAll(async () => {
  server = await startPostgres();
  const planes = [await SimPlane.start(server.url), await SimPlane.start(server.url)];
  db = patient(await openPostgres({ url: server.url }));
  // Room for all of them in one region, and for no more than that.
  fleet = new FleetSim(planes, { nodes: 40, perNode: SESSIONS / 20, regions: REGIONS });
  await fleet.join();
}, 120_000);

afterAll(async () => {
  fleet?.stop();
  for (const plane of fleet?.planes ?? []) await plane.kill();
  await db?.close();
  await server?.remove();
});

const numbers = async (): Promise<object | undefined> =>
  db.first(
    `SELECT (SELECT COUNT(*) FROM sessions WHERE stopped_ms IS NULL) AS sessions,
       (SELECT COUNT(DISTINCT user_id) FROM sessions WHERE stopped_ms IS NULL) AS users,
       (SELECT COUNT(*) FROM assignments WHERE released_ms IS NULL) AS assignments,
       (SELECT COUNT(*) FROM (SELECT server_id FROM assignments WHERE released_ms IS NULL GROUP BY server_id HAVING COUNT(*) > ${SESSIONS / 20}) AS full_ones) AS overfull`,
  );

const holders = async (): Promise<ReadonlyMap<string, string>> => {
  const rows = await db.all<{ name: string; holder: string }>('SELECT name, holder FROM job_locks');
  return new Map(rows.map(({ name, holder }) => [name, holder]));
};

describe('several processes of the plane on one PostgreSQL', { timeout: 180_000 }, () => {
  it('start each session once, on a node with room, while one of them is killed', async () => {
    const [first] = fleet.planes;
    const killed = until('sessions under way', () => fleet.sessions.length >= SESSIONS / 4, 60_000).then(async () => {
      await first!.kill();
      // What a balancer sees by then.
      fleet.planes.splice(0, 1);
    });
    await fleet.fill(SESSIONS, 8, () => REGIONS[0]!);
    await killed;
    expect(fleet.starts.failed).toBe(0);
    expect(await numbers()).toEqual({ sessions: SESSIONS, users: SESSIONS, assignments: SESSIONS, overfull: 0 });
  });

  it('go on with the jobs of the one that was killed', async () => {
    // Of the process that is left, and of one that comes: a job has one holder at a time, and none is without one for long.
    const names = ['sweep', 'stuck-sessions'];
    fleet.planes.push(await SimPlane.start(server.url));
    await fleet.planes[0]!.kill();
    fleet.planes.splice(0, 1);
    const before = await holders();
    await until(
      'the jobs to have passed on',
      async () => {
        const now = await holders();
        return names.every((name) => now.has(name) && now.get(name) !== before.get(name));
      },
      60_000,
    );
    const now = await holders();
    expect(new Set(names.map((name) => now.get(name))).size).toBe(1);
  });

  it('start the sessions of a region elsewhere that goes away with 200 of them sending', async () => {
    await until(
      'every stream to send',
      async () =>
        (await db.first<{ n: number }>(
          'SELECT COUNT(*) AS n FROM assignments WHERE released_ms IS NULL AND last_ingest_ms IS NOT NULL',
        ))!.n === SESSIONS,
      60_000,
    );
    const isGone = (server_id: string): boolean => fleet.nodes.some(({ id, isDead }) => id === server_id && isDead);
    for (const node of fleet.nodes) if (node.region === REGIONS[0]) node.die();
    const began = performance.now();
    // Each client asks again, as OBS does when it is started anew, until it is somewhere else.
    await Promise.all(
      fleet.sessions.map(async (session) => {
        while (isGone(session.node)) {
          await new Promise((done) => setTimeout(done, 2_000 + 1_000 * Math.random()));
          session.node = (await fleet.start(session.user, REGIONS[0]!))?.node ?? session.node;
        }
      }),
    );
    console.log(
      `200 sessions elsewhere ${((performance.now() - began) / 1_000).toFixed(1)} s after their region went away`,
    );
    expect(await numbers()).toEqual({ sessions: SESSIONS, users: SESSIONS, assignments: SESSIONS, overfull: 0 });
    const nodes = await db.all<{ server_id: string }>(
      'SELECT DISTINCT server_id FROM assignments WHERE released_ms IS NULL',
    );
    expect(nodes.filter(({ server_id }) => isGone(server_id))).toEqual([]);
  });
});
