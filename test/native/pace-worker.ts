// Sends numbered datagrams of 1332 bytes at a steady pace, until it is ended.
import { workerData } from 'node:worker_threads';
import { UdpEnd } from './udp-end.ts';

const { port, perMs } = workerData as { port: number; perMs: number };
const end = new UdpEnd({ onWake: () => {} });
const out = end.connect(port);
const bytes = new Uint8Array(1332);
const clock = new Int32Array(new SharedArrayBuffer(4));
const startMs = performance.now();
for (let number = 0; ; ) {
  const due = (performance.now() - startMs) * perMs;
  // Held up, it goes on from here: a burst is not what is tested.
  for (let burst = 0; number < due && burst < 16; number++, burst++) {
    new DataView(bytes.buffer).setUint32(0, number);
    end.send(-1 - out, bytes);
  }
  Atomics.wait(clock, 0, 0, 1);
}
