import { expect, it } from 'vitest';
import { HopLoss } from '../../src/srtla/hop-loss.ts';

const COUNT = 100_000;

it.each([0, 0.01, 0.3, 1])('loses a share of %s each way, and counts it', (share) => {
  const hop = new HopLoss({ toServer: share, fromServer: share / 2 });
  let there = 0;
  let back = 0;
  for (let i = 0; i < COUNT; i++) {
    if (hop.losesToServer()) there++;
    if (hop.losesFromServer()) back++;
  }
  expect(Math.abs(there / COUNT - share)).toBeLessThan(0.005);
  expect(Math.abs(back / COUNT - share / 2)).toBeLessThan(0.005);
  expect(hop.counters()).toEqual({ hopLostByTest: there, hopLostBackByTest: back });
});
