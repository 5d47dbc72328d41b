/** Run with --expose-gc: prints by how many bytes the heap has grown, before and after a collection, over 200,000 datagrams. */
import { createSrtlaCore } from '../../src/srtla/index.ts';
import { DEFAULT_SRTLA_SETTINGS, type SrtlaOutbox } from '../../src/srtla/types.ts';
import {
  ack,
  ackAck,
  conclusion,
  conclusionAnswer,
  DataFlow,
  data,
  ENCODER,
  induction,
  nak,
  reg1,
  reg2,
  SERVER,
  toHex,
} from './packets.ts';

const collect = (globalThis as { gc?: () => void }).gc;
if (collect === undefined) throw new Error('run with --expose-gc');

let sent = 0;
let groupId = '';
let session = 0;
const out: SrtlaOutbox = {
  sendToLink: (_peer, bytes) => {
    sent += 1;
    if (groupId === '' && bytes.length === 258) groupId = toHex(bytes).slice(4);
  },
  sendToServer: () => {
    sent += 1;
  },
  openSession: (id) => {
    session = id;
  },
  closeSession: () => {},
  event: () => {},
};
const peers = { address: () => '192.0.2.1', port: () => 1, hold: () => {}, release: () => {} };
const zeros = (): Uint8Array => new Uint8Array(64);
const core = createSrtlaCore(DEFAULT_SRTLA_SETTINGS, peers, zeros, zeros);
const LINKS = 3;
core.receive(reg1(), 0, 0, out);
for (let peer = 0; peer < LINKS; peer++) core.receive(reg2(groupId), peer, 0, out);
core.receive(induction(), 0, 0, out);
core.receive(conclusion(), 0, 0, out);
core.fromServer(session, conclusionAnswer(), 0, out);

const flow = new DataFlow();
const others = [ackAck(SERVER), Uint8Array.of(0x90, 0), new Uint8Array(20).fill(0x9f), data(1, { to: 5 })];
const answers = [ack(ENCODER, 5), nak(ENCODER, 5), nak(ENCODER, 9)];
const STRANGER = 99;
// A clock with fractions, as it is in life. Handing it over costs its caller one number each time it has moved.
let now = 0;
const run = (datagrams: number): void => {
  for (let i = 0; i < datagrams; i++) {
    core.receive(
      i % 10 === 9 ? others[i % others.length]! : flow.next(now),
      i % 97 === 0 ? STRANGER : i % LINKS,
      now,
      out,
    );
    if (i % 6 === 0) {
      core.fromServer(session, answers[(i / 6) % answers.length]!, now, out);
      now += 10.3;
      core.tick(now, out);
    }
  }
};
run(200_000);
collect();
// The collection throws some compiled code away.
run(50_000);
const before = process.memoryUsage().heapUsed;
const sentBefore = sent;
run(200_000);
const allocated = process.memoryUsage().heapUsed - before;
collect();
collect();
const kept = process.memoryUsage().heapUsed - before;
console.log(
  JSON.stringify({ allocated, kept, sent: sent - sentBefore, links: core.snapshot(now).groups[0]?.links.length }),
);
