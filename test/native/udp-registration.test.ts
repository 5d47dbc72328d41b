import fc from 'fast-check';
import { afterEach, describe, expect, test } from 'vitest';
import { idOf, reg1, reg2 } from '../srtla/packets.ts';
import { until } from './peer.ts';
import { UdpEnd } from './udp-end.ts';

const RATES = {
  sourceBurst: 5,
  sourcePerSecond: 1,
  everybodyBurst: 1_000_000,
  everybodyPerSecond: 1_000_000,
  joinSourceBurst: 8,
  joinSourcePerSecond: 1,
};

const ends: UdpEnd[] = [];
afterEach(() => {
  for (const end of ends.splice(0)) end.udp.dispose();
});

/** A receiver with budgets, and a socket that speaks for any address of 127/8. */
const open = (registrations = RATES) => {
  const end = new UdpEnd({ registrations });
  const source = new UdpEnd();
  ends.push(end, source);
  const { port } = end.bind();
  const { socket } = source.bind('0.0.0.0', { device: 'lo' });
  const say = (from: string, bytes: Uint8Array): void => {
    const peer = source.udp.peer(socket, '127.0.0.1', port, from);
    source.send(peer, bytes);
    source.udp.release(peer);
  };
  /** Everything said before it has been dealt with once this has come. */
  const settled = async (): Promise<void> => {
    const before = marks();
    say('127.9.9.9', MARK);
    await until('the mark', () => marks() > before);
  };
  const marks = (): number => end.received.filter(({ bytes }) => bytes.length === MARK.length).length;
  const passed = (): number => end.received.length - marks();
  return { end, say, settled, passed };
};
const MARK = Uint8Array.of(0x90, 0, 7);

describe('registrations over budget', () => {
  test('never reach JavaScript, and are counted by their kind', async () => {
    const { end, say, settled, passed } = open();
    for (let i = 0; i < 100; i++) say('127.1.0.1', i % 2 === 0 ? reg1() : reg2(idOf(1)));
    await settled();
    expect(passed()).toBe(5);
    expect(end.counter('reg1Dropped') + end.counter('reg2Dropped')).toBe(95);
    expect(end.counter('reg1Dropped')).toBeGreaterThan(40);
    expect(end.counter('reg2Dropped')).toBeGreaterThan(40);
    expect(end.counter('receivedDatagrams')).toBe(101);
    // Others have theirs; ports make no difference, addresses do.
    for (let i = 0; i < 10; i++) say('127.1.0.2', reg1());
    await settled();
    expect(passed()).toBe(10);
  });

  test('leave everything else as it was: contents, order, peers, wrong lengths', async () => {
    const { end, say, settled } = open();
    const sent: string[] = [];
    for (let i = 0; i < 300; i++) {
      if (i % 3 !== 0) {
        say('127.1.0.1', reg1());
        continue;
      }
      const from = `127.2.0.${1 + (i % 50)}`;
      const bytes = new Uint8Array([1, 16, 257, 259, 1332][i % 5]!).fill(i);
      if (bytes.length > 1 && bytes.length < 260) bytes.set([0x92, 0]);
      sent.push(`${from} ${Buffer.from(bytes).toString('hex')}`);
      say(from, bytes);
    }
    const got: string[] = [];
    end.onDatagram = ({ peer, bytes }) => got.push(`${end.udp.address(peer)} ${Buffer.from(bytes).toString('hex')}`);
    await settled();
    expect(got.filter((line) => line.startsWith('127.2.'))).toEqual(sent);
    expect(got.filter((line) => line.startsWith('127.1.')).length).toBe(5);
  });

  test('of everybody together end where the budget for all ends', async () => {
    const { say, settled, passed } = open({ ...RATES, everybodyBurst: 50, everybodyPerSecond: 50 });
    const startMs = performance.now();
    for (let i = 0; i < 400; i++) say(`127.3.${i >> 8}.${i & 255}`, reg1());
    await settled();
    const most = 50 + ((performance.now() - startMs) * 50) / 1000;
    expect(passed()).toBeGreaterThanOrEqual(50);
    expect(passed()).toBeLessThanOrEqual(most + 1);
  });

  test('do not stand in the way of links that come to a group that lives', async () => {
    const { end, say, settled, passed } = open({ ...RATES, everybodyBurst: 1, everybodyPerSecond: 1 });
    const id = Uint8Array.from({ length: 256 }, (_, i) => i);
    const join = reg2(Buffer.from(id).toString('hex'));
    for (let i = 0; i < 50; i++) say('127.1.0.1', reg1());
    end.udp.knowGroup(id);
    for (let i = 0; i < 20; i++) say('127.1.0.1', join);
    await settled();
    expect(passed()).toBe(1 + 8);
    // REG1 with the same bytes is no join, and the id of a group that has ended is anybody's.
    say('127.1.0.3', reg1(Buffer.from(id).toString('hex')));
    end.udp.forgetGroup(id);
    say('127.1.0.4', join);
    await settled();
    expect(passed()).toBe(9);
  });

  test('come again as time goes by', async () => {
    const { say, passed } = open({ ...RATES, sourceBurst: 1, sourcePerSecond: 50 });
    await until('five of them', () => {
      say('127.1.0.1', reg1());
      return passed() >= 5;
    });
  });

  test('all pass where no rates are given', async () => {
    const end = new UdpEnd();
    const source = new UdpEnd();
    ends.push(end, source);
    const out = source.connect(end.bind().port);
    for (let i = 0; i < 500; i++) source.send(-1 - out, reg1());
    await end.got(500);
    end.udp.knowGroup(new Uint8Array(256));
    end.udp.forgetGroup(new Uint8Array(256));
  });

  test('a table full of sources holds the budget for all', async () => {
    const { end, say, settled, passed } = open({ ...RATES, sourceBurst: 1, everybodyPerSecond: 100_000 });
    for (let i = 0; i < 10_000; i++) {
      say(`127.4.${i >> 8}.${i & 255}`, reg1());
      if (i % 32 === 31) while (end.take() > 0);
    }
    await settled();
    expect(passed() + end.counter('reg1Dropped')).toBe(10_000);
    expect(passed()).toBeGreaterThanOrEqual(3_500);
  });
});

test('wrong rates and ids are refused', () => {
  for (const wrong of [{ ...RATES, sourceBurst: 0 }, { ...RATES, joinSourcePerSecond: 0.5 }, { sourceBurst: 1 }, 1]) {
    expect(() => new UdpEnd({ registrations: wrong as typeof RATES })).toThrow(TypeError);
  }
  const { end } = open();
  fc.assert(
    fc.property(
      fc.uint8Array({ maxLength: 300 }).filter(({ length }) => length < 256),
      (id) => {
        expect(() => end.udp.knowGroup(id)).toThrow(TypeError);
      },
    ),
    { numRuns: 20 },
  );
});
