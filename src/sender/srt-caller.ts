import {
  type NativeAddon,
  type NativeSrtEngine,
  SRT_STATS_FIELDS,
  type SrtConnectOptions,
  type SrtEvent,
} from '../shared/addon.ts';
import { messageOf, TributaryError } from '../shared/errors.ts';
import { rejectMend, rejectWords } from './reject-words.ts';

const TICK_MS = 5;
const SEND_BUFFER_FIELD = SRT_STATS_FIELDS.indexOf('sndBufPackets');

/** What a caller needs of the engine it lives in. */
export type CallerEngine = Pick<
  NativeSrtEngine,
  'connect' | 'takeEvents' | 'rearm' | 'sendMessage' | 'stats' | 'close' | 'dispose'
>;

/** Makes that engine; `onWake` is called when it has events. */
export type CallerEngineFactory = (onWake: () => void) => CallerEngine;

export const callerEngine =
  (addon: NativeAddon): CallerEngineFactory =>
  (onWake) =>
    addon.createSrtEngine({ tickMs: TICK_MS, slots: 16, takeoverSilenceMs: 1_000, onWake });

/** One SRT caller that sends, on an engine of its own. */
export class SrtCaller {
  readonly #engine: CallerEngine;
  readonly #stats = new Float64Array(SRT_STATS_FIELDS.length);
  #socket: number | undefined;
  /** Why the last attempt to connect failed; 0 where nobody answered. */
  rejectReason = 0;
  #settle: ((event: SrtEvent) => void) | undefined;
  #ended: (() => void) | undefined;

  constructor(create: CallerEngineFactory) {
    this.#engine = create(() => this.#onWake());
  }

  get connected(): boolean {
    return this.#socket !== undefined && this.#settle === undefined;
  }

  /** @throws TributaryError TRIBUTARY_SRT_CONNECT_FAILED, with the reject code in words */
  async connect(options: Omit<SrtConnectOptions, 'reads'>): Promise<void> {
    const event = await new Promise<SrtEvent>((resolve, reject) => {
      try {
        this.#settle = resolve;
        this.#socket = this.#engine.connect({ ...options, reads: false });
      } catch (error) {
        this.#settle = undefined;
        reject(new TributaryError('TRIBUTARY_SRT_CONNECT_FAILED', messageOf(error), 'check the SRT settings', error));
      }
    });
    if (event.type !== 'connect-failed') return;
    this.#socket = undefined;
    this.rejectReason = event.rejectReason;
    throw new TributaryError(
      'TRIBUTARY_SRT_CONNECT_FAILED',
      `the SRT connection failed: ${rejectWords(event.rejectReason)}`,
      rejectMend(event.rejectReason),
    );
  }

  /** True: taken. False: the send buffer is full. Undefined: there is no connection (any more). */
  send(message: Uint8Array): boolean | undefined {
    if (!this.connected) return undefined;
    const taken = this.#engine.sendMessage(this.#socket!, message, 0);
    return taken === -2 ? undefined : taken >= 0;
  }

  /** Packets that the receiver has not acknowledged yet; 0 without a connection. */
  bufferedPackets(): number {
    if (this.#socket === undefined || !this.#engine.stats(this.#socket, this.#stats)) return 0;
    return this.#stats[SEND_BUFFER_FIELD]!;
  }

  /** Sends SHUTDOWN and resolves when the socket is gone. */
  close(): Promise<void> {
    const socket = this.#socket;
    if (socket === undefined) return Promise.resolve();
    return new Promise((resolve) => {
      this.#ended = resolve;
      this.#engine.close(socket);
    });
  }

  dispose(): void {
    this.#engine.dispose();
    this.#socket = undefined;
    this.#ended?.();
  }

  #onWake(): void {
    for (const event of this.#engine.takeEvents()) {
      if (!('socket' in event) || event.socket !== this.#socket) continue;
      if (event.type === 'connected' || event.type === 'connect-failed') {
        const settle = this.#settle;
        this.#settle = undefined;
        settle?.(event);
      } else if (event.type === 'broken') this.#engine.close(event.socket);
      else if (event.type === 'ended') {
        this.#socket = undefined;
        this.#ended?.();
        this.#ended = undefined;
      }
    }
    this.#engine.rearm();
  }
}
