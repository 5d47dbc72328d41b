import type { AddressPlace } from './carrier.ts';
import type { Organisation } from './carrier-label.ts';

/*
 * Records of the databases that are understood. Their fields, as the vendors document them:
 *   IPinfo Lite        asn "AS21928", as_name, country_code, country (its name)
 *   IPinfo, older      asn, as_name, country (its code), country_name; with a place: city, lat, lng or latitude, longitude
 *   GeoLite2, GeoIP2   autonomous_system_number, autonomous_system_organization; country.iso_code, city.names.en, location.latitude …
 *   DB-IP              the same fields as GeoLite2
 */

export type AsnSchema = 'ipinfo' | 'maxmind' | 'dbip' | 'other';

/** By `database_type` of the metadata; `other` is read as any of them. */
export const schemaOf = (databaseType: string): AsnSchema => {
  if (/^ipinfo(?![a-z0-9])/i.test(databaseType)) return 'ipinfo';
  if (/^Geo(?:Lite2|IP2)\b/i.test(databaseType)) return 'maxmind';
  if (/^DB-?IP\b/i.test(databaseType)) return 'dbip';
  return 'other';
};

const ATTRIBUTION: Readonly<Record<AsnSchema, (type: string) => string>> = {
  ipinfo: () => 'IP address data is powered by IPinfo (https://ipinfo.io), CC BY-SA 4.0',
  maxmind: () => 'This product includes GeoLite2 data created by MaxMind, available from https://www.maxmind.com',
  dbip: () => 'IP Geolocation by DB-IP (https://db-ip.com), CC BY 4.0',
  other: (type) => `IP address data: ${type}`,
};

export const attributionOf = (databaseType: string): string => ATTRIBUTION[schemaOf(databaseType)](databaseType);

/** What is used of a record. */
export interface AsnRecord {
  readonly organisation: Organisation;
  readonly place: AddressPlace | undefined;
}

type Fields = Readonly<Record<string, unknown>>;

const MAX_TEXT = 128;

const fieldsOf = (value: unknown): Fields => (typeof value === 'object' && value !== null ? (value as Fields) : {});

/** Text of a file that anybody may have made: on one line, and bounded. */
export const textOf = (value: unknown): string | undefined => {
  if (typeof value !== 'string') return undefined;
  const text = [...value.replace(/[\p{Cc}\p{Zl}\p{Zp}\s]+/gu, ' ').trim()].slice(0, MAX_TEXT).join('');
  return text === '' ? undefined : text;
};

/** `21928`, `AS21928`. */
const numberOf = (value: unknown): number | undefined => {
  const text = typeof value === 'string' ? (/^(?:AS)?(\d{1,10})$/i.exec(value.trim())?.[1] ?? '') : value;
  const number = text === '' ? Number.NaN : Number(text);
  return Number.isInteger(number) && number > 0 && number < 2 ** 32 ? number : undefined;
};

/** Of several fields the first that is a code; ZZ is what some databases call no country. */
const countryOf = (...values: unknown[]): string | undefined =>
  values
    .filter((value): value is string => typeof value === 'string' && /^[A-Za-z]{2}$/.test(value))
    .map((code) => code.toUpperCase())
    .find((code) => code !== 'ZZ');

const degreesOf = (value: unknown, most: number): number | undefined => {
  const degrees = typeof value === 'string' && value.trim() !== '' ? Number(value) : value;
  return typeof degrees === 'number' && Math.abs(degrees) <= most ? degrees : undefined;
};

const flatPlace = (fields: Fields): Fields => ({
  country: countryOf(fields.country_code, fields.country),
  city: fields.city,
  latitude: fields.latitude ?? fields.lat,
  longitude: fields.longitude ?? fields.lng,
});

const nestedPlace = (fields: Fields): Fields => ({
  country: countryOf(fieldsOf(fields.country).iso_code, fieldsOf(fields.registered_country).iso_code),
  city: fieldsOf(fieldsOf(fields.city).names).en,
  latitude: fieldsOf(fields.location).latitude,
  longitude: fieldsOf(fields.location).longitude,
});

const placeOf = (fields: Fields): AddressPlace | undefined => {
  const { country } = fields;
  if (typeof country !== 'string') return undefined;
  const city = textOf(fields.city);
  const latitude = degreesOf(fields.latitude, 90);
  const longitude = degreesOf(fields.longitude, 180);
  return {
    country,
    ...(city === undefined ? {} : { city }),
    ...(latitude === undefined || longitude === undefined ? {} : { latitude, longitude }),
  };
};

/** What a record says, whatever is in it. */
export const readRecord = (schema: AsnSchema, value: unknown): AsnRecord => {
  const fields = fieldsOf(value);
  const isFlat = schema === 'ipinfo' || (schema === 'other' && ('as_name' in fields || 'country_code' in fields));
  const place = placeOf(isFlat ? flatPlace(fields) : nestedPlace(fields));
  const asn = numberOf(isFlat ? fields.asn : fields.autonomous_system_number);
  const name = textOf(isFlat ? fields.as_name : fields.autonomous_system_organization);
  return {
    organisation: {
      ...(asn === undefined ? {} : { asn }),
      ...(name === undefined ? {} : { name }),
      ...(place === undefined ? {} : { country: place.country }),
    },
    place,
  };
};
