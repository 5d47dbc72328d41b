/**
 * `npm run bench -- SCENARIO [options]`: what a packet costs, measured. README.md explains every number.
 */

import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { BOND_SCENARIOS } from '../src/sender/impair/scenarios.ts';
import { compare, readBaseline, updated, writeBaseline } from './baseline.ts';
import { type BenchOptions, ENGINES, type Engine, SMALL_BUFFER_BYTES } from './context.ts';
import { allowedCores, type Cores, chooseCores } from './machine.ts';
import { killAll } from './process.ts';
import { buildPrograms } from './programs.ts';
import { renderHtml } from './report/html.ts';
import { driftTable, Progress, renderResult, renderTable } from './report/terminal.ts';
import { passes, type ScenarioResult } from './result.ts';
import { planOf, SCENARIO_NAMES, secondsOf } from './scenarios/index.ts';

const HELP = `Usage: npm run bench -- SCENARIO [options]

  srtla      the SRTLA stage alone: batched, node:dgram and a C program with a system call a packet
  chain      bonded streams through the whole node, against a bare libsrt relay
  one-stream chain with a single stream and no comparison
  fanout     one stream, 1 to 100 players
  capacity   more and more streams, until a payload is lost or a core is used up
  isolation  a chain under floods of HTTP requests, big answers and a blocked main thread
  bond       one stream over impaired links: stock loss detection beside ours, in seven ways
  flood      bonded streams beside floods of registrations and of data with a foreign destination
  attack     a bonded stream beside attacks on every port: floods, garbage, handshakes, guesses, slow connections, large bodies
  pages      20 bonded streams of 8 links, without and with three open pages of the dashboard
  all        every one of them; the first two also with small buffers
  ways       tributary srtla: three ways towards the SRT server, with options of its own (--help there)

  --seconds N      length of a measuring window (3; bond 60)
  --small-buffers  every UDP buffer of the relay limited to 212992 bytes
  --streams N      chain and isolation: streams (8)      --mbps N    of each (6; fanout 2)
  --players N      chain: players of each stream (1)     --rounds N  chain: alternations (3)
  --only NAME      bond: this one alone (${[...BOND_SCENARIOS.keys()].join(', ')})
  --max-streams N  capacity: give up there (40)
  --engine NAME    of the node's SRT: libsrt, direct (our own; chain compares both), shared (direct with one latency) (libsrt)
  --json           results as JSON on standard output
  --html FILE      where the report goes (bench/build/report.html)
  --baseline FILE  ratios to compare with (bench/baseline.json)
  --save-baseline  store the ratios of this run there
`;

const arguments_ = () =>
  parseArgs({
    allowPositionals: true,
    options: {
      seconds: { type: 'string' },
      only: { type: 'string' },
      'small-buffers': { type: 'boolean', default: false },
      streams: { type: 'string', default: '8' },
      mbps: { type: 'string' },
      players: { type: 'string', default: '1' },
      rounds: { type: 'string', default: '3' },
      'max-streams': { type: 'string', default: '40' },
      engine: { type: 'string', default: 'libsrt' },
      json: { type: 'boolean', default: false },
      html: { type: 'string', default: join(import.meta.dirname, 'build/report.html') },
      baseline: { type: 'string', default: join(import.meta.dirname, 'baseline.json') },
      'save-baseline': { type: 'boolean', default: false },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });

/** A whole number within bounds, so that no run is endless or empties the machine. */
const bounded = (name: string, text: string, least: number, most: number): number => {
  const value = Number(text);
  if (text.trim() !== '' && value >= least && value <= most) return value;
  throw new Error(`--${name} ${text} is out of range: give ${least} to ${most}`);
};

const engineOf = (text: string): Engine => {
  const engine = ENGINES.find((each) => each === text);
  if (engine) return engine;
  throw new Error(`--engine ${text} is none: give ${ENGINES.join(', ')}`);
};

const optionsOf = (values: ReturnType<typeof arguments_>['values'], scenario: string): BenchOptions => ({
  seconds: bounded('seconds', values.seconds ?? String(secondsOf(scenario)), 0.5, 120),
  only: values.only,
  smallBuffers: values['small-buffers'],
  streams: bounded('streams', values.streams, 1, 60),
  mbps: values.mbps === undefined ? undefined : bounded('mbps', values.mbps, 0.1, 50),
  players: bounded('players', values.players, 1, 100),
  rounds: bounded('rounds', values.rounds, 1, 20),
  maxStreams: bounded('max-streams', values['max-streams'], 1, 60),
  engine: engineOf(values.engine),
});

/** The load maker's core is this program's too: the relay's is its own. */
const keepOffTheRelaysCore = (cores: Cores): void => {
  execFileSync('taskset', ['-apc', cores.load.join(','), String(process.pid)], { stdio: 'ignore' });
};

/** A program of its own, with options of its own. */
const runWays = async (): Promise<number> => {
  process.argv.splice(2, 1);
  await import('./ways.ts');
  return 0;
};

const main = async (): Promise<number> => {
  if (process.argv[2] === 'ways') return runWays();
  const { values, positionals } = arguments_();
  const [scenario = ''] = positionals;
  const plan = planOf(scenario);
  if (values.help || plan === undefined) {
    process.stderr.write(
      plan === undefined && scenario !== ''
        ? `There is no scenario ${scenario}: ${SCENARIO_NAMES.join(', ')}\n\n${HELP}`
        : HELP,
    );
    return values.help ? 0 : 2;
  }
  const options = optionsOf(values, scenario);
  const progress = new Progress(process.stderr);
  const say = (text: string): void => progress.say(text);
  progress.scenario('set-up');
  await buildPrograms((name) => say(`compiling ${name}`));
  const cores = chooseCores(allowedCores());
  keepOffTheRelaysCore(cores);
  const results: ScenarioResult[] = [];
  for (const step of plan) {
    progress.scenario(step.name);
    const smallBuffers = step.smallBuffers || options.smallBuffers;
    const result = await step.run({ options: { ...options, smallBuffers }, cores, progress: say });
    results.push({
      ...result,
      scenario: smallBuffers ? `${step.name}, small buffers` : step.name,
      title: smallBuffers ? `${result.title}, buffers of ${SMALL_BUFFER_BYTES} bytes` : result.title,
    });
    progress.clear();
    if (!values.json) process.stdout.write(`${renderResult(results.at(-1)!)}\n`);
  }
  const baseline = readBaseline(values.baseline);
  const drifts = baseline ? compare(baseline, results) : [];
  if (!values.json && drifts.length > 0) process.stdout.write(`\n${renderTable(driftTable(drifts))}\n`);
  if (values['save-baseline']) writeBaseline(values.baseline, updated(baseline, results, process.version));
  const html = resolve(values.html);
  mkdirSync(dirname(html), { recursive: true });
  writeFileSync(html, renderHtml(results, drifts, new Date()));
  if (values.json) process.stdout.write(`${JSON.stringify({ node: process.version, results, drifts })}\n`);
  else process.stdout.write(`\nReport: file://${html}\n`);
  return results.every(({ checks }) => checks.every((check) => passes(check) !== false)) ? 0 : 1;
};

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => process.exit(130));
process.on('exit', killAll);
try {
  process.exitCode = await main();
} catch (error) {
  process.stderr.write(`\nbench: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}
// What is still open belongs to a run that is over.
process.exit();
