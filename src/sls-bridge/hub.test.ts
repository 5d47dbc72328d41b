import { beforeEach, describe, expect, it } from 'vitest';
import { FakeSrtEngine } from '../../test/support/fake-srt-engine.ts';
import { message, pat, pmt, video } from '../../test/support/ts-writer.ts';
import { Hub } from './hub.ts';
import { Player, Publisher } from './sessions.ts';

const text = (value: string): Uint8Array => new TextEncoder().encode(value);
const common = { address: '127.0.0.1', port: 1, latencyMs: 200, encrypted: false, sinceMs: 0 };

let engine: FakeSrtEngine;
let hub: Hub;
let now: number;

const publish = (socket: number, publisherId = 'live_a'): Publisher => {
  const publisher = new Publisher({ ...common, socket, publisherId, source: 'srt' });
  hub.addPublisher(publisher);
  return publisher;
};
const play = (socket: number, playerId = 'play_a', publisherId = 'live_a'): Player => {
  const player = new Player({ ...common, socket, playerId, publisherId });
  hub.addPlayer(player);
  return player;
};
const arrive = (socket: number, ...messages: (string | Uint8Array)[]): void => {
  engine.arrive(socket, ...messages.map((one) => (typeof one === 'string' ? text(one) : one)));
  const runs = engine.receive();
  for (let i = 0; i < runs * 3; i += 3) hub.deliver(engine.runs[i]!, engine.runs[i + 1]!, engine.runs[i + 2]!, now);
};

beforeEach(() => {
  engine = new FakeSrtEngine();
  hub = new Hub(engine);
  now = 0;
});

describe('Hub', () => {
  it('gives every player each message once, in order, from the first on', () => {
    play(10);
    publish(1);
    arrive(1, 'a', 'b');
    play(11);
    arrive(1, 'c');
    expect(engine.texts(10)).toEqual(['a', 'b', 'c']);
    expect(engine.texts(11)).toEqual(['c']);
  });

  it('keeps streams apart', () => {
    publish(1, 'live_a');
    publish(2, 'live_b');
    play(10, 'play_a', 'live_a');
    play(20, 'play_b', 'live_b');
    arrive(1, 'a');
    arrive(2, 'b');
    expect([engine.texts(10), engine.texts(20)]).toEqual([['a'], ['b']]);
  });

  it('plays the tail of the old publisher until the first message of the new one is due, then only the new one', () => {
    play(10);
    publish(1);
    arrive(1, 'old 1');
    publish(2);
    arrive(1, 'old 2');
    expect(engine.closed).toEqual([]);
    arrive(2, 'new 1');
    arrive(1, 'old 3');
    expect(engine.closed).toEqual([1]);
    hub.remove(1, now);
    arrive(2, 'new 2');
    expect(engine.texts(10)).toEqual(['old 1', 'old 2', 'new 1', 'new 2']);
  });

  it('lets players wait between publishers and go on from a clean point', () => {
    const player = play(10);
    publish(1);
    arrive(1, message(pat(), pmt(), video(1, true)));
    hub.remove(1, now);
    expect(player.state).toBe('waiting');
    publish(2);
    const tables = message(pat(), pmt());
    const key = message(video(8, true));
    arrive(2, message(video(7)), tables);
    expect(player.state).toBe('joining');
    arrive(2, key, message(video(9)));
    expect(player.state).toBe('playing');
    expect(engine.sent.get(10)!.slice(1)).toEqual([tables, key, message(video(9))]);
  });

  it('lets one player join without disturbing another', () => {
    play(10);
    publish(1);
    const start = message(pat(), pmt(), video(1, true));
    arrive(1, start);
    play(11);
    const middle = message(video(2));
    const tables = message(pat(), pmt(), video(3, true));
    const last = message(video(4));
    arrive(1, middle, tables, last);
    expect(engine.sent.get(10)).toEqual([start, middle, tables, last]);
    expect(engine.sent.get(11)).toEqual([tables, last]);
  });

  it('counts what a slow player would not take, and spares the others', () => {
    const slow = play(10);
    const quick = play(11);
    publish(1);
    arrive(1, 'a');
    engine.full.add(10);
    arrive(1, 'b', 'c');
    expect([slow.droppedMessages, quick.droppedMessages]).toEqual([2, 0]);
    expect(engine.texts(11)).toEqual(['a', 'b', 'c']);
  });

  it('gives a player whose buffer is full nothing more until it may go on, and then from a clean point', () => {
    const slow = play(10);
    publish(1);
    const tables = message(pat(), pmt());
    arrive(1, message(pat(), pmt(), video(1, true)));
    engine.full.add(10);
    arrive(1, message(video(2)));
    expect([slow.state, slow.isHeld]).toEqual(['joining', true]);
    engine.full.delete(10);
    // There is room again, but what it would get could not be decoded.
    arrive(1, tables, message(video(3, true)));
    expect(engine.sent.get(10)).toHaveLength(1);
    expect(slow.droppedMessages).toBe(3);
    slow.isProbed = true;
    arrive(1, message(video(8)), message(video(9)));
    expect(engine.sent.get(10)!.slice(1)).toEqual([message(video(9))]);
    expect([slow.isProbed, slow.droppedMessages]).toEqual([false, 4]);
    hub.resume(slow);
    arrive(1, message(video(4)), tables, message(video(5, true)), message(video(6)));
    expect(engine.sent.get(10)!.slice(2)).toEqual([tables, message(video(5, true)), message(video(6))]);
    expect([slow.state, slow.droppedMessages, slow.sentMessages]).toEqual(['playing', 4, 5]);
  });

  it('keeps a held player through a change of publishers', () => {
    const slow = play(10);
    publish(1);
    arrive(1, 'a');
    hub.hold(slow);
    hub.remove(1, now);
    expect(slow.state).toBe('waiting');
    publish(2);
    arrive(2, 'b');
    hub.resume(slow);
    arrive(2, 'c');
    expect(engine.texts(10)).toEqual(['a', 'c']);
  });

  it('gives a player that joins the last key frame, where that is wanted', () => {
    hub = new Hub(engine, { maxBytes: 100_000, maxMs: 10_000 });
    publish(1);
    const start = [message(pat(), pmt()), message(video(1, true)), message(video(2))];
    arrive(1, message(video(0)), ...start);
    const player = play(10);
    expect(player.state).toBe('playing');
    expect(engine.sent.get(10)).toEqual(start);
    // All of them are due now.
    expect(new Set(engine.sourceTimesOf(10)).size).toBe(1);
    const next = [message(pat(), pmt()), message(video(3, true))];
    arrive(1, ...next);
    expect(engine.sent.get(10)).toEqual([...start, ...next]);
    play(11);
    expect(engine.sent.get(11)).toEqual(next);
    // Of another publisher's pictures nothing is left.
    publish(2);
    arrive(2, message(video(7)));
    expect(play(12).state).toBe('joining');
    expect(engine.sent.get(12)).toBeUndefined();
  });

  it('begins to keep the last key frame, and ends it, with the next publisher, whoever waits for that', () => {
    const keeps = { maxBytes: 100_000, maxMs: 10_000 };
    let limits: typeof keeps | undefined;
    hub = new Hub(engine, () => limits);
    play(9);
    publish(1);
    const start = [message(pat(), pmt()), message(video(1, true))];
    arrive(1, ...start);
    limits = keeps;
    arrive(1, message(video(2)));
    expect(play(10).state).toBe('joining');
    publish(2);
    arrive(2, ...start);
    expect(play(11).state).toBe('playing');
    limits = undefined;
    arrive(2, message(video(3)));
    expect(play(12).state).toBe('playing');
    publish(3);
    arrive(3, ...start);
    expect(play(13).state).toBe('joining');
  });

  it('holds a player that cannot take all of the last key frame', () => {
    hub = new Hub(engine, { maxBytes: 100_000, maxMs: 10_000 });
    publish(1);
    arrive(1, message(pat(), pmt()), message(video(1, true)), message(video(2)));
    engine.full.add(10);
    const player = play(10);
    expect([player.state, player.isHeld, player.droppedMessages]).toEqual(['joining', true, 1]);
  });

  it('gives a long group of pictures piece by piece, each message once, and a newer key frame is as good', () => {
    hub = new Hub(engine, { maxBytes: 1_000_000, maxMs: 10_000 });
    publish(1);
    const start = [message(pat(), pmt()), message(video(0, true))];
    const pictures = Array.from({ length: 200 }, (_, i) => message(video(i + 1)));
    for (const one of [...start, ...pictures]) arrive(1, one);
    const player = play(10);
    expect([player.state, engine.sent.get(10)!.length]).toEqual(['joining', 64]);
    for (let i = 0; i < 3; i++) arrive(1, message(video(1_000 + i)));
    expect(player.state).toBe('playing');
    arrive(1, message(video(2_000)));
    const late = [1_000, 1_001, 1_002, 2_000].map((tag) => message(video(tag)));
    expect(engine.sent.get(10)).toEqual([...start, ...pictures, ...late]);
    const other = play(11);
    const next = [message(pat(), pmt()), message(video(7, true))];
    for (const one of next) arrive(1, one);
    expect(other.state).toBe('playing');
    expect(engine.sent.get(11)!.slice(-2)).toEqual(next);
    // What it was given is in order: the same picture never comes twice.
    expect(new Set(engine.sent.get(11)!.map((bytes) => bytes.join())).size).toBe(engine.sent.get(11)!.length - 1);
  });

  it('closes players that waited too long, and none that play', () => {
    play(10, 'play_a', 'live_a');
    play(20, 'play_b', 'live_b');
    publish(2, 'live_b');
    arrive(2, 'b');
    hub.closeIdlePlayers(5_000, 5_001);
    expect(engine.closed).toEqual([10]);
  });

  it('counts payload and lets the bitrate fall to nothing when a publisher stalls', () => {
    const publisher = publish(1);
    const payload = new Uint8Array(1316);
    for (now = 0; now < 4_000; now += 10) arrive(1, payload);
    expect(publisher.payloadBytes).toBe(400 * 1316);
    expect(publisher.bitrateKbps(now)).toBeGreaterThan(1316 * 0.8 * 0.97);
    expect(publisher.bitrateKbps(now)).toBeLessThan(1316 * 0.8 * 1.03);
    expect(publisher.bitrateKbps(now + 2_100)).toBe(0);
  });
});
