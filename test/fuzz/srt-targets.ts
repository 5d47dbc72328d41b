import { MOST_NAK_RANGES, readNak } from '../../src/srt/control-packet.ts';
import { isData } from '../../src/srt/packet.ts';
import { sequenceDistance } from '../../src/srt/sequence.ts';
import { SRT_TYPE } from '../../src/srtla/constants.ts';
import { control, data } from '../srt/packets.ts';
import { ReceiverBench } from '../srt/receiver-bench.ts';
import { SenderBench } from '../srt/sender-bench.ts';
import { asDatagrams, datagrams } from './datagrams.ts';
import type { FuzzTarget } from './fuzz-target.ts';

const must = (holds: boolean, what: string): void => {
  if (!holds) throw new Error(`does not hold: ${what}`);
};
const RANGE = 0x80000000;
const WINDOW = 512;
const OFFERED = 300;
const ranges = new Int32Array(2 * MOST_NAK_RANGES);

/** What a peer sends, and what a forger might. */
const DATA = [data(1_000), data(1_001), data(1_004, { again: true }), data(1_511), data(1_512), data(0x7fffffff)];
const CONTROLS = [
  control(SRT_TYPE.ackAck, 1),
  control(SRT_TYPE.dropRequest, 0, 1_000, 1_511),
  control(SRT_TYPE.ack, 1, 1_100, 30_000, 2_000, 8_192, 0, 0, 0),
  control(SRT_TYPE.ack, 0, 1_150),
  control(SRT_TYPE.nak, 0, 1_010, RANGE + 1_020, 1_299, RANGE, 0x7fffffff),
  control(SRT_TYPE.keepalive, 0),
];

export const SRT_TARGETS: readonly FuzzTarget[] = [
  {
    name: 'srt-receiver',
    seeds: [asDatagrams(...DATA, ...CONTROLS), asDatagrams(...CONTROLS, ...DATA.toReversed())],
    maxBytes: 8_000,
    run: (input) => {
      const releaseAtArrival = (input[0] ?? 0) % 2 === 0;
      const bench = new ReceiverBench({ windowPackets: WINDOW, mostReorderPackets: 8, releaseAtArrival });
      let came = 0;
      for (const datagram of datagrams(input)) {
        came += 1;
        if (isData(datagram)) bench.data(datagram);
        else bench.control(datagram);
        if (came % 5 === 0) bench.pass(10);
        must(bench.store.usedCount <= WINDOW, 'no more is kept than the window holds');
      }
      bench.pass(3_000);
      bench.receiver.finish();
      must(bench.store.usedCount === 0, 'nothing is kept');
      must(bench.delivered.length <= came, 'nothing is made up');
      // One ACK and four NAKs a tick, one of either a packet.
      must(bench.said.length <= 2 * came + 5 * (300 + came), 'little is answered');
    },
  },
  {
    name: 'srt-sender',
    seeds: [asDatagrams(...CONTROLS), asDatagrams(...CONTROLS.toReversed(), ...DATA)],
    maxBytes: 8_000,
    run: (input) => {
      const bench = new SenderBench({ bufferPackets: WINDOW, peerRepeatsNaks: (input[0] ?? 0) % 2 === 0 });
      for (let i = 0; i < OFFERED; i++) {
        bench.offer();
        if (i % 50 === 0) bench.pass(10);
      }
      let came = 0;
      for (const datagram of datagrams(input)) {
        came += 1;
        bench.control(datagram);
        if (came % 5 === 0) bench.pass(10);
        const held = bench.sender.unacknowledgedPackets;
        must(bench.store.usedCount === held && held <= OFFERED, 'what is unacknowledged is held, and nothing else');
      }
      bench.pass(1_000);
      for (const { sequence } of bench.sent) {
        const age = sequenceDistance(sequence, 1_000);
        must(age >= 0 && age < OFFERED, 'only what was offered is sent');
      }
      must(bench.sent.length <= OFFERED + 64 * (came + 110), 'it is sent again with measure');
      bench.sender.close();
      must(bench.store.usedCount === 0, 'nothing is kept');
    },
  },
  {
    name: 'srt-naks',
    seeds: CONTROLS,
    maxBytes: 2_000,
    run: (input) => {
      const count = readNak(input, ranges);
      must(count >= 0 && count <= MOST_NAK_RANGES, 'there is room');
      for (let i = 0; i < count; i++)
        must(sequenceDistance(ranges[2 * i + 1]!, ranges[2 * i]!) >= 0, 'ranges run forwards');
    },
  },
];
