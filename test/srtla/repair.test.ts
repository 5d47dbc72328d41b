import { describe, expect, it } from 'vitest';
import { NakWriter } from '../../src/srtla/repair/nak-packet.ts';
import { SequenceWindow, sequencePlus, WINDOW_PACKETS } from '../../src/srtla/repair/sequence-window.ts';
import {
  ack,
  ackAck,
  conclusion,
  conclusionAnswerWith,
  data,
  ENCODER,
  fromHex,
  induction,
  nak,
  rejection,
  SERVER,
  shutdown,
  toHex,
  withFields,
} from './packets.ts';
import { type Effect, receivers, toPeer, toServer, World } from './world.ts';

const FAST = 1;
const SLOW = 2;

/** Two links, a session that has begun with number 0, and a stream that has shown their delays: 30 and 80 ms. */
class Bond {
  readonly world: World;
  readonly session: number;
  readonly startMs: number;
  next = 0;

  constructor(settings: ConstructorParameters<typeof World>[0] = {}, peers = [FAST, SLOW]) {
    this.world = new World(settings);
    this.world.register(peers);
    this.session = this.world.connect(FAST);
    this.startMs = this.world.now;
  }

  /** A packet that was stamped so long after the start arrives now. */
  arrive(peer: number, sequence: number, sentMs: number, retransmitted = false): Effect[] {
    return this.world.receive(peer, data(sequence, { timestampUs: sentMs * 1_000, retransmitted }));
  }

  /** Packets every 10 ms, two by the fast link and one by the slow one, until both delays are known; all have arrived then. */
  warmUp(): void {
    const due: { atMs: number; peer: number; sequence: number; sentMs: number }[] = [];
    for (let i = 0; i < 60; i++) {
      const peer = i % 3 === 2 ? SLOW : FAST;
      due.push({ atMs: i * 10 + (peer === SLOW ? 80 : 30), peer, sequence: this.next++, sentMs: i * 10 });
    }
    due.sort((a, b) => a.atMs - b.atMs);
    for (const { atMs, peer, sequence, sentMs } of due) {
      this.until(atMs);
      this.arrive(peer, sequence, sentMs);
    }
    this.until(700);
    expect(this.world.counter('naksSent')).toBe(0);
  }

  until(ms: number): Effect[] {
    return this.world.advance(Math.max(0, this.startMs + ms - this.world.now));
  }
}

/** The numbers that loss reports name, with the link that each report took. */
const asked = (effects: readonly Effect[]): [number, number[]][] =>
  effects.flatMap((effect) => {
    if (effect.do !== 'link' || !effect.hex.startsWith('8003')) return [];
    const bytes = fromHex(effect.hex);
    const view = new DataView(bytes.buffer);
    const numbers: number[] = [];
    for (let at = 16; at < bytes.length; at += 4) {
      const word = view.getUint32(at);
      if (word < 0x80000000) numbers.push(word);
      else {
        const last = view.getUint32(at + 4);
        for (let n = word & 0x7fffffff; ; n = (n + 1) & 0x7fffffff) {
          numbers.push(n);
          if (n === last) break;
        }
        at += 4;
      }
    }
    return [[effect.peer, numbers] as [number, number[]]];
  });

describe('a missing packet', () => {
  it('is asked for once every link has delivered a later one, on the fastest link', () => {
    const bond = new Bond();
    bond.warmUp();
    // 60 is missing; the slow link has shown nothing later yet.
    expect(asked(bond.arrive(FAST, 61, 710))).toEqual([]);
    expect(asked(bond.arrive(FAST, 62, 720))).toEqual([]);
    const proof = bond.arrive(SLOW, 63, 660);
    expect(asked(proof)).toEqual([[FAST, [60]]]);
    expect(bond.world.counter('packetsLost')).toBe(1);
  });

  it('is not asked for when the slow link brings it', () => {
    const bond = new Bond();
    bond.warmUp();
    bond.arrive(FAST, 61, 710);
    const late = bond.arrive(SLOW, 60, 660);
    expect(toServer(late, bond.session)).toHaveLength(1);
    bond.arrive(SLOW, 62, 670);
    expect(asked(bond.until(1_500))).toEqual([]);
    expect(bond.world.counter('packetsLost')).toBe(0);
  });

  it('is asked for when a link that has gone silent would have brought it', () => {
    const bond = new Bond();
    bond.warmUp();
    bond.until(730);
    bond.arrive(FAST, 61, 700);
    // Stamped at 700 at the latest, 80 ms on the slow link, and a margin of 10 ms.
    expect(asked(bond.until(770))).toEqual([]);
    expect(asked(bond.until(800)).map(([, numbers]) => numbers)).toEqual([[60]]);
    const { links } = bond.world.core.snapshot(bond.world.now).groups[0]!;
    expect(links.map((link) => link.lostPackets)).toEqual([0, 1]);
  });

  it('is asked for with its neighbours in one report, as a range', () => {
    const bond = new Bond();
    bond.warmUp();
    bond.arrive(FAST, 64, 740);
    const proof = bond.arrive(SLOW, 65, 690);
    expect(asked(proof)).toEqual([[FAST, [60, 61, 62, 63]]]);
    expect(toPeer(proof, FAST)[0]).toMatch(/^8003.{28}8000003c0000003f$/);
    expect(toPeer(proof, FAST)[0]!.slice(24, 32)).toBe('11223344');
  });

  it('may be the first of the session', () => {
    const bond = new Bond({}, [FAST]);
    bond.world.advance(20);
    expect(asked(bond.arrive(FAST, 2, 20))).toEqual([[FAST, [0, 1]]]);
  });

  it('is asked for across the wrap of sequence numbers', () => {
    const bond = new Bond({}, [FAST]);
    const base = 0x7ffffffd;
    // So many strays in a row, and the session goes on there.
    for (let i = 40; i > 0; i--) bond.arrive(FAST, base - i, 0);
    expect(asked(bond.arrive(FAST, 2, 10))).toEqual([
      [FAST, [base, base + 1, base + 2, 0, 1].map((n) => n & 0x7fffffff)],
    ]);
    expect(bond.world.counter('lossRestarts')).toBe(1);
  });
});

describe('an encoder that tries again with the same socket id', () => {
  /** The first try is refused or not answered; the second begins to count and to stamp anew, 8 s later. */
  const secondTry = (refused: boolean): { world: World; session: number } => {
    const world = new World();
    world.register([FAST]);
    const opened = world.receive(FAST, induction()).find((effect) => effect.do === 'open');
    if (opened?.do !== 'open') throw new Error('no session was opened');
    const { session } = opened;
    world.receive(FAST, withFields(conclusion(ENCODER, 'live_x'), { timestampUs: 700_000, sequence: 5_000 }));
    if (refused) world.server(session, rejection(2404));
    world.advanceAlive(8_000, FAST);
    expect(toServer(world.receive(FAST, induction()), session)).toHaveLength(1);
    const again = withFields(conclusion(ENCODER, 'live_x'), { timestampUs: 10_000, sequence: 900 });
    expect(toServer(world.receive(FAST, again), session)).toHaveLength(1);
    world.server(session, conclusionAnswerWith(2_000));
    return { world, session };
  };

  it.each([true, false])('is asked for what it loses (first try refused: %s)', (refused) => {
    const { world, session } = secondTry(refused);
    world.advance(50);
    expect(toServer(world.receive(FAST, data(900, { timestampUs: 60_000 })), session)).toHaveLength(1);
    world.advance(20);
    expect(asked(world.receive(FAST, data(902, { timestampUs: 80_000 })))).toEqual([[FAST, [901]]]);
    expect(world.counter('packetsUnrepaired')).toBe(0);
    expect(world.counter('lossRestarts')).toBe(0);
  });
});

describe('a link that mixes its packets up', () => {
  it('is waited for as long as it has been seen to be out of order', () => {
    const bond = new Bond({}, [FAST]);
    let at = 0;
    for (let n = 0; n < 20; n++) {
      at += 10;
      bond.until(at);
      bond.arrive(FAST, n, at - 30);
    }
    // 20 comes 20 ms behind 21.
    bond.until(210);
    expect(asked(bond.arrive(FAST, 21, 190)).map(([, numbers]) => numbers)).toEqual([[20]]);
    bond.until(230);
    bond.arrive(FAST, 20, 180);
    expect(bond.world.counter('packetsFalselyLost')).toBe(1);
    // Totals do not fall: what was too much is counted by itself.
    const [link] = bond.world.core.snapshot(bond.world.now).groups[0]!.links;
    expect(link).toMatchObject({ lostPackets: 1, falselyLostPackets: 1 });
    // From now on the proof is 20 ms old before it counts.
    bond.arrive(FAST, 23, 200);
    expect(asked(bond.until(240))).toEqual([]);
    expect(asked(bond.until(260)).map(([, numbers]) => numbers)).toEqual([[22]]);
  });
});

describe('a repeated question', () => {
  const lostOne = (): Bond => {
    const bond = new Bond();
    bond.warmUp();
    bond.arrive(FAST, 61, 670);
    bond.arrive(SLOW, 62, 620);
    return bond;
  };

  it('waits while the answer may be on its way, and goes on the next link', () => {
    const bond = lostOne();
    // The encoder reads the question 100 ms (first guess) and 15 later: what it stamps from then on is proof.
    bond.until(760);
    bond.arrive(FAST, 63, 730);
    bond.arrive(SLOW, 64, 680);
    expect(asked(bond.until(800))).toEqual([]);
    bond.until(830);
    bond.arrive(FAST, 65, 800);
    bond.until(870);
    bond.arrive(SLOW, 66, 790);
    expect(asked(bond.until(880))).toEqual([[SLOW, [60]]]);
  });

  it('is not sent once the retransmission is here, which is no duplicate', () => {
    const bond = lostOne();
    bond.until(760);
    expect(toServer(bond.arrive(SLOW, 60, 640, true), bond.session)).toHaveLength(1);
    expect(asked(bond.until(3_000))).toEqual([]);
    expect(bond.world.counter('packetsRepaired')).toBe(1);
    bond.world.server(bond.session, ack(ENCODER, 63));
    expect(toServer(bond.arrive(FAST, 60, 640, true), bond.session)).toEqual([]);
    expect(bond.world.counter('duplicatesDropped')).toBe(1);
  });

  it('is not sent for what the encoder has dropped', () => {
    const bond = lostOne();
    const drop = `800700000000000100000000${SERVER.toString(16)}0000003c0000003c`;
    expect(toServer(bond.world.receive(FAST, fromHex(drop)), bond.session)).toEqual([drop]);
    expect(asked(bond.until(3_000))).toEqual([]);
    expect(bond.world.counter('packetsUnrepaired')).toBe(1);
  });

  it('ends when the packet cannot be played any more', () => {
    const bond = lostOne();
    let last = 0;
    for (let t = 800; t < 14_000; t += 100) {
      bond.until(t);
      bond.arrive(FAST, (t - 700) * 1 + 100, t - 30);
      if (asked(bond.world.effects).length > 0) last = t;
    }
    expect(bond.world.counter('packetsUnrepaired')).toBeGreaterThan(0);
    expect(last).toBeLessThan(14_000);
  });
});

describe('what the server lacks', () => {
  it('and has been handed is handed over again, and asked for by nobody', () => {
    const bond = new Bond();
    bond.warmUp();
    const again = bond.world.server(bond.session, nak(ENCODER, 0x80000000 + 10, 12));
    expect(receivers(again)).toEqual([]);
    expect(toServer(again, bond.session)).toEqual([10, 11, 12].map((n) => toHex(data(n, { timestampUs: n * 10_000 }))));
    expect(bond.world.counter('hopLosses')).toBe(3);
    expect(bond.world.counter('hopResent')).toBe(3);
  });

  it('but has only just been handed is left to cross', () => {
    const bond = new Bond();
    bond.warmUp();
    bond.arrive(FAST, 60, 670);
    expect(bond.world.server(bond.session, nak(ENCODER, 60))).toEqual([]);
    expect(bond.world.counter('hopLosses')).toBe(0);
  });

  it('and has not come yet is our own concern', () => {
    const bond = new Bond();
    bond.warmUp();
    bond.arrive(FAST, 61, 670);
    expect(bond.world.server(bond.session, nak(ENCODER, 60))).toEqual([]);
    expect(bond.world.counter('naksFiltered')).toBe(1);
  });

  it('and is not at hand any more is asked for, and taken when it comes again', () => {
    const bond = new Bond({}, [FAST]);
    for (let n = 0; n < 9_000; n++) bond.arrive(FAST, n, 0);
    const effects = bond.world.server(bond.session, nak(ENCODER, 20));
    expect(asked(effects)).toEqual([[FAST, [20]]]);
    expect(toServer(bond.arrive(FAST, 20, 0, true), bond.session)).toHaveLength(1);
  });

  it('never ends in a loop over ranges that no server would report', () => {
    const bond = new Bond();
    bond.warmUp();
    for (const words of [[0x80000000, 0x7fffffff], [0x8000003c], [0xffffffff, 0], [0xffffffff, 0xffffffff]])
      expect(receivers(bond.world.server(bond.session, nak(ENCODER, ...words)))).toEqual([]);
  });
});

describe('a retransmission that nobody asked for', () => {
  it('goes on while the server has not acknowledged its number: it may have been lost on the way there', () => {
    const bond = new Bond();
    bond.warmUp();
    bond.world.server(bond.session, ack(ENCODER, 59));
    expect(toServer(bond.arrive(FAST, 58, 580, true), bond.session)).toEqual([]);
    expect(toServer(bond.arrive(FAST, 59, 590, true), bond.session)).toHaveLength(1);
    // It is on its way.
    expect(toServer(bond.arrive(SLOW, 59, 590, true), bond.session)).toEqual([]);
  });
});

describe('a packet filter', () => {
  const control = (sequence: number): Uint8Array => {
    const bytes = data(sequence, { timestampUs: 700_000 });
    new DataView(bytes.buffer).setUint32(4, 0xe0000000);
    return bytes;
  };

  it('passes beside the data whose numbers it carries, and hides no loss', () => {
    const bond = new Bond();
    bond.warmUp();
    expect(toServer(bond.world.receive(FAST, control(59)), bond.session)).toHaveLength(1);
    expect(toServer(bond.world.receive(FAST, control(60)), bond.session)).toHaveLength(1);
    bond.arrive(FAST, 61, 670);
    expect(asked(bond.arrive(SLOW, 62, 620))).toEqual([[FAST, [60]]]);
    expect(toServer(bond.arrive(FAST, 60, 640, true), bond.session)).toHaveLength(1);
  });
});

describe('an encoder that means harm', () => {
  it('opens no more gaps than a stream may have', () => {
    const bond = new Bond({ maxGroupPacketsPerSecond: 1e9, maxGroupKbps: 1e9 }, [FAST]);
    let sequence = 0;
    let most = 0;
    for (let i = 0; i < 2_000; i++) {
      sequence += 4_000;
      const started = performance.now();
      bond.arrive(FAST, sequence & 0x7fffffff, i);
      most += performance.now() - started;
    }
    expect(bond.world.counter('packetsLost')).toBeLessThanOrEqual(8_192);
    expect(most / 2_000).toBeLessThan(1);
  });

  it('is not believed when its stamps run ahead of time', () => {
    const bond = new Bond();
    bond.warmUp();
    bond.arrive(FAST, 61, 1_800_000);
    bond.arrive(SLOW, 62, 1_800_000);
    let reports = 0;
    for (let t = 710; t < 16_000; t += 10) {
      bond.until(t);
      reports += asked(bond.world.effects).length;
    }
    // 10 s of latency, 2 s of disbelief, then 60 is given up.
    expect(bond.world.counter('packetsUnrepaired')).toBe(1);
    expect(reports).toBeLessThan(100);
  });
});

it('numbers are remembered after more of them than a half circle has', () => {
  const window = new SequenceWindow(5);
  let sequence = 5;
  for (let passed = 0; passed < 2 ** 30 + 100_000; passed += 16_000) {
    sequence = sequencePlus(sequence, 16_000);
    window.advance(sequence);
  }
  expect(window.has(sequence)).toBe(true);
  expect(window.has(sequencePlus(sequence, -WINDOW_PACKETS + 1))).toBe(true);
  expect(window.has(sequencePlus(sequence, -WINDOW_PACKETS))).toBe(false);
  expect(window.oldest).toBe(sequencePlus(sequence, -WINDOW_PACKETS + 1));
});

describe('a link that lives by keepalives alone', () => {
  it('does not slow the others down as clocks drift apart', () => {
    const IDLE = 3;
    const bond = new Bond({}, [FAST, SLOW, IDLE]);
    const drift = 1 + 100e-6;
    let sequence = 0;
    const delays = new Map([
      [FAST, 30],
      [SLOW, 60],
      [IDLE, 90],
    ]);
    const flow = (fromMs: number, toMs: number, peers: readonly number[], drop = -1): Effect[] => {
      const due: { atMs: number; peer: number; sequence: number; sentMs: number }[] = [];
      for (let t = fromMs, i = 0; t < toMs; t += 20, i++) {
        const peer = peers[i % peers.length]!;
        due.push({ atMs: t + delays.get(peer)!, peer, sequence: sequence++, sentMs: t * drift });
      }
      due.sort((a, b) => a.atMs - b.atMs);
      const seen: Effect[] = [];
      for (const [i, { atMs, peer, sequence: number, sentMs }] of due.entries()) {
        seen.push(...bond.until(atMs));
        if (i % 50 === 0) bond.world.receive(IDLE, fromHex('9000'));
        if (number !== drop) seen.push(...bond.arrive(peer, number, sentMs));
      }
      return seen;
    };
    flow(0, 5_000, [FAST, SLOW, IDLE]);
    // Half an hour: at 100 ppm the clocks are 180 ms apart, which is more than the links are.
    for (let t = 5_000; t < 1_800_000; t += 60_000) flow(t, Math.min(t + 60_000, 1_800_000), [FAST, SLOW]);
    const lost = sequence + 20;
    const seen = flow(1_800_000, 1_801_000, [FAST, SLOW], lost);
    const report = seen.find((effect) => asked([effect]).some(([, numbers]) => numbers.includes(lost)));
    const due = bond.startMs + 1_800_000 + 20 * 20 + 60;
    expect(report).toBeDefined();
    expect(report!.do === 'link' ? report!.atMs - due : Number.NaN).toBeLessThan(120);
    expect(bond.world.counter('packetsFalselyLost')).toBe(0);
  }, 60_000);
});

describe('ACKs and their answers', () => {
  const numbered = (packet: Uint8Array, number: number): Uint8Array => {
    new DataView(packet.buffer).setUint32(4, number);
    return packet;
  };

  it('every ACK goes to the best link, to the other one only one in 20 ms', () => {
    const bond = new Bond();
    bond.warmUp();
    const links: number[] = [];
    for (let i = 0; i < 10; i++) {
      for (const peer of [FAST, SLOW]) bond.world.receive(peer, fromHex('9000'));
      links.push(...receivers(bond.world.server(bond.session, numbered(ack(ENCODER, 60), 100 + i))));
      bond.world.advance(10);
    }
    expect(links.filter((peer) => peer === FAST)).toHaveLength(10);
    expect(links.filter((peer) => peer === SLOW)).toHaveLength(5);
  });

  it('only the first answer to an ACK goes on', () => {
    const bond = new Bond();
    bond.world.server(bond.session, numbered(ack(ENCODER, 1), 7));
    bond.world.advance(60);
    expect(toServer(bond.world.receive(FAST, numbered(ackAck(SERVER), 7)), bond.session)).toHaveLength(1);
    expect(toServer(bond.world.receive(SLOW, numbered(ackAck(SERVER), 7)), bond.session)).toEqual([]);
    expect(bond.world.counter('ackAcksRepeated')).toBe(1);
    const { links } = bond.world.core.snapshot(bond.world.now).groups[0]!;
    expect(links[0]!.roundTrip).toEqual({ ms: 60, source: 'srt' });
    expect(links[1]!.roundTrip).toBeUndefined();
  });

  it('an answer by a slow link gives the server no round trip, unless it has had none for a second', () => {
    const bond = new Bond();
    const answer = (number: number, afterMs: number): number => {
      bond.world.server(bond.session, numbered(ack(ENCODER, 1), number));
      bond.world.advance(afterMs);
      return toServer(bond.world.receive(SLOW, numbered(ackAck(SERVER), number)), bond.session).length;
    };
    expect(answer(1, 50)).toBe(1);
    expect(answer(2, 250)).toBe(0);
    expect(answer(3, 60)).toBe(1);
    bond.world.advance(1_000);
    expect(answer(4, 250)).toBe(1);
  });
});

it('a packet that comes twice goes to the server once', () => {
  const bond = new Bond();
  expect(toServer(bond.arrive(FAST, 0, 0), bond.session)).toHaveLength(1);
  expect(toServer(bond.arrive(SLOW, 0, 0), bond.session)).toEqual([]);
  const { losses, links } = bond.world.core.snapshot(bond.world.now).groups[0]!;
  expect(losses.duplicates).toBe(1);
  expect(links.map((link) => [link.uniquePackets, link.duplicatePackets])).toEqual([
    [1, 0],
    [0, 1],
  ]);
});

it('nothing is asked for once the session is over', () => {
  const bond = new Bond();
  bond.warmUp();
  bond.arrive(FAST, 61, 670);
  bond.world.receive(FAST, shutdown(SERVER));
  bond.until(2_000);
  expect(asked(bond.until(5_000))).toEqual([]);
});

describe('loss reports', () => {
  it('hold what libsrt would put into one, and no more', () => {
    const writer = new NakWriter();
    writer.begin(5, ENCODER);
    let added = 0;
    while (!writer.isFull) writer.add(2 * added++);
    const packet = writer.end()!;
    expect(packet.length).toBeLessThanOrEqual(1_472);
    expect((packet.length - 16) / 4).toBe(added);
    writer.begin(6, ENCODER);
    expect(writer.end()).toBeUndefined();
  });
});
