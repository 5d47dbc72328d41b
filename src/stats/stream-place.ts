import type { LinkSnapshot } from '../srtla/types.ts';
import type { AddressPlace, CarrierLookup } from './carrier.ts';

/** Where a stream comes from, coarse enough to point at nobody. No address is in it. */
export interface StreamPlace {
  /** ISO 3166-1 alpha-2. */
  readonly country: string;
  readonly city?: string;
  /** Whole degrees. */
  readonly latitude?: number;
  readonly longitude?: number;
}

/** What of a link has a say. */
export type PlacedLink = Pick<LinkSnapshot, 'address' | 'windowBytes'>;

interface Vote {
  readonly place: AddressPlace;
  readonly bytes: number;
}

/**
 * Where most of the links are that carry data: the country of most of them, and of those the city of most. Where links are equal in
 * number, the bytes of the last 5 s decide. Private and CGNAT addresses have no place, and the place of a hosting network is that of a
 * VPN's exit, so that they have no say.
 * @returns undefined where no such link has a known country
 */
export const placeOfStream = (links: readonly PlacedLink[], carriers: CarrierLookup): StreamPlace | undefined => {
  const votes = links.flatMap(({ address, windowBytes }): Vote[] => {
    if (windowBytes <= 0) return [];
    const kind = carriers.of(address)?.kind;
    if (kind === 'hosting' || kind === 'private') return [];
    const place = carriers.placeOf(address);
    return place ? [{ place, bytes: windowBytes }] : [];
  });
  const inCountry = most(votes, ({ place }) => place.country);
  const inCity = most(inCountry, ({ place }) => place.city ?? '');
  const located = inCity.filter(({ place }) => place.latitude !== undefined && place.longitude !== undefined);
  const at = heaviest(located) ?? heaviest(inCity);
  if (!at) return undefined;
  const { country, city, latitude, longitude } = at.place;
  return {
    country,
    ...(city === undefined ? {} : { city }),
    ...(latitude === undefined || longitude === undefined
      ? {}
      : { latitude: wholeDegrees(latitude), longitude: wholeDegrees(longitude) }),
  };
};

/** The votes for what most of them are for. */
const most = (votes: readonly Vote[], keyOf: (vote: Vote) => string): readonly Vote[] => {
  const byKey = new Map<string, Vote[]>();
  for (const vote of votes) byKey.set(keyOf(vote), [...(byKey.get(keyOf(vote)) ?? []), vote]);
  const ranked = [...byKey].sort(
    ([keyA, a], [keyB, b]) => b.length - a.length || bytesOf(b) - bytesOf(a) || (keyA < keyB ? -1 : 1),
  );
  return ranked[0]?.[1] ?? [];
};

const bytesOf = (votes: readonly Vote[]): number => votes.reduce((sum, { bytes }) => sum + bytes, 0);

const heaviest = (votes: readonly Vote[]): Vote | undefined =>
  votes.reduce<Vote | undefined>((best, vote) => (best && best.bytes >= vote.bytes ? best : vote), undefined);

/** Never -0, which JSON would show as 0 and tests as something else. */
const wholeDegrees = (degrees: number): number => Math.round(degrees) + 0;
