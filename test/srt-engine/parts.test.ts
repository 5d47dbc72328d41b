import { describe, expect, it } from 'vitest';
import { SRT_SLOT_BYTES } from '../../src/shared/addon.ts';
import { enoughForPlayerMs, playerDelayMs, sharedSources, totalLatencyMs } from '../../src/shared/latency-budget.ts';
import { PacketStore } from '../../src/srt/packet-store.ts';
import { Batch } from '../../src/srt-engine/batch.ts';
import { InsideWay } from '../../src/srt-engine/inside-way.ts';
import { SlotQueue } from '../../src/srt-engine/slot-queue.ts';

const packet = (payload: number[]): Uint8Array => Uint8Array.of(...Array<number>(16).fill(9), ...payload);

describe('a batch', () => {
  const source = (store: PacketStore, socket: number, ...payloads: number[][]) => {
    const waiting = new SlotQueue();
    for (const [i, payload] of payloads.entries()) waiting.push(store.add(packet(payload), 10 + i));
    return { socket, waiting };
  };

  it('lays out runs by their source, and gives the store everything back with the next one', () => {
    const store = new PacketStore(256);
    const batch = new Batch(3, store);
    const [a, b] = [source(store, 5, [1], [2, 2]), source(store, 6, [3], [4])];
    batch.begin();
    batch.take(a);
    batch.take(b);
    expect([...batch.runs.subarray(0, 6)]).toEqual([5, 0, 2, 6, 2, 1]);
    expect([batch.runCount, batch.isFull, b.waiting.count]).toEqual([2, true, 1]);
    expect([...batch.lengths]).toEqual([1, 2, 1]);
    expect([...batch.sourceTimesUs]).toEqual([10_000, 11_000, 10_000]);
    expect([...batch.arena.subarray(SRT_SLOT_BYTES, SRT_SLOT_BYTES + 2)]).toEqual([2, 2]);
    expect([batch.sourceOf(1), batch.sourceOf(2)]).toEqual([5, 6]);
    batch.begin();
    batch.take(b);
    expect(store.usedCount).toBe(1);
    batch.begin();
    expect([store.usedCount, batch.runCount, batch.sourceOf(0)]).toEqual([0, 0, 0]);
  });

  it('takes what others have written into its place, once, and nothing that makes no sense', () => {
    const store = new PacketStore(256);
    const batch = new Batch(4, store);
    batch.arena.set([7, 7, 7], 2 * SRT_SLOT_BYTES);
    batch.lengths.set([0, 2_000, 3, -1]);
    batch.sourceTimesUs[2] = 5_000;
    expect([0, 1, 3].map((slot) => batch.storedAt(slot))).toEqual([-1, -1, -1]);
    const stored = batch.storedAt(2);
    expect(batch.storedAt(2)).toBe(stored);
    expect([...store.payloadOf(stored)]).toEqual([7, 7, 7]);
    expect(store.sourceMsOf(stored)).toBe(5);
    batch.begin();
    expect(store.usedCount).toBe(0);
  });
});

describe('a queue of slots', () => {
  it('keeps their order however it has turned and grown', () => {
    const queue = new SlotQueue();
    const out: number[] = [];
    let next = 0;
    for (let round = 0; round < 20; round++) {
      for (let i = 0; i < 50; i++) queue.push(next++);
      for (let i = 0; i < 30; i++) out.push(queue.shift());
    }
    while (queue.count > 0) out.push(queue.shift());
    expect(out).toEqual(Array.from({ length: 1_000 }, (_, i) => i));
  });
});

describe('the way without a socket', () => {
  it('hands packets in by session, and out in order once somebody takes them', () => {
    const got: number[] = [];
    const way = new InsideWay({
      receive: (bytes, peer) => {
        got.push(peer, bytes[0]!);
        way.put(peer, Uint8Array.of(bytes[0]! + 1));
      },
    });
    let announced = 0;
    way.onWaiting = () => announced++;
    way.receive(3, Uint8Array.of(1), 0);
    expect(got).toEqual([]);
    way.open(3);
    way.open(4);
    way.receive(3, Uint8Array.of(1), 0);
    way.receive(4, Uint8Array.of(5), 0);
    expect([got, announced]).toEqual([[-4, 1, -5, 5], 0]);
    way.announce();
    expect(announced).toBe(1);
    const taken: number[] = [];
    way.take((session, bytes) => taken.push(session, ...bytes));
    way.announce();
    expect([taken, announced]).toEqual([[3, 2, 4, 6], 1]);
    way.close(3);
    way.receive(3, Uint8Array.of(9), 0);
    expect(got).toHaveLength(4);
  });

  it('loses what it has no room for, and goes on', () => {
    const way = new InsideWay({ receive: () => {} });
    for (let i = 0; i < 1_000; i++) way.put(-2, Uint8Array.of(i & 255));
    let taken = 0;
    way.take(() => taken++);
    expect(taken).toBe(256);
    way.put(-2, Uint8Array.of(7));
    way.take((_, bytes) => expect([...bytes]).toEqual([7]));
  });
});

describe('the budget of latencies', () => {
  it('adds both, or is the longer one with a margin', () => {
    expect(totalLatencyMs(false, 2_000, 200)).toBe(2_200);
    expect(totalLatencyMs(true, 2_000, 200)).toBe(enoughForPlayerMs(2_000));
    expect(totalLatencyMs(true, 500, 4_000)).toBe(4_000);
    expect([playerDelayMs(2_000, 200), playerDelayMs(500, 4_000)]).toEqual([enoughForPlayerMs(2_000) - 200, 0]);
  });

  it('is shared where both sides are our own engine, and nowhere else', () => {
    const engine = { publish: 'libsrt', bond: 'direct', play: 'direct' } as const;
    expect(sharedSources('shared', engine)).toEqual({ srt: false, srtla: true, pull: false });
    expect(sharedSources('additive', engine)).toEqual({ srt: false, srtla: false, pull: false });
    expect(sharedSources('shared', { ...engine, play: 'libsrt' })).toEqual({ srt: false, srtla: false, pull: false });
  });
});
