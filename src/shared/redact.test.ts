import { randomBytes } from 'node:crypto';
import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { beforeEach, describe, expect, it } from 'vitest';
import { temporaryFolder } from '../../test/support/data-dir.ts';
import { ipv6Prefix } from './ipv6-prefix.ts';
import { AddressMask, maskedAddress, maskedText } from './masked-address.ts';
import { nodeSalt } from './node-salt.ts';
import { publicStreamName, setRedaction } from './redact.ts';

beforeEach(() => setRedaction({ salt: 'one', addresses: 'prefix' }));

describe('ipv6Prefix', () => {
  it.each([
    ['2001:db8:1:2:3:4:5:6', 3, '2001:db8:1'],
    ['2001:db8::1', 4, '2001:db8:0:0'],
    ['2001:0db8:0000::1', 3, '2001:db8:0'],
    ['::1', 4, '0:0:0:0'],
    ['fe80::1%eth0', 4, 'fe80:0:0:0'],
    ['2001:db8::', 4, '2001:db8:0:0'],
  ])('%s, %i groups: %s', (address, groups, expected) => {
    expect(ipv6Prefix(address, groups)).toBe(expected);
  });
});

describe('AddressMask', () => {
  it('leaves out the last octet, or the last 80 bits, and keeps the port', () => {
    const mask = new AddressMask();
    expect(mask.mask('203.0.113.7', 40_000)).toBe('203.0.113.x:40000');
    expect(mask.mask('2001:db8:1:2::9', 51_820)).toBe('[2001:db8:1::x]:51820');
  });

  it('keeps endpoints apart that differ only in what is left out', () => {
    const mask = new AddressMask();
    expect(['10.0.0.5', '10.0.0.9', '10.0.0.1'].map((address) => mask.mask(address, 5))).toEqual([
      '10.0.0.x:5',
      '10.0.0.x2:5',
      '10.0.0.x3:5',
    ]);
    expect(['2001:db8::1', '2001:db8::2'].map((address) => mask.mask(address, 5))).toEqual([
      '[2001:db8:0::x]:5',
      '[2001:db8:0::x2]:5',
    ]);
  });

  it('shows the same hash for the same address, on one node', () => {
    setRedaction({ salt: 'one', addresses: 'hash' });
    const mask = new AddressMask();
    const first = mask.mask('203.0.113.7', 5);
    expect(first).toMatch(/^hash-[0-9a-f]{12}:5$/);
    expect(mask.mask('203.0.113.7', 5)).toBe(first);
    expect(mask.mask('203.0.113.8', 5)).not.toBe(first);
    setRedaction({ salt: 'two', addresses: 'hash' });
    expect(new AddressMask().mask('203.0.113.7', 5)).not.toBe(first);
  });

  it('shows all by the setting, and to whom it is told', () => {
    expect(new AddressMask('full').mask('2001:db8::1', 5)).toBe('[2001:db8::1]:5');
    setRedaction({ salt: 'one', addresses: 'full' });
    expect(new AddressMask().mask('203.0.113.7', 5)).toBe('203.0.113.7:5');
    expect(maskedAddress('203.0.113.7')).toBe('203.0.113.7');
  });

  it('keeps any number of endpoints apart, and shows none of them', () => {
    fc.assert(
      fc.property(fc.uniqueArray(fc.oneof(fc.ipV4(), fc.ipV6()), { maxLength: 20 }), (addresses) => {
        const mask = new AddressMask();
        const shown = addresses.map((address) => mask.mask(address, 5_000));
        expect(new Set(shown).size).toBe(addresses.length);
        for (const [index, text] of shown.entries()) {
          expect(text).toMatch(/x\d*\]?:5000$/);
          expect(text).not.toContain(`${addresses[index]}:`);
        }
      }),
    );
  });
});

describe('maskedText', () => {
  it.each([
    ['peer 203.0.113.7:4001 is gone', 'peer 203.0.113.x:4001 is gone'],
    ['[2001:db8:1:2::9]:4001', '[2001:db8:1::x]:4001'],
    ['from ::ffff:203.0.113.7.', 'from 0:0:0::x.'],
    ['at 12:34:56.789, v1.5.1', 'at 12:34:56.789, v1.5.1'],
    ['std::string of srt::CUDT::x', 'std::string of srt::CUDT::x'],
    ['a 10.0.0.1 b 10.0.0.2', 'a 10.0.0.x b 10.0.0.x'],
    ['addr:10.0.0.1:5000 ip10.0.0.1_5', 'addr:10.0.0.x:5000 ip10.0.0.x_5'],
    ['12:34:56:10.0.0.1', '12:34:56:10.0.0.x'],
    ['host:2001:db8:1::9', 'host:2001:db8:1::x'],
    ['10.0.0.1.', '10.0.0.x.'],
    ['1.2.3.4567, 1.2.3.999', '1.2.3.4567, 1.2.3.999'],
  ])('%s: %s', (text, expected) => {
    expect(maskedText(text)).toBe(expected);
  });
});

describe('publicStreamName', () => {
  it('is the same on one node and another one on the next: a list of ids does not help', () => {
    const name = publicStreamName('live_a');
    expect(name).toMatch(/^stream-[0-9a-f]{6}$/);
    expect(publicStreamName('live_a')).toBe(name);
    expect(publicStreamName('live_b')).not.toBe(name);
    setRedaction({ salt: 'two', addresses: 'prefix' });
    expect(publicStreamName('live_a')).not.toBe(name);
  });
});

describe('nodeSalt', () => {
  it('is made once, for its owner alone', async () => {
    const folder = temporaryFolder();
    const salt = await nodeSalt(folder);
    expect(salt).toMatch(/^[0-9a-f]{64}$/);
    expect(await nodeSalt(folder)).toBe(salt);
    expect(statSync(join(folder, 'salt')).mode & 0o777).toBe(0o600);
    expect(await nodeSalt(temporaryFolder())).not.toBe(salt);
  });
  it('is made anew where it is damaged', async () => {
    const folder = temporaryFolder();
    writeFileSync(join(folder, 'salt'), randomBytes(9));
    const salt = await nodeSalt(folder);
    expect(readFileSync(join(folder, 'salt'), 'utf8')).toBe(`${salt}\n`);
  });
});
