import { lookup } from 'node:dns/promises';
import { isIP } from 'node:net';
import { parseEndpoint } from '../shared/address.ts';
import { messageOf, TributaryError } from '../shared/errors.ts';

export const DEFAULT_SRTLA_PORT = 5000;

/** A receiver: the same port on an IPv4 address, an IPv6 address, or both. */
export interface Destination {
  readonly port: number;
  readonly ipv4: string | undefined;
  readonly ipv6: string | undefined;
}

export interface DestinationText {
  readonly host: string;
  readonly port: number;
  /** From `srtla://HOST:PORT?streamid=…`. */
  readonly streamId: string | undefined;
}

const MEND = 'write HOST:PORT, [IPV6]:PORT or srtla://HOST:PORT?streamid=ID';

/**
 * `HOST:PORT`, `HOST` (port 5000), or the URL that a node prints.
 * @throws TributaryError TRIBUTARY_BAD_ARGUMENT. The text is not repeated where it may hold a stream id.
 */
export const parseDestination = (text: string): DestinationText => {
  const [, scheme, place, query] = /^(srtla:\/\/)?([^/?#]+)\/?(?:\?(.*))?$/s.exec(text) ?? [];
  if (place === undefined || (query !== undefined && scheme === undefined)) {
    throw new TributaryError('TRIBUTARY_BAD_ARGUMENT', '--to is not an address', MEND);
  }
  const bare = /^[^:[\]]+$/.test(place) || /^\[[^\]]+\]$/.test(place);
  const endpoint = parseEndpoint(bare ? `${place}:${DEFAULT_SRTLA_PORT}` : place);
  if (endpoint === undefined) {
    throw new TributaryError('TRIBUTARY_BAD_ARGUMENT', `--to names no address and port (${place})`, MEND);
  }
  const streamId = new URLSearchParams(query ?? '').get('streamid') ?? undefined;
  return { ...endpoint, streamId };
};

/**
 * Resolves the name once: the first address of each family.
 * @throws TributaryError TRIBUTARY_BAD_ARGUMENT
 */
export const resolveDestination = async (host: string, port: number): Promise<Destination> => {
  const family = isIP(host);
  if (family !== 0) {
    return { port, ipv4: family === 4 ? host : undefined, ipv6: family === 6 ? host : undefined };
  }
  try {
    const found = await lookup(host, { all: true });
    return {
      port,
      ipv4: found.find((entry) => entry.family === 4)?.address,
      ipv6: found.find((entry) => entry.family === 6)?.address,
    };
  } catch (error) {
    throw new TributaryError(
      'TRIBUTARY_BAD_ARGUMENT',
      `the name ${host} cannot be resolved (${messageOf(error)})`,
      'check --to and the DNS of this machine',
      error,
    );
  }
};
