// What udp-clock.test.ts runs with a wall clock that can be moved: datagrams that wait in the kernel while it jumps.
import { writeFileSync } from 'node:fs';
import { turn, until } from './peer.ts';
import { UdpEnd } from './udp-end.ts';

const file = process.env.CLOCK_SHIFT_FILE;
if (file === undefined) throw new Error('CLOCK_SHIFT_FILE is not set');
let shiftMs = 0;
const shift = (byMs: number): void => {
  shiftMs += byMs;
  const bytes = Buffer.alloc(8);
  bytes.writeBigInt64LE(BigInt(shiftMs));
  writeFileSync(file, bytes, { flag: 'r+' });
};

const end = new UdpEnd({ onWake: () => {} });
const source = new UdpEnd();
const out = source.connect(end.bind().port);
const take = async () => {
  await until('a datagram', () => end.take() > 0);
  while (end.take() > 0);
  end.udp.rearm();
  return end.received.at(-1)!;
};
const rounds: object[] = [];
for (const jumpMs of [0, 3_600_000, -3_600_000, 40, -40, 0]) {
  // A batch before it, and the clocks compared.
  source.send(-1 - out, new Uint8Array(1));
  await take();
  end.counter('wakeups');
  const sentMs = performance.now();
  source.send(-1 - out, new Uint8Array(2));
  await turn(30);
  shift(jumpMs);
  const { arrivalMs } = await take();
  rounds.push({ jumpMs, sentMs, arrivalMs, readMs: performance.now() });
  // The kernel's times are those of before: back to it.
  shift(-jumpMs);
  end.counter('wakeups');
}
console.log(JSON.stringify(rounds));
for (const one of [end, source]) one.udp.dispose();
