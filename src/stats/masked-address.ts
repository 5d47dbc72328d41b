import { isIPv6 } from 'node:net';
import { formatEndpoint } from '../shared/address.ts';
import { ipv6Prefix } from './ipv6-prefix.ts';

/** The kept part, and a number in place of the rest: `203.0.113.0`, `2001:db8:1::`. */
const masked = (address: string, host: number): string =>
  isIPv6(address)
    ? `${ipv6Prefix(address, 3)}::${host === 0 ? '' : host.toString(16)}`
    : address.replace(/[^.]*$/, String(host));

/**
 * Endpoints without the part of each address that points at a person: the last octet of IPv4, the last 80 bits of IPv6. They stay
 * different from each other: where two became equal, the last octet or group counts up.
 */
export class AddressMask {
  readonly #used = new Set<string>();

  mask(address: string, port: number): string {
    for (let host = 0; ; host++) {
      const endpoint = formatEndpoint(masked(address, host), port);
      if (this.#used.has(endpoint)) continue;
      this.#used.add(endpoint);
      return endpoint;
    }
  }
}
