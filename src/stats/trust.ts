import type { IncomingHttpHeaders } from 'node:http';
import { BlockList, isIP, isIPv6 } from 'node:net';
import { isLoopback } from '../shared/address.ts';

const FORWARDING_HEADERS = ['forwarded', 'x-forwarded-for', 'x-real-ip'];

/** Addresses that need no key to see publisher ids. */
export class Trust {
  readonly #networks = new BlockList();

  /** @param networks addresses and networks such as `10.8.0.0/24` */
  constructor(networks: readonly string[]) {
    for (const network of networks) {
      const [address = '', bits] = network.split('/');
      const family = isIPv6(address) ? 'ipv6' : 'ipv4';
      if (bits === undefined) this.#networks.addAddress(address, family);
      else this.#networks.addSubnet(address, Number(bits), family);
    }
  }

  /**
   * Never for a request that a proxy on a trusted machine has passed on, nor for one to this machine under a foreign name, which a
   * web page in its browser could have sent (DNS rebinding).
   */
  covers(address: string, headers: IncomingHttpHeaders): boolean {
    const bare = address.split('%')[0]!;
    if (isIP(bare) === 0 || !this.#networks.check(bare, isIPv6(bare) ? 'ipv6' : 'ipv4')) return false;
    if (FORWARDING_HEADERS.some((name) => headers[name] !== undefined)) return false;
    return !isLoopback(bare) || isOwnName(headers.host ?? '');
  }
}

const isOwnName = (host: string): boolean => {
  const name = /^\[(.*)\](?::\d+)?$/.exec(host)?.[1] ?? host.replace(/:\d+$/, '');
  return name === 'localhost' || isIP(name) !== 0;
};
