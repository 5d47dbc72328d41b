import { describe, expect, it } from 'vitest';
import { seededRandom } from '../../src/sender/impair/random.ts';
import type { EncoderOptions, EncoderOutput, SimEncoder } from './encoder.ts';
import { LibsrtEncoder } from './libsrt-encoder.ts';
import { MoblinEncoder } from './moblin-encoder.ts';
import { CONCLUSION, CONTROL, control, controlOf, handshake, INDUCTION, MASK, readU32, steps } from './srt-wire.ts';

const ISN = MASK - 100;
const SERVER = 77;

class Bench {
  readonly encoder: SimEncoder;
  sent: Uint8Array[] = [];
  now = 0;
  id = 0;

  constructor(create: (options: EncoderOptions, out: EncoderOutput) => SimEncoder, more: Partial<EncoderOptions> = {}) {
    this.encoder = create(
      {
        kbps: 6_000,
        latencyMs: 1_000,
        streamId: 'live_x',
        isn: ISN,
        timestampUs: 0,
        skewPpm: 0,
        random: seededRandom(5),
        ...more,
      },
      {
        send: (bytes) => void this.sent.push(Uint8Array.from(bytes)),
        begin: () => {},
        accepted: () => {},
        first: () => {},
      },
    );
  }

  /** Time passes, and the encoder is called when it wants to be. */
  pass(ms: number): void {
    const end = this.now + ms;
    for (;;) {
      const next = this.encoder.nextMs(this.now);
      if (next > end) break;
      this.now = Math.max(this.now, next);
      this.encoder.tick(this.now);
    }
    this.now = end;
  }

  take(): Uint8Array[] {
    const { sent } = this;
    this.sent = [];
    return sent;
  }

  /** Numbers of data packets since the last call, from the first of the session on; negative = with R bit. */
  data(): number[] {
    return this.take()
      .filter((bytes) => bytes[0]! < 0x80)
      .map((bytes) => {
        const index = steps(ISN, readU32(bytes, 0));
        return (bytes[4]! & 4) !== 0 ? -index : index;
      });
  }

  answer(type: number, socketId: number, cookie: number): void {
    const bytes = handshake({ version: 5, fields: 0, isn: ISN, type, socketId, cookie, to: this.id, timestampUs: 0 });
    this.encoder.receive(bytes, this.now);
  }

  connect(): void {
    this.pass(0);
    this.id = readU32(this.take()[0]!, 40);
    this.answer(INDUCTION, this.id, 99);
    this.answer(CONCLUSION, SERVER, 99);
    this.take();
  }

  nak(...words: number[]): void {
    this.encoder.receive(control(CONTROL.nak, 0, 0, this.id, words), this.now);
  }

  ack(index: number, number: number, rttMs = 50, variationMs = 5): void {
    const body = [(ISN + index) & MASK, rttMs * 1_000, variationMs * 1_000, 8_192, 0, 0, 0];
    this.encoder.receive(control(CONTROL.ack, number, 0, this.id, body), this.now);
  }
}

const libsrt = (more: Partial<EncoderOptions> = {}): Bench => new Bench((...all) => new LibsrtEncoder(...all), more);
const moblin = (more: Partial<EncoderOptions> = {}): Bench => new Bench((...all) => new MoblinEncoder(...all), more);

describe('both encoders', () => {
  it.each([
    ['libsrt', libsrt],
    ['moblin', moblin],
  ])('%s sends at its rate, in order, across the wrap of sequence numbers and of time', (_name, create) => {
    const bench = create({ timestampUs: 2 ** 32 - 500_000 });
    bench.connect();
    bench.pass(1_000);
    const packets = bench.take().filter((bytes) => bytes[0]! < 0x80);
    expect(packets.length).toBeGreaterThan(540);
    expect(packets.length).toBeLessThan(600);
    packets.forEach((bytes, i) => {
      expect(readU32(bytes, 0)).toBe((ISN + i) & MASK);
    });
    const times = packets.map((bytes) => readU32(bytes, 8) | 0);
    expect((times.at(-1)! - times[0]!) | 0).toBeGreaterThan(950_000);
    expect(times.every((time, i) => i === 0 || ((time - times[i - 1]!) | 0) >= 0)).toBe(true);
    expect(packets.every((bytes) => readU32(bytes, 12) === SERVER && bytes.length === 1332)).toBe(true);
  });

  it.each([
    ['libsrt', libsrt],
    ['moblin', moblin],
  ])('%s repeats what is reported, not again within a round trip, not what is acknowledged', (_name, create) => {
    const bench = create();
    bench.connect();
    bench.pass(100);
    bench.ack(5, 1);
    bench.take();
    const range = [(((ISN + 8) & MASK) | 0x80000000) >>> 0, (ISN + 10) & MASK];
    bench.nak((ISN + 6) & MASK, ...range);
    bench.pass(4);
    expect(bench.data().filter((index) => index < 0)).toEqual([-6, -8, -9, -10]);
    bench.nak((ISN + 6) & MASK, (ISN + 3) & MASK);
    bench.pass(20);
    expect(bench.data().filter((index) => index < 0)).toEqual([]);
    bench.pass(40);
    bench.nak((ISN + 6) & MASK);
    bench.pass(4);
    expect(bench.data().filter((index) => index < 0)).toEqual([-6]);
  });

  it.each([
    ['libsrt', libsrt],
    ['moblin', moblin],
  ])('%s confirms full ACKs', (_name, create) => {
    const bench = create();
    bench.connect();
    bench.pass(20);
    bench.take();
    bench.ack(1, 1);
    const [confirmation] = bench.take();
    expect([controlOf(confirmation!), readU32(confirmation!, 4), confirmation!.length]).toEqual([
      CONTROL.ackAck,
      1,
      20,
    ]);
  });
});

describe('the encoder on libsrt', () => {
  it('repeats its handshakes each 250 ms', () => {
    const bench = libsrt();
    bench.pass(600);
    const inductions = bench.take();
    expect(inductions.map((bytes) => readU32(bytes, 36))).toEqual([INDUCTION, INDUCTION, INDUCTION]);
    bench.id = readU32(inductions[0]!, 40);
    bench.answer(INDUCTION, bench.id, 99);
    bench.pass(300);
    const conclusions = bench.take();
    expect(conclusions.map((bytes) => [readU32(bytes, 36), readU32(bytes, 44)])).toEqual([
      [CONCLUSION, 99],
      [CONCLUSION, 99],
    ]);
  });

  it('throttles repeats by the round trip less four variations', () => {
    const bench = libsrt();
    bench.connect();
    bench.pass(30);
    bench.ack(0, 1, 100, 30);
    bench.take();
    bench.nak(ISN);
    bench.nak(ISN);
    expect(bench.data()).toEqual([-0, -0]);
  });

  it('forgets what is too old, and says so when asked for it', () => {
    const bench = libsrt();
    bench.connect();
    for (let second = 0; second < 3; second++) {
      bench.encoder.receive(control(CONTROL.keepalive, 0, 0, bench.id), bench.now);
      bench.pass(1_000);
    }
    expect(bench.encoder.totals.droppedPackets).toBeGreaterThan(900);
    bench.take();
    bench.nak(ISN);
    expect(bench.take().map(controlOf)).toEqual([CONTROL.dropRequest]);
  });

  it('stops when its receiver is full, breaks after 5 s of silence and calls again', () => {
    const bench = libsrt();
    bench.connect();
    bench.pass(5_100);
    expect(bench.encoder.connected).toBe(false);
    bench.take();
    bench.pass(1_000);
    expect(readU32(bench.take()[0]!, 36)).toBe(INDUCTION);
  });
});

describe("Moblin's encoder", () => {
  it('never repeats a handshake, and begins anew 10 s later', () => {
    const bench = moblin();
    bench.pass(9_900);
    expect(bench.take().length).toBe(1);
    bench.pass(200);
    expect(bench.take().length).toBe(1);
    expect(bench.encoder.totals.sessions).toBe(2);
  });

  it('takes its id for the conclusion from the answer, and ignores rejections', () => {
    const bench = moblin();
    bench.pass(0);
    bench.id = readU32(bench.take()[0]!, 40);
    bench.answer(INDUCTION, 4_711, 99);
    expect(readU32(bench.take()[0]!, 40)).toBe(4_711);
    bench.answer(2_404, SERVER, 99);
    bench.answer(CONCLUSION, SERVER, 99);
    bench.pass(15);
    expect(bench.data().length).toBeGreaterThan(0);
  });

  it('ignores SHUTDOWN, gives up after 5 s of silence without a word', () => {
    const bench = moblin();
    bench.connect();
    bench.pass(15);
    bench.encoder.receive(control(CONTROL.shutdown, 0, 0, bench.id), bench.now);
    bench.take();
    bench.pass(1_000);
    expect(bench.data().length).toBeGreaterThan(500);
    bench.pass(4_100);
    bench.take();
    bench.pass(1_000);
    expect(bench.take()).toEqual([]);
    expect(bench.encoder.connected).toBe(false);
  });

  it('sends at most ten of what waits in a turn of 2 ms, or a tenth', () => {
    const bench = moblin();
    bench.connect();
    bench.pass(1_000);
    bench.ack(0, 1);
    bench.take();
    bench.nak((ISN | 0x80000000) >>> 0, (ISN + 299) & MASK);
    bench.encoder.tick(bench.now);
    const first = bench.data().length;
    expect(first).toBeGreaterThanOrEqual(30);
    expect(first).toBeLessThan(33);
  });

  it('says the same message number always', () => {
    const bench = moblin();
    bench.connect();
    bench.pass(100);
    for (const bytes of bench.take()) if (bytes[0]! < 0x80) expect(readU32(bytes, 4)).toBe(0xe0000001);
  });
});
