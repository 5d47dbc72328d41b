import { basename } from 'node:path';
import type { Settings } from '../config/schema.ts';

/** Something to download. */
export interface AsnSource {
  /** For people; no secret is in it. */
  readonly name: string;
  /** A secret: tokens are in it. */
  readonly url: string;
  /** `user:password` for the host of `url` and nobody else. */
  readonly credentials?: string;
  /** In the folder of the databases. */
  readonly fileName: string;
  /** What to look at where the source refuses. */
  readonly settings: string;
}

/** Where the vendors' files are. */
export interface AsnVendors {
  readonly ipinfo: string;
  readonly maxmind: string;
}

export const VENDORS: AsnVendors = { ipinfo: 'https://ipinfo.io', maxmind: 'https://download.maxmind.com' };

/** What the settings say is to be fetched. */
export const asnSources = (
  { ipinfoToken, maxmindAccount, maxmindKey, maxmindEditions, url }: Settings['asn'],
  vendors: AsnVendors = VENDORS,
): AsnSource[] => [
  ...(url === undefined ? [] : [sourceOfUrl(url)]),
  ...(ipinfoToken === undefined
    ? []
    : [
        {
          name: 'IPinfo Lite',
          url: `${vendors.ipinfo}/data/ipinfo_lite.mmdb?token=${encodeURIComponent(ipinfoToken)}`,
          fileName: 'ipinfo_lite.mmdb',
          settings: 'asn.ipinfoToken',
        },
      ]),
  ...(maxmindKey === undefined
    ? []
    : maxmindEditions.map((edition) => ({
        name: edition,
        ...maxmindAccess(vendors.maxmind, edition, maxmindAccount, maxmindKey),
        fileName: `${edition}.mmdb`,
        settings: 'asn.maxmindAccount and asn.maxmindKey',
      }))),
];

const maxmindAccess = (
  host: string,
  edition: string,
  account: string | undefined,
  key: string,
): Pick<AsnSource, 'url' | 'credentials'> =>
  account === undefined
    ? {
        url: `${host}/app/geoip_download?edition_id=${edition}&license_key=${encodeURIComponent(key)}&suffix=tar.gz`,
      }
    : { url: `${host}/geoip/databases/${edition}/download?suffix=tar.gz`, credentials: `${account}:${key}` };

/** @param text a URL with http or https; user and password may be in it */
export const sourceOfUrl = (text: string): AsnSource => {
  const url = new URL(text);
  const credentials = url.username === '' ? undefined : `${decoded(url.username)}:${decoded(url.password)}`;
  url.username = '';
  url.password = '';
  // Some vendors have their customers' keys in the path: nothing of it is shown but what is surely the name of a file.
  const last = basename(decoded(url.pathname));
  const bare = /^([A-Za-z0-9][\w.-]{0,100}?)(?:\.mmdb|\.tar|\.t?gz)+$/i.exec(last)?.[1];
  return {
    name: bare === undefined ? url.origin : `${last} of ${url.origin}`,
    url: url.href,
    ...(credentials === undefined ? {} : { credentials }),
    fileName: `${bare ?? 'downloaded'}.mmdb`,
    settings: 'asn.url',
  };
};

const decoded = (text: string): string => {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
};
