import { BEL, type Profile } from '../../src/sender/profile.ts';
import { createSenderCore } from '../../src/sender/sender-core.ts';
import type { LinkId, SenderEvent, SenderOutbox } from '../../src/sender/sender-types.ts';
import { TYPE } from '../../src/sender/wire.ts';

export const hex = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text.replaceAll(' ', ''), 'hex'));

/** The id that the harness's sender draws: 00 01 … FF. */
export const SENDER_ID = Uint8Array.from({ length: 256 }, (_, i) => i);

export const u32 = (...words: number[]): number[] =>
  words.flatMap((word) => [word >>> 24, (word >>> 16) & 255, (word >>> 8) & 255, word & 255]);

export const packets = {
  reg2: (receiverByte: number): Uint8Array =>
    Uint8Array.from([0x92, 0x01, ...SENDER_ID.subarray(0, 128), ...Array<number>(128).fill(receiverByte)]),
  reg3: hex(`9202${'00'.repeat(30)}`),
  ngp: hex('9211'),
  regErr: hex('9210'),
  keepalive: hex('9000'),
  data: (sequence: number, retransmitted = false): Uint8Array => {
    const bytes = new Uint8Array(1332);
    bytes.set(u32(sequence, retransmitted ? 0xe4000001 : 0xe0000001, 5000, 0x11223344));
    return bytes;
  },
  srtlaAck: (...sequences: number[]): Uint8Array => Uint8Array.from(u32(0x91000000, ...sequences)),
  srtAck: (nextExpected: number): Uint8Array => Uint8Array.from(u32(0x80020000, 0, 5000, 0x55667788, nextExpected)),
  /** Words as on the wire: a range is its start with the top bit, then its end. */
  srtNak: (...words: number[]): Uint8Array => Uint8Array.from(u32(0x80030000, 0, 5000, 0x55667788, ...words)),
  shutdown: hex('8005000000000000000013885566778800000000'),
  handshake: hex(
    '8000000000000000000000000000000000000004000000020000 03e8000005dc00002000 00000001 1122334400000000 0100007f000000000000000000000000',
  ),
};

export const range = (first: number, last: number): number[] => [(first | 0x80000000) >>> 0, last];

const NAMES: Readonly<Record<number, string>> = {
  [TYPE.keepalive]: 'keepalive',
  [TYPE.reg1]: 'REG1',
  [TYPE.reg2]: 'REG2',
};

/** A sender core with a clock of its own; what it does is kept until `take`. */
export class SenderHarness {
  readonly core;
  now = 1_000;
  sent: { link: LinkId; bytes: Uint8Array }[] = [];
  toEncoder: Uint8Array[] = [];
  events: SenderEvent[] = [];
  renewed: LinkId[] = [];
  readonly #out: SenderOutbox = {
    sendOnLink: (link, bytes) => this.sent.push({ link, bytes }),
    sendToEncoder: (bytes) => this.toEncoder.push(bytes),
    renewSocket: (link) => this.renewed.push(link),
    event: (event) => this.events.push(event),
  };

  constructor(links: readonly LinkId[], profile: Profile = BEL) {
    this.core = createSenderCore(profile, links, () => SENDER_ID, this.now);
  }

  /** Time passes in steps of 100 ms, as in the shell. */
  pass(ms: number): void {
    for (const end = this.now + ms; this.now < end; ) {
      this.now += 100;
      this.core.tick(this.now, this.#out);
    }
  }

  tick(): void {
    this.core.tick(this.now, this.#out);
  }

  hear(link: LinkId, bytes: Uint8Array): void {
    this.core.fromLink(link, bytes, this.now, this.#out);
  }

  encode(bytes: Uint8Array): void {
    this.core.fromEncoder(bytes, this.now, this.#out);
  }

  fail(link: LinkId): void {
    this.core.sendFailed(link, this.now, this.#out);
  }

  remove(link: LinkId): void {
    this.core.removeLink(link, this.#out);
  }

  /** What went out since the last call, as `link:NAME` or `link:data`. */
  take(): string[] {
    const sent = this.sent;
    this.sent = [];
    return sent.map(({ link, bytes }) => `${link}:${NAMES[(bytes[0]! << 8) | bytes[1]!] ?? 'srt'}`);
  }

  takeEvents(): string[] {
    const events = this.events;
    this.events = [];
    return events.map((event) =>
      [event.type, ...('link' in event ? [event.link] : []), ...('why' in event ? [event.why] : [])].join(' '),
    );
  }

  link(id: LinkId) {
    return this.core.snapshot(this.now).links.find((link) => link.id === id)!;
  }

  /** All given links registered and up. */
  static registered(links: readonly LinkId[], profile: Profile = BEL): SenderHarness {
    const harness = new SenderHarness(links, profile);
    harness.pass(100);
    for (const link of links) harness.hear(link, packets.ngp);
    harness.pass(profile.houseKeepingMs);
    harness.hear(links[0]!, packets.reg2(0xaa));
    harness.pass(profile.houseKeepingMs);
    for (const link of links) harness.hear(link, packets.reg3);
    harness.take();
    harness.takeEvents();
    return harness;
  }
}
