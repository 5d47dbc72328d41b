import { isIP, isIPv6 } from 'node:net';
import { z } from 'zod';

/** A kind of value: how it is read, and what a correct one looks like. */
export interface Kind<T> {
  /** Reads text (environment, flags) or a YAML value; undefined where it is not of this kind. */
  read(value: unknown): { value: T } | undefined;
  /** How a wrong value is mended: an imperative, shown with every one. */
  readonly mend: string;
  /** The value as it is written in YAML and in the documentation. */
  show(value: T): string;
}

type Checked<T> = { success: true; data: T } | { success: false };

const kind = <T>(
  schema: { safeParse(value: unknown): Checked<T> },
  mend: string,
  show: (value: T) => string = String,
): Kind<T> => ({
  read: (value) => {
    const result = schema.safeParse(value);
    return result.success ? { value: result.data } : undefined;
  },
  mend,
  show,
});

const toNumber = (value: unknown): unknown =>
  typeof value === 'string' && /^-?\d+$/.test(value.trim()) ? Number(value) : value;

export const wholeNumber = (least: number, most: number): Kind<number> =>
  kind(z.preprocess(toNumber, z.number().int().min(least).max(most)), `give a whole number from ${least} to ${most}`);

const toDecimal = (value: unknown): unknown =>
  typeof value === 'string' && /^\d+(?:\.\d+)?$/.test(value.trim()) ? Number(value) : value;

export const percent = (least: number, most: number): Kind<number> =>
  kind(z.preprocess(toDecimal, z.number().min(least).max(most)), `give percent from ${least} to ${most}`);

const UNIT_MS: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 };

const duration = (unitMs: number, unitName: string, least: number, most: number, note: string): Kind<number> => {
  const parse = (value: unknown): unknown => {
    const match = typeof value === 'string' ? /^(\d+(?:\.\d+)?)\s*(ms|s|m|h)$/.exec(value.trim()) : null;
    return match ? (Number(match[1]) * UNIT_MS[match[2]!]!) / unitMs : toNumber(value);
  };
  return kind(
    z.preprocess(parse, z.number().int().min(least).max(most)),
    `give ${unitName} from ${least} to ${most}${note}, or a duration such as 10s`,
  );
};

export const milliseconds = (least: number, most: number): Kind<number> => duration(1, 'milliseconds', least, most, '');
export const seconds = (least: number, most: number): Kind<number> => duration(1_000, 'seconds', least, most, '');

const UNIT_BYTES: Readonly<Record<string, number>> = {
  '': 1,
  B: 1,
  kB: 1e3,
  MB: 1e6,
  GB: 1e9,
  KiB: 2 ** 10,
  MiB: 2 ** 20,
  GiB: 2 ** 30,
};

const showBytes = (value: number): string => {
  for (const unit of ['GiB', 'MiB', 'KiB'])
    if (value > 0 && value % UNIT_BYTES[unit]! === 0) return `${value / UNIT_BYTES[unit]!}${unit}`;
  return String(value);
};

export const bytes = (least: number, most: number): Kind<number> => {
  const parse = (value: unknown): unknown => {
    const match = typeof value === 'string' ? /^(\d+(?:\.\d+)?)\s*(B|kB|MB|GB|KiB|MiB|GiB)?$/.exec(value.trim()) : null;
    return match ? Number(match[1]) * UNIT_BYTES[match[2] ?? '']! : value;
  };
  return kind(
    z.preprocess(parse, z.number().int().min(least).max(most)),
    `give a size from ${showBytes(least)} to ${showBytes(most)}, in bytes or such as 8MiB`,
    showBytes,
  );
};

const portSchema = z.preprocess(toNumber, z.number().int().min(0).max(65_535));
/** 0 asks the system for a free port. */
export const port: Kind<number> = kind(portSchema, 'give a port from 1 to 65535, or 0 for a free one');

const toList = (value: unknown): unknown => {
  if (typeof value === 'string') return value.trim() === 'none' ? [] : value.split(',').map((item) => item.trim());
  return Array.isArray(value) ? value : [value];
};
const isUnique = (list: readonly unknown[]): boolean => new Set(list).size === list.length;
const showList = (list: readonly (string | number)[]): string =>
  `[${list.map((item) => (typeof item === 'string' ? `'${item}'` : item)).join(', ')}]`;

export const portList: Kind<readonly number[]> = kind<readonly number[]>(
  z.preprocess(
    toList,
    z
      .array(portSchema)
      .min(1)
      .max(8)
      .refine((list) => isUnique(list.filter((item) => item !== 0))),
  ),
  'give one to eight different ports from 1 to 65535 separated by commas, or 0 for a free one',
  showList,
);

/** Beside another port: there may be none. */
export const furtherPorts: Kind<readonly number[]> = kind<readonly number[]>(
  z.preprocess(
    toList,
    z
      .array(z.preprocess(toNumber, z.number().int().min(1).max(65_535)))
      .max(8)
      .refine(isUnique),
  ),
  "give up to eight different ports from 1 to 65535 separated by commas, or 'none'",
  showList,
);

export const addressList: Kind<readonly string[]> = kind<readonly string[]>(
  z.preprocess(
    toList,
    z
      .array(z.string().refine((item) => item === 'auto' || isIP(item) !== 0))
      .min(1)
      .max(32)
      .refine(isUnique),
  ),
  "give numeric addresses separated by commas, such as 0.0.0.0 or ::, or 'auto' for every address of the machine",
  showList,
);

/** Short lower-case names such as those of regions. */
export const wordList: Kind<readonly string[]> = kind<readonly string[]>(
  z.preprocess(
    toList,
    z
      .array(z.string().regex(/^[a-z0-9][a-z0-9-]{0,62}$/))
      .min(1)
      .max(64)
      .refine(isUnique),
  ),
  'give names of lower-case letters, digits and hyphens separated by commas',
  showList,
);

const isNetwork = (text: string): boolean => {
  const match = /^([^/]+)(?:\/(\d{1,3}))?$/.exec(text);
  if (!match || isIP(match[1]!) === 0) return false;
  return match[2] === undefined || Number(match[2]) <= (isIPv6(match[1]!) ? 128 : 32);
};

export const networkList: Kind<readonly string[]> = kind<readonly string[]>(
  z.preprocess(toList, z.array(z.string().refine(isNetwork)).max(256)),
  "give addresses or networks separated by commas, such as 198.51.100.7 or 10.8.0.0/24, or 'none'",
  showList,
);

export const oneOf = <const T extends string>(...choices: readonly T[]): Kind<T> =>
  kind<T>(z.enum(choices) as unknown as z.ZodType<T>, `give one of ${choices.join(', ')}`);

const toFlag = (value: unknown): unknown =>
  value === 'true' || value === 'yes' || value === '1'
    ? true
    : value === 'false' || value === 'no' || value === '0'
      ? false
      : value;

export const flag: Kind<boolean> = kind<boolean>(z.preprocess(toFlag, z.boolean()), 'give true or false');

export const folder: Kind<string> = kind(z.string().min(1).max(4_096), 'give the path of a folder');
export const file: Kind<string | undefined> = kind(z.string().min(1).max(4_096), 'give the path of a file', showText);

export const hostName: Kind<string | undefined> = kind(
  z.string().refine((text) => isIP(text) !== 0 || /^[A-Za-z0-9](?:[A-Za-z0-9.-]{0,251}[A-Za-z0-9])?$/.test(text)),
  'give a host name or a numeric address, without scheme and port',
  showText,
);

export const address: Kind<string | undefined> = kind(
  z.string().refine((text) => isIP(text) !== 0),
  'give a numeric IPv4 or IPv6 address',
  showText,
);

export const address6: Kind<string | undefined> = kind(
  z.string().refine((text) => isIP(text) === 6),
  'give a numeric IPv6 address',
  showText,
);

/** Lenient: a line in a .env file that other programs read too must not keep the node from starting. */
export const text: Kind<string | undefined> = kind(
  z.string().regex(/^[^\s\p{Cc}]{1,2048}$/u),
  'give text without spaces',
  showText,
);

/** What names this node to others: parts of URLs and host names are made of it. */
export const serverId: Kind<string | undefined> = kind(
  z.string().regex(/^[A-Za-z0-9](?:[A-Za-z0-9._-]{0,62}[A-Za-z0-9])?$/),
  'give 1 to 64 letters, digits, dots, dashes and underscores, the first and last a letter or digit',
  showText,
);

/** Whether an address of this kind leaves the machine: the name that every system gives it, and the numeric ones. */
const isLoopbackHost = (host: string): boolean =>
  host === 'localhost' || host === '[::1]' || /^127(?:\.\d{1,3}){3}$/.test(host);

const toServiceUrl = (value: unknown): unknown => {
  if (typeof value !== 'string') return undefined;
  const text = value.trim();
  const url = URL.parse(/^[a-z][a-z0-9+.-]*:\/\//i.test(text) ? text : `https://${text}`);
  const isSafe = url?.protocol === 'https:' || (url?.protocol === 'http:' && isLoopbackHost(url.hostname));
  if (!url || !isSafe || url.search !== '' || url.hash !== '' || url.username !== '' || url.password !== '')
    return undefined;
  return url.href.replace(/\/+$/, '');
};

/** Keys go to it: in the clear to this machine only. */
export const serviceUrl: Kind<string | undefined> = kind(
  z.preprocess(toServiceUrl, z.string().max(2_048)),
  'give an https:// URL without user, query and fragment; http:// is taken for loopback only (127.0.0.1, localhost)',
  showText,
);

export interface GeoPosition {
  latitude: number;
  longitude: number;
}

const toPosition = (value: unknown): unknown => {
  const match = /^(-?\d{1,2}(?:\.\d+)?)\s*[, ]\s*(-?\d{1,3}(?:\.\d+)?)$/.exec(String(value).trim());
  return match ? { latitude: Number(match[1]), longitude: Number(match[2]) } : undefined;
};

export const position: Kind<GeoPosition | undefined> = kind<GeoPosition | undefined>(
  z.preprocess(
    toPosition,
    z.object({ latitude: z.number().min(-90).max(90), longitude: z.number().min(-180).max(180) }),
  ),
  'give latitude and longitude in degrees, such as 41.88,-87.63',
  (value) => (value ? `${value.latitude},${value.longitude}` : ''),
);

/** As others hand them out: IPinfo's tokens have 14 characters. */
export const credential: Kind<string | undefined> = kind(
  z.string().regex(/^[\x21-\x7e]{4,256}$/),
  'give 4 to 256 printable ASCII characters without spaces',
  showText,
);

/** Digits, which YAML reads as a number where they are not quoted. */
export const accountNumber: Kind<string | undefined> = kind(
  z.preprocess((value) => (typeof value === 'number' ? String(value) : value), z.string().regex(/^\d{1,16}$/)),
  'give a number of up to 16 digits',
  showText,
);

const isWebUrl = (text: string): boolean => {
  if (/\s/.test(text) || text.length > 2_048 || !URL.canParse(text)) return false;
  return ['http:', 'https:'].includes(new URL(text).protocol);
};

export const webUrl: Kind<string | undefined> = kind(
  z.string().refine(isWebUrl),
  'give a URL that begins with https:// or http://',
  showText,
);

/** Few: each one may hold one of the threads that the process resolves names in. */
export const webUrlList: Kind<readonly string[]> = kind<readonly string[]>(
  z.preprocess(toList, z.array(z.string().refine(isWebUrl)).max(4).refine(isUnique)),
  "give up to four different URLs that begin with https:// or http:// separated by commas, or 'none'",
  showList,
);

export const listOf = <const T extends string>(...choices: readonly T[]): Kind<readonly T[]> =>
  kind<readonly T[]>(
    z.preprocess(
      toList,
      z
        .array(z.enum(choices) as unknown as z.ZodType<T>)
        .min(1)
        .refine(isUnique),
    ),
    `give one or more of ${choices.join(', ')}, separated by commas`,
    showList,
  );

export const secret: Kind<string | undefined> = kind(
  z.string().regex(/^[\x21-\x7e]{16,256}$/),
  'give 16 to 256 printable ASCII characters without spaces',
  showText,
);

function showText(value: string | undefined): string {
  return value ?? '';
}
