// Ends workers (or itself) in every way with live UDP sockets. Usage: udp-life-child.ts HOW ROUNDS; HOW `main-…` ends this very process.
import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import { Worker } from 'node:worker_threads';
import { until } from './peer.ts';

const [how = 'terminate', rounds = '1'] = process.argv.slice(2);
const worker = new URL('./udp-life-worker.ts', import.meta.url);
const threads = (): number => readdirSync('/proc/self/task').length;
const descriptors = (): number => readdirSync('/proc/self/fd').length;

const round = async (): Promise<void> => {
  const thread = new Worker(worker, { workerData: { how } });
  const gone = new Promise((resolve) => thread.once('exit', resolve));
  thread.on('error', (error) => {
    if (error.message !== 'as if broken') throw error;
  });
  // Its error may overtake its message.
  await Promise.race([gone, new Promise((resolve) => thread.once('message', resolve))]);
  if (how === 'terminate') await thread.terminate();
  await gone;
};

if (how === 'main-exit-beside-worker') {
  const thread = new Worker(worker, { workerData: { how: 'stay' } });
  await once(thread, 'message');
  process.exit(0);
}
if (how.startsWith('main-')) {
  process.argv[2] = how.slice('main-'.length);
  await import('./udp-life-worker.ts');
} else {
  const idle = { threads: threads(), descriptors: descriptors() };
  for (let i = 0; i < Number(rounds); i++) await round();
  await until('threads to end', () => threads() <= idle.threads, 15_000);
  // The first worker leaves some of Node's own behind.
  await until('descriptors to close', () => descriptors() <= idle.descriptors + 2, 15_000);
}
