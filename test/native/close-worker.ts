// Calls a listener that refuses by closing, and measures how long it was let in for. Runs in a thread of its own.
import { workerData } from 'node:worker_threads';
import { Peer, until } from './peer.ts';

const { port, shared } = workerData as { port: number; shared: Int32Array };
const peer = new Peer({ tickMs: 1 });
Atomics.store(shared, 0, 1);
Atomics.wait(shared, 0, 1);
const startMs = performance.now();
const socket = peer.call(port, 'unwelcome');
await until('the end', () => peer.find('broken', socket) ?? peer.find('connect-failed', socket));
Atomics.store(shared, 1, Math.max(1, Math.round(performance.now() - startMs)));
Atomics.notify(shared, 1);
peer.engine.dispose();
