/**
 * What the SRTLA stage costs for each datagram, by transport and by the way in which sessions are told apart at the SRT server.
 *
 *   npm run bench -- ways [--seconds 4] [--rounds 3] [--cases 1x4@570,8x4@5000,35x3@20000]
 *
 * A case is groups × links @ data packets per second. `tributary srtla` runs as a process of its own; this process makes the load and plays
 * the SRT server (it answers handshakes, acknowledges every 10 ms, counts what arrives). CPU is what the kernel accounts to the threads of
 * the stage. The variants take turns; printed are medians of the rounds and ratios to dgram within the run.
 */
import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { Program, until } from '../test/support/processes.ts';
import { StageLoad } from './stage-load.ts';

const VARIANTS = [
  { name: 'dgram', args: ['--udp_transport', 'dgram'] },
  { name: 'batched, socket', args: ['--udp_transport', 'batched', '--server_way', 'socket'] },
  { name: 'batched, address', args: ['--udp_transport', 'batched', '--server_way', 'address'] },
  { name: 'batched, shared', args: ['--udp_transport', 'batched', '--server_way', 'shared'] },
] as const;

/** Microseconds that the threads of a process have run. */
const cpuUs = (pid: number): number => {
  let ns = 0;
  for (const task of readdirSync(`/proc/${pid}/task`)) {
    ns += Number(readFileSync(`/proc/${pid}/task/${task}/schedstat`, 'utf8').split(' ')[0]);
  }
  return ns / 1000;
};

const median = (values: readonly number[]): number => [...values].sort((a, b) => a - b)[values.length >> 1]!;

/** With two cores each of the processes has one of its own. */
const pinned = availableParallelism() > 1;
if (pinned) execFileSync('taskset', ['-a', '-p', '-c', '1', String(process.pid)], { stdio: 'ignore' });
const STAGE: [string, ...string[]] = pinned ? ['taskset', '-c', '0', process.execPath] : [process.execPath];

/** Until V8 has compiled what runs for each datagram. */
const WARM_UP_MS = 4_000;

interface Result {
  usPerPacket: number;
  lost: number;
  p99Ms: number;
}

const measure = async (
  args: readonly string[],
  groups: number,
  links: number,
  perSecond: number,
  seconds: number,
): Promise<Result> => {
  const load = new StageLoad(groups, links);
  const stage = new Program(STAGE[0], [
    ...STAGE.slice(1),
    ...['dist/main.js', 'srtla', '--srtla_port', '0', '--bind', '127.0.0.1', '--log_level', 'warn'],
    ...['--srt_port', String(load.serverPort), ...args],
  ]);
  try {
    const port = await until('the stage', () => /UDP (\d+)/.exec(stage.output)?.[1]);
    await load.connect(Number(port));
    await load.run(perSecond, WARM_UP_MS);
    const before = { cpu: cpuUs(stage.child.pid!), ...load.totals() };
    await load.run(perSecond, seconds * 1_000);
    await delay(50);
    const after = { cpu: cpuUs(stage.child.pid!), ...load.totals() };
    const sent = after.sent - before.sent;
    return {
      usPerPacket: (after.cpu - before.cpu) / sent,
      lost: sent - (after.arrived - before.arrived),
      p99Ms: load.delayPercentile(0.99),
    };
  } finally {
    await stage.stop();
    load.close();
  }
};

const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '4' },
    rounds: { type: 'string', default: '3' },
    cases: { type: 'string', default: '1x4@570,8x4@5000,35x3@20000' },
  },
});
for (const name of values.cases.split(',')) {
  const [groups, links, perSecond] = name.split(/[x@]/).map(Number) as [number, number, number];
  const results = VARIANTS.map((): Result[] => []);
  for (let round = 0; round < Number(values.rounds); round++) {
    for (const [index, { args }] of VARIANTS.entries()) {
      results[index]!.push(await measure(args, groups, links, perSecond, Number(values.seconds)));
    }
  }
  const base = median(results[0]!.map(({ usPerPacket }) => usPerPacket));
  console.log(`${groups} groups × ${links} links, ${perSecond} packets/s`);
  for (const [index, variant] of VARIANTS.entries()) {
    const us = median(results[index]!.map(({ usPerPacket }) => usPerPacket));
    const lost = results[index]!.reduce((sum, result) => sum + result.lost, 0);
    const p99 = median(results[index]!.map(({ p99Ms }) => p99Ms));
    console.log(
      `  ${variant.name.padEnd(18)} ${us.toFixed(2).padStart(6)} µs  ${(us / base).toFixed(3)} × dgram  p99 ${p99.toFixed(2)} ms  lost ${lost}`,
    );
  }
}
