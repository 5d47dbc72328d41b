import { beforeEach, describe, expect, it } from 'vitest';
import { Pulls } from './pulls.ts';
import type { SrtConnectOptions } from './srt-engine.ts';

const ROW = { publisher: 'live_a', player: 'play_a', pullFrom: '192.0.2.7:4000' };

let calls: SrtConnectOptions[];
let closed: number[];
let failures: string[];
let isSentHere: boolean;
let active: number | undefined;
let pulls: Pulls;

beforeEach(() => {
  calls = [];
  closed = [];
  failures = [];
  isSentHere = false;
  active = undefined;
  pulls = new Pulls({
    connect: (options) => calls.push(options),
    close: (socket) => closed.push(socket),
    isSentHere: () => isSentHere,
    isActive: (_publisher, socket) => socket === active,
    onFailure: (_publisher, _address, why) => failures.push(why),
  });
});

describe('streams that are read from another node', () => {
  it('are asked for at once, as the player of the id, with its passphrase', () => {
    pulls.put({ ...ROW, passphrase: 'correct horse' }, 0);
    expect(calls).toEqual([
      expect.objectContaining({
        ...{ host: '192.0.2.7', port: 4000, streamId: 'play_a', passphrase: 'correct horse', reads: true },
      }),
    ]);
    expect(pulls.connected(1)).toMatchObject({ publisherId: 'live_a', isEncrypted: true });
  });

  it('are asked for at the address of a row that has changed, and no more once it names none', () => {
    pulls.put(ROW, 0);
    pulls.put({ ...ROW, pullFrom: '[2001:db8::1]:4000' }, 1);
    expect(closed).toEqual([1]);
    expect(calls[1]).toMatchObject({ host: '2001:db8::1' });
    pulls.put({ publisher: 'live_a', player: 'play_a' }, 2);
    expect(closed).toEqual([1, 2]);
    pulls.tick(60_000);
    expect(calls).toHaveLength(2);
  });

  it('wait while an encoder sends here, and are followed again when it has gone', () => {
    isSentHere = true;
    pulls.put(ROW, 0);
    pulls.tick(5_000);
    expect(calls).toEqual([]);
    isSentHere = false;
    pulls.hurry('live_a', 5_001);
    expect(calls).toHaveLength(1);
  });

  it('give way to an encoder that came while they were connecting', () => {
    pulls.put(ROW, 0);
    isSentHere = true;
    expect(pulls.connected(1)).toBeUndefined();
    expect(closed).toEqual([1]);
  });

  it('are left to the takeover while they are what is passed on, and closed without a word where they are not', () => {
    pulls.put(ROW, 0);
    pulls.connected(1);
    isSentHere = true;
    active = 1;
    pulls.tick(1_000);
    expect(closed).toEqual([]);
    active = undefined;
    pulls.tick(2_000);
    expect(closed).toEqual([1]);
    pulls.ended(1, 0, 2_001);
    expect(failures).toEqual([]);
  });

  it('are tried again after a refusal, ever more seldom, which is told once', () => {
    pulls.put(ROW, 0);
    pulls.failed(1, 'refused', 0);
    pulls.tick(999);
    expect(calls).toHaveLength(1);
    pulls.tick(1_000);
    // Accepted and closed, as most nodes refuse.
    pulls.connected(2);
    pulls.ended(2, 0, 1_000);
    pulls.tick(2_999);
    expect(calls).toHaveLength(2);
    pulls.tick(3_000);
    for (let now = 3_000; calls.length < 9; now += 500) {
      pulls.failed(calls.length, 'refused', now);
      pulls.tick(now + 10_000);
    }
    expect(failures).toEqual(['refused']);
    pulls.connected(9);
    pulls.ended(9, 100, 100_000);
    pulls.tick(101_000);
    pulls.failed(10, 'no answer', 101_000);
    expect(failures).toEqual(['refused', 'no answer']);
  });

  it('end with the node', () => {
    pulls.put(ROW, 0);
    pulls.stop();
    pulls.tick(60_000);
    expect({ closed, calls: calls.length }).toEqual({ closed: [1], calls: 1 });
  });
});
