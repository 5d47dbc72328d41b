import type { Position } from '../protocol.ts';

export const AUTO = 'auto';

interface KnownRegion {
  readonly label: string;
  /** Roughly its middle: stands for the user where nothing else is known. */
  readonly position: Position;
}

const at = (label: string, latitude: number, longitude: number): KnownRegion => ({
  label,
  position: { latitude, longitude },
});

const KNOWN: Readonly<Record<string, KnownRegion>> = {
  'us-central': at('US Central', 39.1, -94.6),
  'us-east': at('US East', 40.7, -74),
  'us-west': at('US West', 37.4, -122.1),
  'ca-central': at('Canada', 45.5, -73.6),
  'sa-east': at('South America', -23.5, -46.6),
  'eu-west': at('Western Europe', 51.5, -0.1),
  'eu-central': at('Central Europe', 50.1, 8.7),
  'eu-north': at('Northern Europe', 59.3, 18.1),
  'eu-south': at('Southern Europe', 45.5, 9.2),
  'ap-southeast': at('Southeast Asia', 1.3, 103.8),
  'ap-northeast': at('Northeast Asia', 35.7, 139.7),
  'ap-south': at('India', 19.1, 72.9),
  'au-east': at('Australia', -33.9, 151.2),
};

/** Names of clouds that do not follow from their first two words, as old installations of the OBS plugin send them. */
const ALIASES: Readonly<Record<string, string>> = {
  'us-east-2': 'us-central',
  'us-central1': 'us-central',
  'us-east1': 'us-east',
  'us-west1': 'us-west',
  'europe-west': 'eu-west',
  'eu-west-4': 'eu-central',
  'ap-southeast-2': 'au-east',
  uscentral: 'us-central',
  useast: 'us-east',
  uswest: 'us-west',
  euwest: 'eu-west',
};

/** The one of `supported` that is meant: by its name, an alias, its name without a number, or as the first one of the same continent. */
export const regionNamed = (text: string, supported: readonly string[]): string | undefined => {
  const name = text.trim().toLowerCase().replaceAll('_', '-');
  const names = [name, ALIASES[name], name.replace(/-?\d+[a-z]?$/, '')];
  return (
    names.find((candidate) => candidate !== undefined && supported.includes(candidate)) ??
    (name.includes('-') ? supported.find((region) => isSameContinent(region, name)) : undefined)
  );
};

/** What a client asks for: a region's name, `auto`, or, for what is empty or nobody knows, the default. */
export const askedRegion = (text: string, supported: readonly string[]): string => {
  if (text.trim().toLowerCase() === AUTO) return AUTO;
  return regionNamed(text, supported) ?? supported[0] ?? AUTO;
};

export const regionLabel = (region: string): string => KNOWN[region]?.label ?? region;

export const regionPosition = (region: string): Position | undefined => KNOWN[region]?.position;

/** `us-east` and `us-west` are of one continent. */
export const isSameContinent = (a: string, b: string): boolean => a.split('-')[0] === b.split('-')[0];
