import { PacketStore } from '../../src/srt/packet-store.ts';
import { SrtReceiver } from '../../src/srt/receiver.ts';
import { SrtSender } from '../../src/srt/sender.ts';
import { sequencePlus } from '../../src/srt/sequence.ts';
import { readU32, writeU32 } from '../../src/srtla/bytes.ts';
import { SRT_TYPE } from '../../src/srtla/constants.ts';
import { control, data } from './packets.ts';

const PACKETS_PER_TICK = 6;
const TICK_MS = 10.3;
const FLIGHT = 40;

/**
 * A receiver and the senders of some players under steady load, without a network: packets come as they would from the wire, one in a
 * hundred is missing and repaired after a few ticks; players acknowledge and miss packets alike. What is asked of the engine is written
 * into packets that exist already, so that what is allocated is the engine's own.
 */
export class Load {
  readonly store = new PacketStore(16_384);
  readonly receiver: SrtReceiver;
  readonly senders: SrtSender[];
  sent = 0;
  delivered = 0;
  said = 0;
  #sequence = 0;
  #ackNumber = 0;
  #tick = 0;
  /** Datagrams that went in. */
  datagrams = 0;
  now = 0;
  readonly #packet: Uint8Array;
  readonly #missing: number[] = [];
  readonly #ack = control(SRT_TYPE.ack, 1, 0, 30_000, 2_000, 8_192, 0, 0, 0);
  readonly #nak = control(SRT_TYPE.nak, 0, 0);
  readonly #ackAck = control(SRT_TYPE.ackAck, 1);

  constructor(players: number, firstSequence = 0) {
    const { store } = this;
    this.#sequence = firstSequence;
    this.#packet = data(0, { payload: new Uint8Array(1_316).fill(0x47) });
    this.receiver = new SrtReceiver(
      {
        peerId: 1,
        firstSequence,
        conclusionStampUs: 0,
        conclusionMs: 0,
        startMs: 0,
        latencyMs: 200,
        hasPlayTimes: true,
        releaseAtArrival: true,
        lossReports: 'own',
        mostReorderPackets: 32,
        windowPackets: 8_192,
      },
      store,
      {
        control: (packet) => {
          this.said += 1;
          if (packet[1] === 2 && packet.length > 20) this.#ackNumber = readU32(packet, 4);
        },
        deliver: (slot) => {
          this.delivered += 1;
          for (let i = 0; i < this.senders.length; i++) this.senders[i]!.offer(slot, this.now);
          store.release(slot);
        },
      },
      0,
    );
    const out = {
      control: () => {
        this.said += 1;
      },
      data: () => {
        this.sent += 1;
      },
    };
    this.senders = Array.from(
      { length: players },
      (_, i) =>
        new SrtSender(
          {
            peerId: 10 + i,
            firstSequence: 0,
            startMs: 0,
            latencyMs: 500,
            flowWindowPackets: 8_192,
            bufferPackets: 8_192,
            dropsTooLate: true,
            peerRepeatsNaks: true,
          },
          store,
          out,
          0,
        ),
    );
  }

  /** So many datagrams go in. */
  run(datagrams: number): void {
    const end = this.datagrams + datagrams;
    while (this.datagrams < end) this.#step();
  }

  #step(): void {
    const packet = this.#packet;
    for (let i = 0; i < PACKETS_PER_TICK; i++) {
      const sequence = this.#sequence;
      this.#sequence = sequencePlus(sequence, 1);
      if (sequence % 100 === 7) {
        this.#missing[0] = sequence;
        continue;
      }
      this.#data(sequence, false);
    }
    if (this.#tick % 20 === 10 && this.#missing.length > 0) this.#data(this.#missing[0]!, true);
    this.now += TICK_MS;
    this.receiver.tick(this.now);
    writeU32(this.#ackAck, 4, this.#ackNumber);
    writeU32(this.#ackAck, 8, this.now * 1_000);
    this.receiver.control(this.#ackAck, this.now);
    this.datagrams += 1;
    this.#players();
    this.#tick += 1;
    packet[4] = 0xe0;
  }

  #data(sequence: number, again: boolean): void {
    const packet = this.#packet;
    writeU32(packet, 0, sequence);
    packet[4] = again ? 0xe4 : 0xe0;
    writeU32(packet, 8, this.now * 1_000);
    this.receiver.data(packet, this.now);
    this.datagrams += 1;
  }

  #players(): void {
    for (let i = 0; i < this.senders.length; i++) {
      const sender = this.senders[i]!;
      sender.tick(this.now);
      writeU32(this.#ack, 4, 1 + this.#tick);
      writeU32(this.#ack, 16, Math.max(0, this.delivered - FLIGHT));
      sender.control(this.#ack, this.now);
      this.datagrams += 1;
      if ((this.#tick + i) % 16 !== 0) continue;
      writeU32(this.#nak, 16, Math.max(0, this.delivered - FLIGHT / 2));
      sender.control(this.#nak, this.now);
      this.datagrams += 1;
    }
  }
}
