import { isIPv6 } from 'node:net';

/*
 * Writes MaxMind DB files (maxmind.github.io/MaxMind-DB, version 2.0), enough of the format for what tests need: maps, texts, numbers,
 * arrays, both address families in one IPv6 tree, or an IPv4 tree.
 */

export type MmdbValue = string | number | boolean | readonly MmdbValue[] | { readonly [key: string]: MmdbValue };

export interface MmdbSpec {
  /** As `database_type` in the metadata. */
  readonly type: string;
  /** Networks such as `203.0.113.0/24` and what is known of them. A later one goes before an earlier one that holds it. */
  readonly networks: Readonly<Record<string, MmdbValue>>;
  readonly recordSize?: 24 | 28 | 32;
  readonly ipVersion?: 4 | 6;
  /** Unix s. */
  readonly buildEpoch?: number;
}

const TYPE = { text: 2, double: 3, uint32: 6, map: 7, uint64: 9, array: 11, boolean: 14 } as const;

const control = (type: number, size: number): Buffer => {
  if (size > 284) throw new Error('too large for this writer');
  const extra = size >= 29 ? [size - 29] : [];
  const head = Math.min(size, 29);
  return Buffer.from(type <= 7 ? [(type << 5) | head, ...extra] : [head, type - 7, ...extra]);
};

const unsigned = (value: number): Buffer => {
  const bytes: number[] = [];
  for (let rest = value; rest > 0; rest = Math.floor(rest / 256)) bytes.unshift(rest % 256);
  return Buffer.from(bytes);
};

const encode = (value: MmdbValue): Buffer => {
  if (typeof value === 'string') {
    const text = Buffer.from(value);
    return Buffer.concat([control(TYPE.text, text.length), text]);
  }
  if (typeof value === 'boolean') return control(TYPE.boolean, value ? 1 : 0);
  if (typeof value === 'number') {
    if (Number.isInteger(value) && value >= 0) {
      const bytes = unsigned(value);
      return Buffer.concat([control(bytes.length > 4 ? TYPE.uint64 : TYPE.uint32, bytes.length), bytes]);
    }
    const double = Buffer.alloc(8);
    double.writeDoubleBE(value);
    return Buffer.concat([control(TYPE.double, 8), double]);
  }
  if (Array.isArray(value)) return Buffer.concat([control(TYPE.array, value.length), ...value.map(encode)]);
  const entries = Object.entries(value);
  return Buffer.concat([
    control(TYPE.map, entries.length),
    ...entries.flatMap(([key, item]) => [encode(key), encode(item)]),
  ]);
};

/** The bits of a network, first to last. */
const bitsOf = (network: string, ipVersion: 4 | 6): number[] => {
  const [address = '', length] = network.split('/');
  const isV6 = isIPv6(address);
  if (isV6 && ipVersion === 4) throw new Error('an IPv4 tree has no IPv6');
  const groups = isV6 ? groupsOf(address) : address.split('.').map(Number);
  const width = isV6 ? 16 : 8;
  const bits = groups.flatMap((group) => [...group.toString(2).padStart(width, '0')].map(Number));
  const kept = bits.slice(0, length === undefined ? bits.length : Number(length));
  return ipVersion === 6 && !isV6 ? [...Array<number>(96).fill(0), ...kept] : kept;
};

const groupsOf = (address: string): number[] => {
  const [head = '', tail] = address.split('::');
  const parse = (part: string): number[] =>
    part === '' ? [] : part.split(':').map((group) => Number.parseInt(group, 16));
  const start = parse(head);
  const end = tail === undefined ? [] : parse(tail);
  return [...start, ...Array<number>(tail === undefined ? 0 : 8 - start.length - end.length).fill(0), ...end];
};

type Child = { node: number } | { data: number } | undefined;

/** The bytes of a file. */
export const mmdbFile = ({
  type,
  networks,
  recordSize = 24,
  ipVersion = 6,
  buildEpoch = 1_790_000_000,
}: MmdbSpec): Buffer => {
  const nodes: [Child, Child][] = [[undefined, undefined]];
  const data: Buffer[] = [];
  let dataBytes = 0;
  for (const [network, value] of Object.entries(networks)) {
    const bits = bitsOf(network, ipVersion);
    let at = 0;
    bits.slice(0, -1).forEach((bit) => {
      const child = nodes[at]![bit];
      if (child && 'node' in child) at = child.node;
      else {
        // A wider network that is cut up holds on both sides.
        nodes.push([child, child]);
        nodes[at]![bit] = { node: nodes.length - 1 };
        at = nodes.length - 1;
      }
    });
    nodes[at]![bits.at(-1)!] = { data: dataBytes };
    const bytes = encode(value);
    data.push(bytes);
    dataBytes += bytes.length;
  }
  const record = (child: Child): number =>
    child === undefined ? nodes.length : 'node' in child ? child.node : nodes.length + 16 + child.data;
  const tree = nodes.map(([left, right]) => nodeBytes(recordSize, record(left), record(right)));
  const metadata = encode({
    binary_format_major_version: 2,
    binary_format_minor_version: 0,
    build_epoch: buildEpoch,
    database_type: type,
    description: { en: 'made by a test' },
    ip_version: ipVersion,
    languages: ['en'],
    node_count: nodes.length,
    record_size: recordSize,
  });
  const mark = Buffer.from('\xab\xcd\xefMaxMind.com', 'latin1');
  return Buffer.concat([...tree, Buffer.alloc(16), ...data, mark, metadata]);
};

const nodeBytes = (recordSize: 24 | 28 | 32, left: number, right: number): Buffer => {
  const node = Buffer.alloc(recordSize / 4);
  if (recordSize === 24) {
    node.writeUIntBE(left, 0, 3);
    node.writeUIntBE(right, 3, 3);
  } else if (recordSize === 32) {
    node.writeUInt32BE(left, 0);
    node.writeUInt32BE(right, 4);
  } else {
    node.writeUIntBE(left % 2 ** 24, 0, 3);
    node[3] = (Math.floor(left / 2 ** 24) << 4) | Math.floor(right / 2 ** 24);
    node.writeUIntBE(right % 2 ** 24, 4, 3);
  }
  return node;
};

/** A record of IPinfo Lite. */
export const ipinfoRecord = (asn: number, name: string, country = 'US'): MmdbValue => ({
  as_domain: 'example.net',
  as_name: name,
  asn: `AS${asn}`,
  continent: 'North America',
  continent_code: 'NA',
  country: 'Somewhere',
  country_code: country,
});

/** A record of GeoLite2-ASN, or of DB-IP's. */
export const geoliteRecord = (asn: number, name: string): MmdbValue => ({
  autonomous_system_number: asn,
  autonomous_system_organization: name,
});

/** A record of GeoLite2-City, or of DB-IP's. */
export const cityRecord = (country: string, city: string, latitude: number, longitude: number): MmdbValue => ({
  city: { names: { de: `${city} (de)`, en: city } },
  country: { iso_code: country, names: { en: 'Somewhere' } },
  location: { latitude, longitude },
});

export const IPINFO_LITE = 'ipinfo bundle_location_lite.mmdb';
