// A node, an encoder and a player in one thread, with a stream running and another session in its tail: what a worker's end interrupts.
import { parentPort, workerData } from 'node:worker_threads';
import { numbered, Peer, stream, until } from './peer.ts';

const node = new Peer();
const others = new Peer();
const publish = node.listen({ role: 'publish', refuse: 'close' });
const play = node.listen({ role: 'play', host: '::' });
for (const id of ['in', 'tail']) node.engine.allow('publish', id, { maxSockets: 1 });
node.engine.allow('play', 'out', { maxSockets: 1, passphrase: 'a long enough one' });
await others.join(play.port, 'out', { reads: true, passphrase: 'a long enough one' });
const encoder = await others.join(publish.port, 'in');
const leaving = await others.join(publish.port, 'tail', { latencyMs: 2_000 });
await stream(others, leaving, 0, 50);
others.engine.close(leaving);
const tail = (await node.accepted('tail')).socket;
await until('a tail', () => node.find('broken', tail));
others.call(publish.port, 'unwelcome');
others.call(publish.port, 'no answer', { host: '127.0.0.9' });
const player = Int32Array.of((await node.accepted('out')).socket);
const dropped = new Float64Array(1);
node.onRun = (_socket, first, count) => node.engine.send(player, 1, first, count, dropped);
let index = 0;
const timer = setInterval(() => others.engine.sendMessage(encoder, numbered(index++), 0), 1);
await until(
  'a stream',
  () => node.messages((node.ofType('accepted').find((e) => e.streamId === 'in') ?? { socket: 0 }).socket).length > 20,
);

const how = (workerData as { how: string } | undefined)?.how ?? process.argv[2];
parentPort?.postMessage('streaming');
if (how === 'throw') setTimeout(() => { throw new Error('as if broken'); }, 5); // biome-ignore format: one thought
if (how === 'wake-throw') node.pump = () => { throw new Error('as if broken'); }; // biome-ignore format: one thought
if (how === 'exit') process.exit(0);
if (how === 'dispose' || how === 'dispose-in-wake') {
  clearInterval(timer);
  const dispose = () => {
    for (const peer of [node, others]) {
      peer.engine.dispose();
      peer.engine.dispose();
    }
  };
  if (how === 'dispose') dispose();
  else node.pump = dispose;
}
