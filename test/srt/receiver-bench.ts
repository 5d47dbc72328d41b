import { SRT_STATS_FIELDS, type SrtStatsField } from '../../src/shared/addon.ts';
import { PacketStore } from '../../src/srt/packet-store.ts';
import { type ReceiverOptions, SrtReceiver } from '../../src/srt/receiver.ts';
import { readU32 } from '../../src/srtla/bytes.ts';
import { described, PUBLISHER } from './packets.ts';

const DEFAULTS: ReceiverOptions = {
  peerId: PUBLISHER,
  firstSequence: 1_000,
  conclusionStampUs: 0,
  conclusionMs: 0,
  startMs: 0,
  latencyMs: 200,
  hasPlayTimes: true,
  releaseAtArrival: false,
  lossReports: 'own',
  mostReorderPackets: 0,
  windowPackets: 1_024,
};

/** A receiver alone: what it says and hands on is written down. */
export class ReceiverBench {
  readonly store = new PacketStore(16_384);
  readonly receiver: SrtReceiver;
  /** Payloads' first words. */
  readonly delivered: { number: number; sourceMs: number; bytes: number; atMs: number }[] = [];
  said: ReturnType<typeof described>[] = [];
  now = 0;

  constructor(options: Partial<ReceiverOptions> = {}) {
    const out = {
      control: (packet: Uint8Array) => void this.said.push(described(packet)),
      deliver: (slot: number) => {
        const { store, now } = this;
        const number = readU32(store.bytesOf(slot), store.offsetOf(slot) + 16);
        this.delivered.push({ number, sourceMs: store.sourceMsOf(slot), bytes: store.lengthOf(slot), atMs: now });
        store.release(slot);
      },
    };
    this.receiver = new SrtReceiver({ ...DEFAULTS, ...options }, this.store, out, 0);
  }

  data(...packets: Uint8Array[]): void {
    for (const packet of packets) this.receiver.data(packet, this.now);
  }

  control(packet: Uint8Array): boolean {
    return this.receiver.control(packet, this.now);
  }

  /** Time passes, with a tick each 10 ms. */
  pass(ms: number): void {
    const end = this.now + ms;
    while (this.now + 10 <= end) {
      this.now += 10;
      this.receiver.tick(this.now);
    }
    this.now = end;
  }

  /** What was said since the last call, of one kind. */
  take(kind?: string): ReturnType<typeof described>[] {
    const { said } = this;
    this.said = [];
    return kind === undefined ? said : said.filter((each) => each.kind === kind);
  }

  get numbers(): number[] {
    return this.delivered.map(({ number }) => number);
  }

  stat(field: SrtStatsField): number {
    const out = new Float64Array(SRT_STATS_FIELDS.length);
    this.receiver.stats(out, this.now);
    return out[SRT_STATS_FIELDS.indexOf(field)]!;
  }
}
