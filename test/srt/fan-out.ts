/**
 * Prints what a relay spends on each packet: this engine on the addon's sockets, packet by packet and gathered, and libsrt's engine, one
 * after the other under the same load: `.runtime/node_modules/.bin/node test/srt/fan-out.ts [seconds] [streams×players …]`, such as `10 1x100 8x1`. Players and
 * publishers are this engine's in the process of the script.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { PacketStore } from '../../src/srt/packet-store.ts';
import type { SrtSender } from '../../src/srt/sender.ts';
import { turn, until } from '../native/peer.ts';
import { Callers } from './callers.ts';
import { BatchedPort } from './udp-port.ts';

const PER_MS = 0.57;
const LATENCY_MS = 500;
const [seconds = '10', ...cases] = process.argv.slice(2);

interface Usage {
  readonly user: number;
  readonly system: number;
  readonly rss: number;
}

const answerOf = <T>(child: ChildProcess): Promise<T> =>
  new Promise((done) => child.once('message', (it) => done(it as T)));

const measure = async (engine: string, streams: number, players: number): Promise<string> => {
  const child = fork(fileURLToPath(new URL('relay-child.ts', import.meta.url)), [engine, String(streams)]);
  const { publishPort, playPort } = await answerOf<{ publishPort: number; playPort: number }>(child);
  const store = new PacketStore(262_144);
  const callers = new Callers(new BatchedPort(), store);
  const play = Array.from({ length: streams * players }, (_, i) =>
    callers.call(playPort, `play${i % streams}`, LATENCY_MS),
  );
  await until('players', () => play.every((id) => callers.endOf(id) !== undefined), 30_000);
  const publish = Array.from({ length: streams }, (_, i) => callers.call(publishPort, `publish${i}`, LATENCY_MS));
  await until('publishers', () => publish.every((id) => callers.endOf(id) !== undefined), 30_000);
  await turn(200);
  const packet = new Uint8Array(16 + 1_316).fill(0x47);
  let sent = 0;
  const stream = async (ms: number): Promise<void> => {
    const startMs = performance.now();
    for (let done = 0; performance.now() - startMs < ms; ) {
      const now = performance.now();
      for (const due = (now - startMs) * PER_MS; done < due; done++)
        for (const id of publish) {
          const slot = store.add(packet, now);
          (callers.endOf(id) as SrtSender).offer(slot, now);
          store.release(slot);
          sent += 1;
        }
      callers.flush();
      await turn(5);
    }
  };
  const usage = (): Promise<Usage> => {
    const answer = answerOf<Usage>(child);
    child.send('cpu');
    return answer;
  };
  await stream(3_000);
  const [before, playedBefore] = [await usage(), callers.played];
  sent = 0;
  await stream(Number(seconds) * 1_000);
  const [after, played] = [await usage(), callers.played - playedBefore];
  const us = after.user + after.system - before.user - before.system;
  child.disconnect();
  callers.close();
  const cells = [
    `${streams} × ${players}`,
    engine,
    (us / sent).toFixed(1),
    (us / played).toFixed(2),
    `${(us / 1e4 / Number(seconds)).toFixed(1)} %`,
    `${((100 * played) / (sent * players)).toFixed(1)} %`,
    Math.round(after.rss / 2 ** 20),
  ];
  return `| ${cells.join(' | ')} |`;
};

const HEAD = ['streams × players', 'engine', 'µs for each in', 'µs for each played', 'of a core', 'played', 'MiB'];
console.log(`| ${HEAD.join(' | ')} |\n|${HEAD.map(() => '---').join('|')}|`);
for (const each of cases.length > 0 ? cases : ['1x1', '8x1', '1x20', '1x100']) {
  const [streams, players] = each.split('x').map(Number) as [number, number];
  for (const engine of ['direct', 'gathered', 'libsrt']) console.log(await measure(engine, streams, players));
}
process.exit(0);
