import { SRT_STATS_FIELDS, type SrtStatsField } from '../../src/shared/addon.ts';
import { keyOf, messageNumber } from '../../src/srt/packet.ts';
import { PacketStore } from '../../src/srt/packet-store.ts';
import { type SenderOptions, SrtSender } from '../../src/srt/sender.ts';
import { destinationId, isRetransmission, sequenceNumber, timestampUs } from '../../src/srtla/srt-header.ts';
import { data, described, PLAYER } from './packets.ts';

const DEFAULTS: SenderOptions = {
  peerId: PLAYER,
  firstSequence: 1_000,
  startMs: 0,
  latencyMs: 200,
  flowWindowPackets: 8_192,
  bufferPackets: 1_024,
  dropsTooLate: true,
  peerRepeatsNaks: true,
};

interface Sent {
  readonly sequence: number;
  readonly again: boolean;
  readonly message: number;
  readonly key: number;
  readonly stampUs: number;
  readonly to: number;
  readonly slot: number;
}

/** A sender alone: what it sends and says is written down. */
export class SenderBench {
  readonly store = new PacketStore(16_384);
  readonly sender: SrtSender;
  sent: Sent[] = [];
  said: ReturnType<typeof described>[] = [];
  now = 0;
  #offered = 0;

  constructor(options: Partial<SenderOptions> = {}) {
    const out = {
      control: (packet: Uint8Array) => void this.said.push(described(packet)),
      data: (header: Uint8Array, slot: number) =>
        void this.sent.push({
          sequence: sequenceNumber(header),
          again: isRetransmission(header),
          message: messageNumber(header),
          key: keyOf(header),
          stampUs: timestampUs(header),
          to: destinationId(header),
          slot,
        }),
    };
    this.sender = new SrtSender({ ...DEFAULTS, ...options }, this.store, out, 0);
  }

  /** One packet of the stream, which the sender alone holds. Returns whether it was taken. */
  offer(sourceMs = this.now): boolean {
    const slot = this.store.add(data(this.#offered++), sourceMs);
    const taken = this.sender.offer(slot, this.now);
    this.store.release(slot);
    return taken;
  }

  control(packet: Uint8Array): boolean {
    return this.sender.control(packet, this.now);
  }

  /** Time passes, with a tick each 10 ms. */
  pass(ms: number): void {
    const end = this.now + ms;
    while (this.now + 10 <= end) {
      this.now += 10;
      this.sender.tick(this.now);
    }
    this.now = end;
  }

  take(): Sent[] {
    const { sent } = this;
    this.sent = [];
    return sent;
  }

  /** Sequence numbers since the last call of either. */
  takeNumbers(): number[] {
    return this.take().map(({ sequence }) => sequence);
  }

  takeSaid(kind?: string): ReturnType<typeof described>[] {
    const { said } = this;
    this.said = [];
    return kind === undefined ? said : said.filter((each) => each.kind === kind);
  }

  stat(field: SrtStatsField): number {
    const out = new Float64Array(SRT_STATS_FIELDS.length);
    this.sender.stats(out, this.now);
    return out[SRT_STATS_FIELDS.indexOf(field)]!;
  }
}
