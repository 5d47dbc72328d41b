// Two UDP engines in one thread with traffic between them, in batches, paced and woken: what a worker's end interrupts.
import { parentPort, workerData } from 'node:worker_threads';
import { until } from './peer.ts';
import { pattern, UdpEnd } from './udp-end.ts';

const [node, other] = [new UdpEnd({ paces: true, busyPacketsPerSecond: 100 }), new UdpEnd()];
const { port } = node.bind('::');
const outs = Array.from({ length: 5 }, () => other.connect(port));
const back = node.connect(other.bind().port);
node.onDatagram = ({ peer, bytes }) => {
  node.received.length = 0;
  if (peer >= 0) node.udp.hold(peer);
  for (let i = 0; i < 3; i++) node.put(-1 - back, bytes);
  if (peer >= 0) node.put(peer, bytes);
  node.flush();
};
other.onDatagram = () => {};
let sent = 0;
const timer = setInterval(() => {
  for (const out of outs) other.put(-1 - out, pattern(sent++, 1332));
  other.flush();
  node.pump();
}, 1);
await until('traffic', () => other.received.length > 100);

const how = (workerData as { how: string } | undefined)?.how ?? process.argv[2];
parentPort?.postMessage('streaming');
if (how === 'throw') setTimeout(() => { throw new Error('as if broken'); }, 5); // biome-ignore format: one thought
if (how === 'wake-throw') other.pump = () => { throw new Error('as if broken'); }; // biome-ignore format: one thought
if (how === 'exit') process.exit(0);
if (how === 'dispose' || how === 'dispose-in-wake') {
  const dispose = (): void => {
    clearInterval(timer);
    for (const end of [node, other, node]) end.udp.dispose();
  };
  if (how === 'dispose') dispose();
  else other.pump = dispose;
}
