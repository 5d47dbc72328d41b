/**
 * Run with --expose-gc: the batched shell over an addon that is made of arrays. Prints by how many bytes the heap has grown, before and
 * after a collection, over 1,000,000 datagrams.
 */
import {
  type NativeAddon,
  type NativeUdpEngine,
  type NativeUdpOptions,
  UDP_SLOT_BYTES,
} from '../../src/shared/addon.ts';
import { silentLogger } from '../../src/shared/logger.ts';
import { createSrtlaShell, DEFAULT_SRTLA_SETTINGS } from '../../src/srtla/index.ts';
import {
  ack,
  ackAck,
  conclusion,
  conclusionAnswer,
  DataFlow,
  data,
  ENCODER,
  induction,
  reg1,
  reg2,
  SERVER,
  toHex,
} from './packets.ts';

const collect = (globalThis as { gc?: () => void }).gc;
if (collect === undefined) throw new Error('run with --expose-gc');

const LINKS = 3;
const LINK_SOCKET = 0;
const SERVER_SOCKET = 1;
const BATCH = 40;
const TIMES_A_BATCH = 5;

interface Incoming {
  socket: number;
  peer: number;
  bytes: Uint8Array;
}

/** What the next `receive` brings; the bytes are copied into the slots, as the kernel does. */
class FakeUdp implements NativeUdpEngine {
  readonly arena: Uint8Array;
  readonly lengths: Int32Array;
  readonly sockets: Int32Array;
  readonly peers: Int32Array;
  readonly arrivalsMs: Float64Array;
  readonly sendTo: Int32Array;
  readonly sendFrom: Int32Array;
  readonly sendBytes: Int32Array;
  batch: readonly Incoming[] = [];
  sent = 0;
  lastSent = '';
  wantsText = true;

  constructor({ slots, sendEntries, scratchBytes }: NativeUdpOptions) {
    this.arena = new Uint8Array(slots * UDP_SLOT_BYTES + scratchBytes);
    this.lengths = new Int32Array(slots);
    this.sockets = new Int32Array(slots);
    this.peers = new Int32Array(slots);
    this.arrivalsMs = new Float64Array(slots);
    this.sendTo = new Int32Array(sendEntries);
    this.sendFrom = new Int32Array(sendEntries);
    this.sendBytes = new Int32Array(sendEntries);
  }
  bind(): number {
    return LINK_SOCKET;
  }
  connect(): number {
    return SERVER_SOCKET;
  }
  facts() {
    return {
      address: '127.0.0.1',
      port: 5000,
      receiveBufferBytes: 1e9,
      sendBufferBytes: 1e9,
      kernelDrops: 0,
      lacks: [],
    };
  }
  close(): void {}
  peer(): number {
    return 0;
  }
  hold(): void {}
  release(): void {}
  knowGroup(): void {}
  forgetGroup(): void {}
  address(): string {
    return '192.0.2.1';
  }
  port(): number {
    return 1;
  }
  localAddress(): string {
    return '';
  }
  receive(nowMs: number): number {
    const { batch } = this;
    for (let i = 0; i < batch.length; i++) {
      const { socket, peer } = batch[i]!;
      const bytes = batch[i]!.bytes === DATA ? flow.next(nowMs) : batch[i]!.bytes;
      this.arena.set(bytes, i * UDP_SLOT_BYTES);
      this.lengths[i] = bytes.length;
      this.sockets[i] = socket;
      this.peers[i] = peer;
      this.arrivalsMs[i] = nowMs - Math.floor(i / (BATCH / TIMES_A_BATCH)) * 0.3;
    }
    this.batch = NOTHING;
    return batch.length;
  }
  flush(count: number): void {
    this.sent += count;
    if (!this.wantsText) return;
    const at = this.sendFrom[0]!;
    this.lastSent = toHex(this.arena.subarray(at, at + this.sendBytes[0]!));
  }
  rearm(): number {
    return 0;
  }
  segments(): boolean {
    return true;
  }
  counters(): void {}
  dispose(): void {}
}
/** Stands for the next packet of the stream. */
const DATA = new Uint8Array(0);
const flow = new DataFlow();
const NOTHING: readonly Incoming[] = [];

let udp!: FakeUdp;
let wake!: () => void;
const addon = {
  createUdpEngine: (options: NativeUdpOptions) => {
    wake = options.onWake;
    udp = new FakeUdp(options);
    return udp;
  },
} as unknown as NativeAddon;
// A clock with fractions, as it is in life. Never plain numbers in a field: each reading would allocate one.
let now = 1_000.3;
const shell = await createSrtlaShell({
  addresses: ['127.0.0.1'],
  ports: [5000],
  // 19,000 datagrams a second, all of one group.
  settings: { ...DEFAULT_SRTLA_SETTINGS, maxGroupKbps: 1_000_000, maxGroupPacketsPerSecond: 100_000 },
  bondHost: '127.0.0.1',
  bondPort: () => 4002,
  addon: () => addon,
  random: (bytes) => new Uint8Array(bytes),
  clock: () => now,
  logger: silentLogger,
});
const deliver = (batch: readonly Incoming[]): void => {
  udp.batch = batch;
  wake();
};
const fromLink = (peer: number, bytes: Uint8Array): Incoming => ({ socket: LINK_SOCKET, peer, bytes });
const fromServer = (bytes: Uint8Array): Incoming => ({ socket: SERVER_SOCKET, peer: -1, bytes });

deliver([fromLink(0, reg1())]);
const id = udp.lastSent.slice(4);
deliver(Array.from({ length: LINKS }, (_, peer) => fromLink(peer, reg2(id))));
deliver(Array.from({ length: LINKS }, (_, peer) => fromLink(peer, Uint8Array.of(0x90, 0))));
deliver([fromLink(0, induction()), fromLink(0, conclusion())]);
deliver([fromServer(conclusionAnswer())]);
udp.wantsText = false;

const others = [ackAck(SERVER), Uint8Array.of(0x90, 0), new Uint8Array(20).fill(0x9f), data(1, { to: 5 })];
const batches = Array.from({ length: 25 }, (_, b) =>
  Array.from({ length: BATCH }, (_, i) => {
    const n = b * BATCH + i;
    if (i % 13 === 12) return fromServer(ack(ENCODER, n));
    if (i % 10 === 9) return fromLink(i % 20 === 9 ? 99 : n % LINKS, others[n % others.length]!);
    return fromLink(n % LINKS, DATA);
  }),
);
const run = (datagrams: number): void => {
  for (let i = 0; i < datagrams / BATCH; i++) {
    now += 2.1;
    deliver(batches[i % batches.length]!);
  }
};
run(400_000);
collect();
// The collection throws some compiled code away.
run(100_000);
const before = process.memoryUsage().heapUsed;
const sentBefore = udp.sent;
run(1_000_000);
const allocated = process.memoryUsage().heapUsed - before;
collect();
collect();
const kept = process.memoryUsage().heapUsed - before;
const { groups } = shell.snapshot(now);
console.log(JSON.stringify({ allocated, kept, sent: udp.sent - sentBefore, links: groups[0]?.links.length }));
process.exit(0);
