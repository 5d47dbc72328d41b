import { loadavg } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { openPostgres } from '../../src/control-plane/database/postgres.ts';
import { startPostgres } from '../system/postgres-server.ts';
import { FleetSim, percentile, prefill, SimPlane } from './fleet-sim.ts';

/*
 * A fleet around a real plane and a real PostgreSQL: what starts take, and what heartbeats cost. Most sessions are put into the database; the last
 * of them (--starts) are started, at each of some steps on the way.
 * node test/scale/fleet.ts [--nodes 1000] [--sessions 20000] [--planes 2] [--at-once 16] [--steady-seconds 30] [--starts 1000] [--steps 4]
 */

const { values } = parseArgs({
  options: {
    nodes: { type: 'string', default: '1000' },
    sessions: { type: 'string', default: '20000' },
    planes: { type: 'string', default: '2' },
    'at-once': { type: 'string', default: '16' },
    steps: { type: 'string', default: '4' },
    starts: { type: 'string', default: '1000' },
    'steady-seconds': { type: 'string', default: '30' },
  },
});
const [nodes, sessions, planes] = [values.nodes, values.sessions, values.planes].map(Number) as [
  number,
  number,
  number,
];
const atOnce = Number(values['at-once']);
const steadySeconds = Number(values['steady-seconds']);

const starts = Number(values.starts);
const steps = Number(values.steps);
/** Every node has had its list, and has told what it sends. */
const SETTLE_MS = 30_000;

const server = await startPostgres();
const fleet = new FleetSim(await Promise.all(Array.from({ length: planes }, () => SimPlane.start(server.url))), {
  nodes,
  perNode: Math.ceil((sessions / nodes) * 1.25),
});
const db = await openPostgres({ url: server.url });
const used = () => Promise.all(fleet.planes.map((plane) => plane.used()));
const ms = (value: number): string => (value < 10 ? value.toFixed(1) : String(Math.round(value)));
try {
  const beginJoin = performance.now();
  await fleet.join();
  console.log(`${nodes} nodes joined in ${ms((performance.now() - beginJoin) / 1_000)} s`);
  console.log(
    'sessions | starts/s | start p50 | p95 | p99 ms | active at once | heartbeat p50 | p95 ms | failed | rss MiB | load',
  );
  for (let step = 1; step <= steps; step++) {
    const count = Math.round((sessions * step) / steps);
    await prefill(db, fleet, count - starts);
    await sleep(SETTLE_MS);
    fleet.starts.ms.length = 0;
    fleet.heartbeats.ms.length = 0;
    const before = fleet.sessions.length;
    const began = performance.now();
    await fleet.fill(count, atOnce);
    const seconds = (performance.now() - began) / 1_000;
    const added = fleet.sessions.slice(before);
    const active = added.filter(({ isActive }) => isActive).length;
    const memory = (await used()).map(({ rssBytes }) => Math.round(rssBytes / 2 ** 20)).join('+');
    console.log(
      [
        fleet.sessions.length,
        ms(added.length / seconds),
        ...[0.5, 0.95, 0.99].map((one) => ms(percentile(fleet.starts.ms, one))),
        `${Math.round((100 * active) / added.length)} %`,
        ...[0.5, 0.95].map((one) => ms(percentile(fleet.heartbeats.ms, one))),
        fleet.heartbeats.failed + fleet.starts.failed,
        memory,
        loadavg()[0]!.toFixed(1),
      ].join(' | '),
    );
  }
  fleet.heartbeats.ms.length = 0;
  const before = await used();
  await sleep(steadySeconds * 1_000);
  const after = await used();
  const cpu = after.map(({ cpuMs }, index) => Math.round((cpuMs - before[index]!.cpuMs) / (steadySeconds * 10)));
  console.log(
    `steady, ${steadySeconds} s: ${ms(fleet.heartbeats.ms.length / steadySeconds)} heartbeats/s, p50 ${ms(percentile(fleet.heartbeats.ms, 0.5))} p95 ${ms(percentile(fleet.heartbeats.ms, 0.95))} ms,`,
    `${fleet.heartbeats.failed} failed; planes at ${cpu.join(' % + ')} % of a core, event loop p99 ${after.map(({ lagP99Ms }) => ms(lagP99Ms)).join(' + ')} ms`,
  );
} finally {
  fleet.stop();
  for (const plane of fleet.planes) await plane.kill();
  await db.close();
  await server.remove();
}
process.exit();
