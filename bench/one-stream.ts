/**
 * What one bonded stream costs: a node, a bonded sender with the test picture over three loopback links, one player.
 *
 *   npm run bench -- one-stream [--seconds 20] [--mbps 6]
 *
 * Prints the node's CPU (user + system, from the kernel) per media message delivered, its share of a core, and its memory.
 */
import { readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { Program, TestNode, tributary, until } from '../test/support/processes.ts';

const CLOCK_TICKS_PER_SECOND = 100;

interface Facts {
  players: { state: string; sentMessages: number; droppedMessages: number }[];
  publishers: { bitrateKbps: number; stats: { pktRcvDropTotal: number } }[];
  counters: { wakeups: number };
}

/** CPU seconds and resident MiB of a process. */
const usage = (pid: number): { cpuSeconds: number; residentMiB: number } => {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]!.split(' ');
  const resident = /VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))![1];
  return {
    cpuSeconds: (Number(fields[11]) + Number(fields[12])) / CLOCK_TICKS_PER_SECOND,
    residentMiB: Number(resident) / 1024,
  };
};

const { values } = parseArgs({
  options: { seconds: { type: 'string', default: '20' }, mbps: { type: 'string', default: '6' } },
});
const seconds = Number(values.seconds);
const node = await TestNode.start();
const programs: Program[] = [];
try {
  const [row] = await node.rows();
  const clip = `/tmp/tributary-bench-${values.mbps}.ts`;
  const make = new Program('ffmpeg', [
    ...[
      '-v',
      'error',
      '-y',
      '-f',
      'lavfi',
      '-i',
      'testsrc2=size=640x360:rate=25',
      '-t',
      String(seconds + 15),
      '-c:v',
      'libx264',
    ],
    ...[
      '-preset',
      'ultrafast',
      '-g',
      '50',
      '-b:v',
      `${values.mbps}M`,
      '-minrate',
      `${values.mbps}M`,
      '-maxrate',
      `${values.mbps}M`,
    ],
    ...['-bufsize', '2M', '-x264-params', 'nal-hrd=cbr', '-f', 'mpegts', clip],
  ]);
  await make.success(120_000);
  programs.push(
    new Program('sh', [
      '-c',
      `exec srt-live-transmit -q -a:no 'srt://127.0.0.1:${node.ports.play}?streamid=${row!.player}&mode=caller&latency=1000' file://con > /dev/null`,
    ]),
    tributary([
      'send',
      '--to',
      `127.0.0.1:${node.ports.srtla[0]}`,
      '--links',
      '127.0.1.1,127.0.2.1,127.0.3.1',
      '--input',
      clip,
      '--streamid',
      row!.publisher,
      '--latency',
      '1000',
    ]),
  );
  const facts = (): Promise<Facts> => node.get<Facts>('/v1/doctor', node.token);
  await until('a playing player', async () => (await facts()).players[0]?.state === 'playing', 30_000);
  await delay(5_000);
  const before = { ...usage(node.program.child.pid!), facts: await facts(), at: performance.now() };
  await delay(seconds * 1_000);
  const after = { ...usage(node.program.child.pid!), facts: await facts(), at: performance.now() };
  const messages = after.facts.players[0]!.sentMessages - before.facts.players[0]!.sentMessages;
  const cpu = after.cpuSeconds - before.cpuSeconds;
  const elapsed = (after.at - before.at) / 1_000;
  console.log(`bitrate             ${(after.facts.publishers[0]!.bitrateKbps / 1000).toFixed(2)} Mbit/s`);
  console.log(
    `messages            ${messages} in ${elapsed.toFixed(1)} s, dropped ${after.facts.players[0]!.droppedMessages}, late ${after.facts.publishers[0]!.stats.pktRcvDropTotal}`,
  );
  console.log(`CPU per message     ${((cpu * 1e6) / messages).toFixed(1)} µs`);
  console.log(`share of a core     ${((cpu / elapsed) * 100).toFixed(1)} %`);
  console.log(
    `wake-ups            ${((after.facts.counters.wakeups - before.facts.counters.wakeups) / elapsed).toFixed(0)} per second`,
  );
  console.log(`resident memory     ${after.residentMiB.toFixed(0)} MiB`);
} finally {
  await Promise.all(programs.map((program) => program.stop('SIGKILL')));
  await node.stop();
}
