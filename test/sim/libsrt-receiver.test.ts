import { describe, expect, it } from 'vitest';
import { LibsrtReceiver } from './libsrt-receiver.ts';
import {
  CONTROL,
  control,
  controlOf,
  DATA_BYTES,
  eachLoss,
  MASK,
  R_BIT,
  readU32,
  steps,
  writeHeader,
} from './srt-wire.ts';

const LATENCY_MS = 500;

/** A receiver with a clock of its own; packet n is sent at n × 10 ms by an encoder whose clock started with the receiver's. */
class Bench {
  readonly sent: Uint8Array[] = [];
  readonly played: number[] = [];
  readonly givenUp: number[] = [];
  readonly receiver: LibsrtReceiver;
  now = 1_000;
  readonly #isn: number;
  readonly #firstUs: number;

  constructor(maxReorderTolerance = 0, isn = 100, firstUs = 0) {
    this.#isn = isn;
    this.#firstUs = firstUs;
    this.receiver = new LibsrtReceiver(
      {
        isn,
        peerId: 7,
        latencyMs: LATENCY_MS,
        maxReorderTolerance,
        reportsLosses: true,
        conclusionMs: 1_000,
        conclusionUs: firstUs,
      },
      {
        send: (bytes) => void this.sent.push(bytes),
        play: (sequence) => void this.played.push(steps(isn, sequence)),
        giveUp: (first, count) => {
          for (let i = 0; i < count; i++) this.givenUp.push(steps(isn, first) + i);
        },
      },
    );
  }

  data(index: number, retransmitted = false): void {
    const bytes = new Uint8Array(DATA_BYTES);
    const word1 = (0xe0000001 | (retransmitted ? R_BIT : 0)) >>> 0;
    writeHeader(bytes, (this.#isn + index) & MASK, word1, this.#firstUs + index * 10_000, 1);
    this.receiver.receive(bytes, this.now);
  }

  /** Time in steps of 10 ms. */
  pass(ms: number): void {
    for (const end = this.now + ms; this.now < end; ) {
      this.now += 10;
      this.receiver.tick(this.now);
    }
  }

  /** Losses reported since the last call, one list for each report. */
  reports(): number[][] {
    const naks = this.sent.filter((bytes) => controlOf(bytes) === CONTROL.nak);
    this.sent.length = 0;
    return naks.map((nak) => {
      const lost: number[] = [];
      eachLoss(nak, (first, last) => {
        for (let i = steps(this.#isn, first); i <= steps(this.#isn, last); i++) lost.push(i);
      });
      return lost;
    });
  }

  acks(): number[] {
    const acks = this.sent.filter((bytes) => controlOf(bytes) === CONTROL.ack);
    this.sent.length = 0;
    return acks.map((ack) => steps(this.#isn, readU32(ack, 16)));
  }
}

describe('the simulated libsrt receiver', () => {
  it('plays in order at the time of the packet plus the latency', () => {
    const bench = new Bench();
    for (const index of [0, 2, 1, 3]) bench.data(index);
    bench.pass(490);
    expect(bench.played).toEqual([]);
    bench.pass(10);
    expect(bench.played).toEqual([0]);
    bench.pass(30);
    expect(bench.played).toEqual([0, 1, 2, 3]);
    expect(bench.givenUp).toEqual([]);
  });

  it('gives up what is missing when the packet behind it is due, and knows late ones and copies', () => {
    const bench = new Bench();
    for (const index of [0, 1, 4, 4]) bench.data(index);
    bench.pass(530);
    expect(bench.played).toEqual([0, 1]);
    bench.pass(10);
    expect([bench.played, bench.givenUp]).toEqual([
      [0, 1, 4],
      [2, 3],
    ]);
    bench.data(2);
    expect([bench.receiver.belated, bench.receiver.duplicates]).toEqual([1, 1]);
    bench.pass(1_000);
    expect(bench.played).toEqual([0, 1, 4]);
  });

  it('reports a gap at once without tolerance, and the whole list again and again', () => {
    const bench = new Bench();
    for (const index of [0, 3, 5]) bench.data(index);
    expect(bench.reports()).toEqual([[1, 2], [4]]);
    bench.data(2, true);
    bench.pass(150);
    expect(bench.reports()).toEqual([]);
    bench.pass(20);
    expect(bench.reports()).toEqual([[1, 4]]);
    bench.pass(140);
    expect(bench.reports()).toEqual([]);
    bench.pass(20);
    expect(bench.reports()).toEqual([[1, 4]]);
    bench.data(1, true);
    bench.data(4, true);
    bench.pass(400);
    expect(bench.reports()).toEqual([]);
  });

  it('waits for as many packets as its tolerance, and forgets what comes meanwhile', () => {
    const bench = new Bench(3);
    bench.data(0);
    bench.data(2);
    bench.data(3);
    bench.data(4);
    expect(bench.reports()).toEqual([]);
    bench.data(5);
    expect(bench.reports()).toEqual([[1]]);
    bench.data(7);
    bench.data(6);
    for (let index = 8; index < 20; index++) bench.data(index);
    expect(bench.reports()).toEqual([]);
  });

  it('loses its tolerance packet by packet while all is in order, and gets it back', () => {
    const bench = new Bench(2);
    for (let index = 0; index < 120; index++) bench.data(index);
    bench.data(121);
    expect(bench.reports()).toEqual([[120]]);
    bench.data(123);
    bench.data(120);
    bench.data(124);
    // 120 came 3 behind the newest: tolerance 2.
    bench.sent.length = 0;
    bench.data(126);
    expect(bench.reports()).toEqual([]);
    bench.data(127);
    bench.data(128);
    expect(bench.reports()).toEqual([[125]]);
  });

  it('acknowledges each 10 ms up to the first gap, lightly each 64 packets, and repeats nothing that is confirmed', () => {
    const bench = new Bench();
    for (let index = 0; index < 5; index++) bench.data(index);
    bench.data(6);
    bench.pass(10);
    expect(bench.acks()).toEqual([5]);
    bench.receiver.receive(control(CONTROL.ackAck, 1, 50_000, 1), bench.now);
    bench.pass(100);
    expect(bench.acks()).toEqual([]);
    bench.data(5, true);
    bench.pass(10);
    expect(bench.acks()).toEqual([7]);
    for (let index = 7; index < 7 + 128; index++) bench.data(index);
    expect(bench.acks()).toEqual([70, 134]);
  });

  it('learns the round trip from the first ACKACK of a number', () => {
    const bench = new Bench();
    bench.data(0);
    bench.pass(10);
    bench.now += 80;
    const ackAck = control(CONTROL.ackAck, 1, 90_000, 1);
    bench.receiver.receive(ackAck, bench.now);
    expect(bench.receiver.smoothedRttMs).toBe(80);
    bench.now += 200;
    bench.receiver.receive(ackAck, bench.now);
    expect(bench.receiver.smoothedRttMs).toBe(80);
  });

  it('counts on across both wraps', () => {
    const bench = new Bench(0, MASK - 2, 2 ** 32 - 35_000);
    for (let index = 0; index < 10; index++) {
      bench.data(index);
      bench.pass(10);
    }
    bench.pass(600);
    expect(bench.played).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
  });

  it('plays what it has after a SHUTDOWN, and hangs up on 5 s of silence', () => {
    const bench = new Bench();
    bench.data(0);
    bench.receiver.receive(control(CONTROL.shutdown, 0, 0, 1), bench.now);
    bench.pass(600);
    expect(bench.played).toEqual([0]);
    const silent = new Bench();
    silent.pass(5_000);
    expect(silent.receiver.closed).toBe(false);
    silent.pass(20);
    expect(silent.receiver.closed).toBe(true);
  });
});
