import { setTimeout as sleep } from 'node:timers/promises';
import { SRT_REJECT } from '../shared/addon.ts';
import { type Millis, monotonicNow } from '../shared/clock.ts';
import { TributaryError } from '../shared/errors.ts';
import type { SrtCaller } from './srt-caller.ts';
import type { TsSource } from './ts-source.ts';
import type { Endpoint } from './uplink-socket.ts';

const CONNECT_TIMEOUT_MS: Millis = 5_000;
const RECONNECT_MS: Millis = 2_000;
/** An encoder that was killed a moment ago still holds its stream id until the receiver has missed it for a second. */
const BUSY_RETRY_MS: Millis = 500;
const BUSY_PATIENCE_MS: Millis = 3_000;
const BUSY = SRT_REJECT.conflict;
const POLL_MS: Millis = 10;
/** A message that finds the send buffer full for longer than this is given up. */
const FULL_BUFFER_MS: Millis = 1_000;
/** On top of the latency: how long the receiver may take to acknowledge the end of the stream. */
const DRAIN_MARGIN_MS: Millis = 3_000;

export interface SrtInputOptions {
  /** The sender's own encoder port. */
  readonly at: Endpoint;
  readonly streamId: string;
  readonly latencyMs: Millis;
  readonly passphrase?: string;
  /** Connect again when the connection fails or breaks; messages in between are dropped, as a live encoder would. */
  readonly reconnect: boolean;
  readonly onNotice: (text: string) => void;
}

export interface SrtInputTotals {
  sentMessages: number;
  droppedMessages: number;
  connects: number;
}

/** Feeds MPEG-TS messages into an SRT connection that goes through the sender's links. */
export class SrtInput {
  readonly #caller: SrtCaller;
  readonly #options: SrtInputOptions;
  #connecting: Promise<void> | undefined;
  #stopped = false;
  readonly totals: SrtInputTotals = { sentMessages: 0, droppedMessages: 0, connects: 0 };

  constructor(caller: SrtCaller, options: SrtInputOptions) {
    this.#caller = caller;
    this.#options = options;
  }

  /**
   * Connects, sends everything, waits until the receiver has acknowledged it, closes. `openSource` is called once connected.
   * @throws TributaryError TRIBUTARY_SRT_CONNECT_FAILED (also for a break without `reconnect`), TRIBUTARY_BAD_INPUT_FILE
   */
  async run(openSource: () => TsSource): Promise<void> {
    await this.#connectFirst();
    if (this.#stopped) return;
    const source = openSource();
    this.#stopSource = () => source.stop();
    try {
      for await (const message of source.messages()) await this.#deliver(message);
    } finally {
      source.stop();
    }
    await this.#drain();
    // A connection that is still being tried for has nothing left to carry.
    this.#stopped = true;
    await this.#caller.close();
  }

  /** Ends the input; `run` goes on to drain and close. */
  stop(): void {
    this.#stopped = true;
    this.#stopSource();
  }

  #stopSource: () => void = () => {};

  async #connect(): Promise<void> {
    const { at, streamId, latencyMs, passphrase } = this.#options;
    await this.#caller.connect({
      ...at,
      streamId,
      latencyMs,
      connectTimeoutMs: CONNECT_TIMEOUT_MS,
      ...(passphrase === undefined ? {} : { passphrase }),
    });
    this.totals.connects++;
    this.#options.onNotice('SRT connected');
  }

  async #connectFirst(): Promise<void> {
    for (const since = monotonicNow(); ; ) {
      try {
        return await this.#connect();
      } catch (error) {
        const busy = this.#caller.rejectReason === BUSY && monotonicNow() - since < BUSY_PATIENCE_MS;
        if (!(error instanceof TributaryError) || this.#stopped || !(busy || this.#options.reconnect)) throw error;
        this.#options.onNotice(error.line);
        await sleep(busy ? BUSY_RETRY_MS : RECONNECT_MS);
        if (this.#stopped) return;
      }
    }
  }

  async #deliver(message: Uint8Array): Promise<void> {
    let taken = this.#caller.send(message);
    for (const since = monotonicNow(); taken === false && monotonicNow() - since < FULL_BUFFER_MS; ) {
      await sleep(POLL_MS);
      taken = this.#caller.send(message);
    }
    if (taken === true) {
      this.totals.sentMessages++;
      return;
    }
    this.totals.droppedMessages++;
    if (taken === undefined) this.#onBreak();
  }

  #onBreak(): void {
    if (!this.#options.reconnect) {
      throw new TributaryError(
        'TRIBUTARY_SRT_CONNECT_FAILED',
        'the receiver has ended the SRT connection, or every link is gone',
        'start again, or use --reconnect',
      );
    }
    // The source goes on meanwhile: what a live stream shows now is worth more than what it showed before.
    this.#connecting ??= this.#connectFirst().finally(() => {
      this.#connecting = undefined;
    });
    this.#connecting.catch(() => {});
  }

  async #drain(): Promise<void> {
    const until = monotonicNow() + this.#options.latencyMs + DRAIN_MARGIN_MS;
    while (this.#caller.connected && this.#caller.bufferedPackets() > 0) {
      if (monotonicNow() > until) {
        this.#options.onNotice(`${this.#caller.bufferedPackets()} packets were not acknowledged in time`);
        return;
      }
      await sleep(POLL_MS);
    }
    if (!this.#caller.connected) this.#options.onNotice('the SRT connection was gone before the end was acknowledged');
  }
}
