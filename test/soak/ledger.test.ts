import { describe, expect, it } from 'vitest';
import { Ledger } from './ledger.ts';

const DUE_MS = 100;

/** One stream that sends a message each 10 ms from 0 on. */
const sent = (count: number): Ledger => {
  const ledger = new Ledger(1, DUE_MS);
  ledger.begin(0);
  for (let n = 0; n < count; n++) ledger.send(0, n * 10);
  return ledger;
};
const take = (ledger: Ledger, from: number, to: number, epoch = 0): void => {
  for (let n = from; n < to; n++) ledger.take(1, epoch, n);
};

describe('a ledger', () => {
  it('finds nothing missing where all came, for a player that came late and left early', () => {
    const ledger = sent(100);
    ledger.join(1, 'a', 0, 0);
    take(ledger, 20, 80);
    // Those after 79 were sent at 800 ms and later: at 890 ms they are not due.
    ledger.leave(1, 890);
    expect(ledger.totals).toMatchObject({ expected: 60, received: 60, lost: 0 });
  });

  it('finds a gap, and what should have come before a player left', () => {
    const ledger = sent(100);
    ledger.join(1, 'a', 0, 0);
    take(ledger, 0, 10);
    take(ledger, 13, 50);
    ledger.leave(1, 1_000);
    expect(ledger.totals.lost).toBe(3 + 40);
    expect(ledger.losses).toEqual([
      { player: 'a', stream: 0, epoch: 0, first: 10, last: 12, sentMs: 100 },
      { player: 'a', stream: 0, epoch: 0, first: 50, last: 89, sentMs: 500 },
    ]);
  });

  it('finds the end of one session and the beginning of the next', () => {
    const ledger = sent(50);
    ledger.join(1, 'a', 0, 0);
    take(ledger, 0, 45);
    ledger.begin(0);
    for (let n = 0; n < 20; n++) ledger.send(0, 2_000 + n * 10);
    take(ledger, 1, 20, 1);
    ledger.close(9_000);
    expect(ledger.losses.map(({ epoch, first, last }) => [epoch, first, last])).toEqual([
      [0, 45, 49],
      [1, 0, 0],
    ]);
  });

  it('tells the very last messages of a session apart: nothing followed that would have shown the gap', () => {
    const ledger = sent(50);
    ledger.join(1, 'a', 0, 0);
    take(ledger, 0, 49);
    ledger.begin(0);
    for (let n = 0; n < 20; n++) ledger.send(0, 2_000 + n * 10);
    take(ledger, 0, 20, 1);
    ledger.close(9_000);
    expect(ledger.totals).toMatchObject({ lost: 0, last: 1 });
  });

  it('excuses what was under way in an outage, and nothing else', () => {
    const ledger = sent(100);
    ledger.join(1, 'a', 0, 0);
    const outage = ledger.outage('killed', 300);
    outage.toMs = 500;
    take(ledger, 0, 15);
    take(ledger, 60, 100);
    ledger.close(9_000);
    // 150 to 190 ms: sent, and due before it began.
    expect(ledger.totals).toMatchObject({ lost: 5 + 9, excused: 31 });
  });

  it('misses all that a player should have got that never got anything', () => {
    const ledger = sent(500);
    ledger.join(1, 'a', 0, 1_000);
    ledger.close(9_000);
    expect(ledger.totals).toMatchObject({ expected: 100, received: 0, lost: 100 });
    ledger.join(2, 'b', 0, 4_000);
    ledger.close(9_000);
    expect(ledger.totals.lost).toBe(100);
  });

  it('counts what comes twice, and what comes late', () => {
    const ledger = sent(100);
    ledger.join(1, 'a', 0, 0);
    for (const n of [0, 1, 1, 2, 3, 1]) ledger.take(1, 0, n);
    expect(ledger.totals).toMatchObject({ received: 4, duplicated: 1, reordered: 1 });
  });
});
