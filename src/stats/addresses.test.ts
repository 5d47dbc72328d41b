import { describe, expect, it } from 'vitest';
import { RequestBudget } from './request-budget.ts';
import { Trust } from './trust.ts';

describe('RequestBudget', () => {
  it('allows so many a minute and address', () => {
    const budget = new RequestBudget(2);
    expect([1, 2, 3].map(() => budget.take('192.0.2.1', 5))).toEqual([true, true, false]);
    expect(budget.take('192.0.2.2', 5)).toBe(true);
    expect(budget.take('192.0.2.1', 59_999)).toBe(false);
    expect(budget.take('192.0.2.1', 60_000)).toBe(true);
  });
  it('takes a /64 for one', () => {
    const budget = new RequestBudget(1);
    expect(budget.take('2001:db8::1', 0)).toBe(true);
    expect(budget.take('2001:db8:0:0:9::2', 0)).toBe(false);
    expect(budget.take('2001:db8:0:1::1', 0)).toBe(true);
  });
  it('forgets the first address rather than growing without end', () => {
    const budget = new RequestBudget(1);
    for (let n = 0; n < 10_000; n++) budget.take(`a${n}`, 0);
    expect(budget.take('a9999', 0)).toBe(false);
    expect(budget.take('new', 0)).toBe(true);
    expect(budget.take('a9999', 0)).toBe(false);
    expect(budget.take('a0', 0)).toBe(true);
  });
});

describe('Trust', () => {
  const trust = new Trust(['127.0.0.0/8', '::1', '10.8.0.0/24', '2001:db8::/32']);
  const host = { host: '127.0.0.1:5080' };
  it.each(['127.0.0.1', '127.9.9.9', '10.8.0.200', '2001:db8:ffff::1'])('covers %s', (address) => {
    expect(trust.covers(address, host)).toBe(true);
  });
  it.each(['10.8.1.1', '192.168.0.1', '2001:db9::1', '', 'x'])('does not cover %j', (address) => {
    expect(trust.covers(address, host)).toBe(false);
  });
  it.each(['localhost', 'localhost:5080', '[::1]:5080', '127.0.0.1', '[::1]'])('takes %s for this machine', (name) => {
    expect(trust.covers('::1', { host: name })).toBe(true);
  });
  it.each(['evil.example:5080', '', 'localhost.evil.example'])('is not had under the name %j', (name) => {
    expect(trust.covers('127.0.0.1', { host: name })).toBe(false);
  });
  it('asks no name of an address elsewhere that is trusted', () => {
    expect(trust.covers('10.8.0.1', { host: 'relay.example:5080' })).toBe(true);
  });
  it.each([
    ...[
      'x-forwarded-for',
      'x-forwarded-host',
      'x-forwarded-proto',
      'forwarded',
      'via',
      'x-real-ip',
      'cf-connecting-ip',
    ],
  ])('is not passed on by a proxy (%s)', (header) => {
    expect(trust.covers('127.0.0.1', { ...host, [header]: '127.0.0.1' })).toBe(false);
  });
});
