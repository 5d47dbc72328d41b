import { describe, expect, it } from 'vitest';
import { type CarrierLookup, carriersOff } from './carrier.ts';
import { carrierOf } from './carrier-label.ts';
import { LinkNames } from './link-names.ts';
import { RecentMap } from './recent-map.ts';

const ORGANISATIONS: Readonly<Record<string, string>> = {
  '172.58': 'T-Mobile USA, Inc.',
  '80.187': 'T-Mobile Austria GmbH',
  '98.97': 'Space Exploration Technologies Corporation',
};
const carriers: CarrierLookup = {
  ...carriersOff,
  of: (address) => {
    const name = ORGANISATIONS[address.split('.').slice(0, 2).join('.')];
    return name === undefined ? undefined : carrierOf({ name });
  },
};
/** `172.58.0.1:5` → a link. */
const group = (id: string, ...endpoints: string[]) => ({
  id,
  links: endpoints.map((endpoint) => {
    const [address = '', port = '1'] = endpoint.split(':');
    return { address, port: Number(port) };
  }),
});
const namesOf = (names: LinkNames, ...endpoints: string[]): string[] =>
  names.of(group('0xa', ...endpoints)).map(({ name }) => name);

describe('names of links', () => {
  it('are the organisation, numbered from the second link of the same on', () => {
    expect(namesOf(new LinkNames(carriers), '172.58.0.1', '98.97.0.1', '172.58.0.2', '172.58.0.1:9')).toEqual([
      'T-Mobile USA, Inc.',
      'Space Exploration Technologies Corporation',
      'T-Mobile USA, Inc. (2)',
      'T-Mobile USA, Inc. (3)',
    ]);
  });

  it('are the place in the group where nothing is known: no address takes their place', () => {
    expect(namesOf(new LinkNames(carriers), '172.58.0.1', '203.0.113.7', '203.0.113.8')).toEqual([
      'T-Mobile USA, Inc.',
      'Link-2',
      'Link-3',
    ]);
    expect(namesOf(new LinkNames(carriersOff), '203.0.113.7', '203.0.113.7:2')).toEqual(['Link-1', 'Link-2']);
  });

  it('are short as labels, and as different', () => {
    const named = new LinkNames(carriers).of(group('0xa', '172.58.0.1', '80.187.0.1', '203.0.113.7'));
    expect(named.map(({ name }) => name)).toEqual(['T-Mobile USA, Inc.', 'T-Mobile Austria GmbH', 'Link-3']);
    expect(named.map(({ label }) => label)).toEqual(['T-Mobile', 'T-Mobile (2)', 'Link-3']);
  });

  it('stay while the link lives, whoever comes and goes', () => {
    const names = new LinkNames(carriers);
    namesOf(names, '172.58.0.1', '172.58.0.2', '203.0.113.7');
    expect(namesOf(names, '172.58.0.2', '203.0.113.7')).toEqual(['T-Mobile USA, Inc. (2)', 'Link-3']);
    expect(namesOf(names, '172.58.0.2', '203.0.113.7', '172.58.0.1:77')).toEqual([
      'T-Mobile USA, Inc. (2)',
      'Link-3',
      'T-Mobile USA, Inc.',
    ]);
    expect(namesOf(names, '172.58.0.2', '203.0.113.7', '172.58.0.1:77', '172.58.0.3', '203.0.113.9')).toEqual([
      'T-Mobile USA, Inc. (2)',
      'Link-3',
      'T-Mobile USA, Inc.',
      'T-Mobile USA, Inc. (3)',
      'Link-5',
    ]);
  });

  it('of one group do not depend on another', () => {
    const names = new LinkNames(carriers);
    expect(names.of(group('0xa', '172.58.0.1'))[0]?.name).toBe('T-Mobile USA, Inc.');
    expect(names.of(group('0xb', '172.58.0.2'))[0]?.name).toBe('T-Mobile USA, Inc.');
  });

  it('follow a database that comes later', () => {
    let known = false;
    const names = new LinkNames({ ...carriers, of: (address) => (known ? carriers.of(address) : undefined) });
    expect(namesOf(names, '172.58.0.1', '172.58.0.2')).toEqual(['Link-1', 'Link-2']);
    known = true;
    expect(namesOf(names, '172.58.0.1', '172.58.0.2')).toEqual(['T-Mobile USA, Inc.', 'T-Mobile USA, Inc. (2)']);
  });
});

describe('RecentMap', () => {
  it('keeps what is used, and never more than twice what it is to keep', () => {
    const map = new RecentMap<number, number>(100);
    for (let n = 0; n < 10_000; n++) {
      map.set(n, n);
      expect(map.get(0)).toBe(0);
      expect(map.size).toBeLessThanOrEqual(200);
    }
    expect(map.get(9_950)).toBe(9_950);
    expect(map.has(5_000)).toBe(false);
    map.clear();
    expect(map.has(0)).toBe(false);
  });
});
