import { describe, expect, it } from 'vitest';
import { srtBindAddresses } from './bind-addresses.ts';

const lo = [
  { address: '127.0.0.1', family: 'IPv4', internal: true },
  { address: '::1', family: 'IPv6', internal: true },
];
const one = {
  lo,
  eth0: [
    { address: '198.51.100.1', family: 'IPv4', internal: false },
    { address: 'fe80::1', family: 'IPv6', internal: false },
  ],
};
const two = { ...one, eth1: [{ address: '203.0.113.9', family: 'IPv4', internal: false }] };

describe('srtBindAddresses', () => {
  it('is the wildcard while the machine has one address of a family', () => {
    expect(srtBindAddresses(['::'], one)).toEqual(['::']);
  });
  it('is a listener for each address where there are several, because a wildcard answers from the primary one', () => {
    expect(srtBindAddresses(['::'], two)).toEqual(['127.0.0.1', '::1', '198.51.100.1', '203.0.113.9']);
    expect(srtBindAddresses(['0.0.0.0'], two)).toEqual(['127.0.0.1', '198.51.100.1', '203.0.113.9']);
  });
  it('lists every address for auto, never link-local ones', () => {
    expect(srtBindAddresses(['auto'], one)).toEqual(['127.0.0.1', '::1', '198.51.100.1']);
  });
  it('goes on address by address once it has begun so', () => {
    expect(srtBindAddresses(['::'], one, true)).toEqual(['127.0.0.1', '::1', '198.51.100.1']);
  });
  it('keeps explicit addresses as they are', () => {
    expect(srtBindAddresses(['127.0.0.1', '198.51.100.1'], two)).toEqual(['127.0.0.1', '198.51.100.1']);
  });
});
