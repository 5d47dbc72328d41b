import { describe, expect, it } from 'vitest';
import { until } from '../../test/support/processes.ts';
import { SRT_STATS_FIELDS, type SrtConnectOptions, type SrtEvent } from '../shared/addon.ts';
import { type CallerEngine, SrtCaller } from './srt-caller.ts';
import { SrtInput } from './srt-input.ts';
import type { TsSource } from './ts-source.ts';

const BUFFERED = SRT_STATS_FIELDS.indexOf('sndBufPackets');

/** An engine without a network: the test decides what happens to connections and messages. */
class FakeEngine implements CallerEngine {
  onWake: () => void = () => {};
  readonly connects: SrtConnectOptions[] = [];
  readonly sent: number[] = [];
  /** Answers of `sendMessage` still to be given; after them everything is taken. */
  answers: number[] = [];
  /** For each connect: 'up', or a reject code. */
  outcomes: ('up' | number)[] = [];
  buffered = 0;
  /** What lay in the send buffer when the socket was closed. */
  bufferedAtClose: number | undefined;
  #events: SrtEvent[] = [];

  connect(options: SrtConnectOptions): number {
    this.connects.push(options);
    const socket = this.connects.length;
    const outcome = this.outcomes.shift() ?? 'up';
    this.happen(
      outcome === 'up'
        ? { type: 'connected', socket, latencyMs: options.latencyMs }
        : { type: 'connect-failed', socket, rejectReason: outcome, message: 'no' },
    );
    return socket;
  }
  happen(event: SrtEvent): void {
    this.#events.push(event);
    setImmediate(() => this.onWake());
  }
  takeEvents(): SrtEvent[] {
    return this.#events.splice(0);
  }
  sendMessage(_socket: number, message: Uint8Array): number {
    const answer = this.answers.shift() ?? message.length;
    if (answer >= 0) this.sent.push(message[0]!);
    return answer;
  }
  stats(_socket: number, out: Float64Array): boolean {
    out[BUFFERED] = this.buffered;
    if (this.buffered > 0) this.buffered--;
    return true;
  }
  close(socket: number): void {
    this.bufferedAtClose = this.buffered;
    this.happen({ type: 'ended', socket });
  }
  rearm(): void {}
  dispose(): void {}
}

const setUp = (reconnect = false) => {
  const engine = new FakeEngine();
  const notices: string[] = [];
  const caller = new SrtCaller((onWake) => {
    engine.onWake = onWake;
    return engine;
  });
  const input = new SrtInput(caller, {
    at: { host: '127.0.0.1', port: 9 },
    streamId: 'live_x',
    latencyMs: 500,
    reconnect,
    onNotice: (text) => notices.push(text),
  });
  return { engine, caller, input, notices };
};
/** Messages 0 … count-1, a turn of the event loop apart; `during` sees each number before it is sent. */
const source = (count: number, during: (n: number) => unknown = () => {}): TsSource => ({
  async *messages() {
    for (let n = 0; n < count; n++) {
      await during(n);
      await new Promise(setImmediate);
      yield Uint8Array.of(n);
    }
  },
  stop() {},
});

describe('the SRT input', () => {
  it('connects with what it was given, sends in order, and closes only when all is acknowledged', async () => {
    const { engine, input } = setUp();
    const fill = (n: number): void => {
      if (n === 4) engine.buffered = 3;
    };
    await input.run(() => source(5, fill));
    expect(engine.connects).toEqual([
      { host: '127.0.0.1', port: 9, streamId: 'live_x', latencyMs: 500, connectTimeoutMs: 5_000, reads: false },
    ]);
    expect(engine.sent).toEqual([0, 1, 2, 3, 4]);
    expect(engine.bufferedAtClose).toBe(0);
    expect(input.totals).toEqual({ sentMessages: 5, droppedMessages: 0, connects: 1 });
  });

  it.each([
    [1404, /unknown stream id \(1404\)/],
    [1403, /may not publish here \(1403\)/],
    [10, /wrong passphrase \(10\)/],
    [0, /no answer/],
    [2777, /rejected \(2777\)/],
  ])('says code %i in words, and opens no source', async (code, message) => {
    const { engine, input } = setUp();
    engine.outcomes = [code];
    let opened = false;
    const run = input.run(() => {
      opened = true;
      return source(1);
    });
    await expect(run).rejects.toMatchObject({
      code: 'TRIBUTARY_SRT_CONNECT_FAILED',
      message: expect.stringMatching(message),
      mend: expect.any(String),
    });
    expect(opened).toBe(false);
  });

  it('waits where the send buffer is full', async () => {
    const { engine, input } = setUp();
    engine.answers = [-1, -1, -1];
    await input.run(() => source(3));
    expect(engine.sent).toEqual([0, 1, 2]);
    expect(input.totals.droppedMessages).toBe(0);
  });

  it('ends with an error when the connection breaks', async () => {
    const { engine, input } = setUp();
    const broken = (n: number): void => {
      if (n === 2) engine.happen({ type: 'broken', socket: 1 });
    };
    await expect(input.run(() => source(50, broken))).rejects.toMatchObject({ code: 'TRIBUTARY_SRT_CONNECT_FAILED' });
    expect(engine.connects.length).toBe(1);
  });

  it('connects again when told to, and the source goes on meanwhile', async () => {
    const { engine, input, notices } = setUp(true);
    const during = (n: number): unknown => {
      if (n === 2) engine.answers = [-2];
      return n === 10 && until('the second connection', () => input.totals.connects === 2);
    };
    await input.run(() => source(20, during));
    expect(engine.connects.length).toBe(2);
    expect(input.totals.droppedMessages).toBeGreaterThanOrEqual(1);
    expect(engine.sent.slice(0, 2)).toEqual([0, 1]);
    expect(engine.sent.slice(-10)).toEqual([10, 11, 12, 13, 14, 15, 16, 17, 18, 19]);
    expect(notices).toEqual(['SRT connected', 'SRT connected']);
  });

  it('has a little patience with a stream id that is in use, but not for ever', { timeout: 10_000 }, async () => {
    const patient = setUp();
    patient.engine.outcomes = [1409, 1409, 'up'];
    await patient.input.run(() => source(2));
    expect(patient.engine.sent).toEqual([0, 1]);
    const vain = setUp();
    vain.engine.outcomes = Array<number>(50).fill(1409);
    await expect(vain.input.run(() => source(2))).rejects.toMatchObject({
      code: 'TRIBUTARY_SRT_CONNECT_FAILED',
      message: expect.stringMatching(/live on this stream id already \(1409\)/),
    });
  });

  it('tries again after a failed connect when told to', { timeout: 10_000 }, async () => {
    const { engine, input, notices } = setUp(true);
    engine.outcomes = [1404, 'up'];
    await input.run(() => source(2));
    expect(engine.sent).toEqual([0, 1]);
    expect(notices[0]).toMatch(/1404/);
  });
});
