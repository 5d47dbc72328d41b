import { describe, expect, it } from 'vitest';
import type { AddressPlace, CarrierLookup, LinkKind } from './carrier.ts';
import { placeOfStream } from './stream-place.ts';

const CHICAGO: AddressPlace = { country: 'US', city: 'Chicago', latitude: 41.881, longitude: -87.629 };
const DALLAS: AddressPlace = { country: 'US', city: 'Dallas', latitude: 32.78, longitude: -96.8 };
const BERLIN: AddressPlace = { country: 'DE', city: 'Berlin', latitude: 52.52, longitude: 13.405 };
const SOMEWHERE_US: AddressPlace = { country: 'US', latitude: 37.751, longitude: -97.822 };
const ONLY_FR: AddressPlace = { country: 'FR' };
const EQUATOR: AddressPlace = { country: 'GA', latitude: -0.3, longitude: 0.4 };

/** Each link is what it says of itself: place, bytes of the last 5 s, kind. */
type Told = readonly [place: AddressPlace | undefined, bytes: number, kind?: LinkKind];
const placeOf = (...told: Told[]) => {
  const carriers: CarrierLookup = {
    databases: [],
    of: (address) => ({ label: 'x', kind: told[Number(address)]![2] ?? 'cellular' }),
    placeOf: (address) => told[Number(address)]![0],
  };
  return placeOfStream(
    told.map(([, windowBytes], index) => ({ address: String(index), windowBytes })),
    carriers,
  );
};

describe('the place of a stream', () => {
  it.each<[what: string, links: Told[], expected: object | undefined]>([
    ['no link', [], undefined],
    ['one link', [[CHICAGO, 9]], { country: 'US', city: 'Chicago', latitude: 42, longitude: -88 }],
    ['nothing known', [[undefined, 9]], undefined],
    ['a link without data has no say', [[CHICAGO, 0]], undefined],
    [
      'most links, not most bytes',
      [
        [BERLIN, 99],
        [CHICAGO, 1],
        [CHICAGO, 1],
      ],
      { country: 'US', city: 'Chicago', latitude: 42, longitude: -88 },
    ],
    [
      'as many links: most bytes',
      [
        [BERLIN, 99],
        [CHICAGO, 1],
      ],
      { country: 'DE', city: 'Berlin', latitude: 53, longitude: 13 },
    ],
    [
      'the country of most, though one city elsewhere has more',
      [
        [CHICAGO, 1],
        [DALLAS, 2],
        [ONLY_FR, 3],
        [BERLIN, 4],
      ],
      { country: 'US', city: 'Dallas', latitude: 33, longitude: -97 },
    ],
    [
      'a VPN has no say',
      [
        [BERLIN, 99, 'hosting'],
        [BERLIN, 99, 'hosting'],
        [CHICAGO, 1],
      ],
      { country: 'US', city: 'Chicago', latitude: 42, longitude: -88 },
    ],
    ['nor has CGNAT', [[BERLIN, 99, 'private']], undefined],
    ['a satellite has', [[DALLAS, 9, 'satellite']], { country: 'US', city: 'Dallas', latitude: 33, longitude: -97 }],
    ['a country alone', [[ONLY_FR, 9]], { country: 'FR' }],
    ['a country and its middle', [[SOMEWHERE_US, 9]], { country: 'US', latitude: 38, longitude: -98 }],
    ['half a degree off zero', [[EQUATOR, 9]], { country: 'GA', latitude: 0, longitude: 0 }],
    [
      'unknown links do not outvote known ones',
      [
        [undefined, 9],
        [undefined, 9],
        [BERLIN, 1],
      ],
      { country: 'DE', city: 'Berlin', latitude: 53, longitude: 13 },
    ],
  ])('%s', (_what, links, expected) => {
    const place = placeOf(...links);
    expect(place).toEqual(expected);
    expect(placeOf(...[...links].reverse())).toEqual(expected);
    expect(JSON.stringify(place ?? {})).not.toMatch(/\d\.\d/);
  });
});
