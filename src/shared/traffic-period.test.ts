import { describe, expect, it } from 'vitest';
import { countedBytes, trafficPeriodLeftMs, trafficPeriodOf, trafficStateOf } from './traffic-period.ts';

const at = (text: string): number => Date.parse(text);

describe('the period of a traffic cap', () => {
  it('is the calendar month where it begins on its first day', () => {
    expect(trafficPeriodOf(at('2030-03-01T00:00:00Z'), 1)).toBe('2030-03');
    expect(trafficPeriodOf(at('2030-02-28T23:59:59.999Z'), 1)).toBe('2030-02');
    expect(trafficPeriodLeftMs(at('2030-02-28T23:59:59.999Z'), 1)).toBe(1);
  });

  it('begins on its day, over the turn of the year too', () => {
    expect(trafficPeriodOf(at('2030-01-14T23:59:59Z'), 15)).toBe('2029-12');
    expect(trafficPeriodOf(at('2030-01-15T00:00:00Z'), 15)).toBe('2030-01');
    expect(trafficPeriodLeftMs(at('2030-12-20T00:00:00Z'), 15)).toBe(26 * 86_400_000);
  });

  it('begins on the last day of a month that does not have its day', () => {
    expect(trafficPeriodOf(at('2030-02-27T12:00:00Z'), 31)).toBe('2030-01');
    expect(trafficPeriodOf(at('2030-02-28T00:00:00Z'), 31)).toBe('2030-02');
    expect(trafficPeriodLeftMs(at('2030-02-28T00:00:00Z'), 31)).toBe(31 * 86_400_000);
  });
});

describe('what is counted', () => {
  it('is both ways, what is sent, or the larger one', () => {
    const traffic = { receivedBytes: 3, sentBytes: 5 };
    expect([countedBytes(traffic, 'both'), countedBytes(traffic, 'out'), countedBytes(traffic, 'max')]).toEqual([
      8, 5, 5,
    ]);
    expect(countedBytes({ receivedBytes: 7, sentBytes: 5 }, 'max')).toBe(7);
  });

  it('warns at 70 % and drains at 95 %', () => {
    const states = [0, 69.9, 70, 94.9, 95, 200].map((used) => trafficStateOf(used, 100));
    expect(states).toEqual(['ok', 'ok', 'warning', 'warning', 'drain', 'drain']);
    expect(trafficStateOf(1e15, undefined)).toBe('ok');
  });
});
