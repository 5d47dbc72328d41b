import { expect, it } from 'vitest';
import { ReceiveWindow, windowPacketsFor } from './receive-window.ts';

it('has room for the latency at 50 Mbit/s, and for 8,192 packets at least', () => {
  expect([0, 120, 1_600, 2_000, 4_000, 10_000].map(windowPacketsFor)).toEqual([
    8_192, 8_192, 8_192, 16_384, 32_768, 65_536,
  ]);
});

it('keeps packets by number until their turn, and says what is free', () => {
  const window = new ReceiveWindow(8, 0x7ffffffe);
  expect(window.freePackets).toBe(8);
  window.put(0x7ffffffe, 10);
  window.put(1, 11);
  window.newest = 1;
  expect([window.count, window.freePackets, window.has(0), window.slotOf(1)]).toEqual([2, 4, false, 11]);
  expect([window.nextSlot(0x7ffffffe, 8), window.nextSlot(0x7ffffffe, 2), window.nextSlot(1, 8)]).toEqual([11, -1, -1]);
  expect([window.shift(), window.shift(), window.shift(), window.shift()]).toEqual([10, -1, -1, 11]);
  expect([window.base, window.count]).toEqual([2, 0]);
  window.restart(500);
  expect([window.base, window.newest, window.freePackets]).toEqual([500, 499, 8]);
});
