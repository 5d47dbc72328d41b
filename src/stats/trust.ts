import type { IncomingHttpHeaders } from 'node:http';
import { isIP } from 'node:net';
import { isLoopback } from '../shared/address.ts';
import type { Current } from '../shared/current.ts';
import { Networks } from './callers.ts';

/** What proxies add, each of them some. */
const FORWARDING_HEADERS = [
  ...['forwarded', 'via', 'x-forwarded-for', 'x-forwarded-host', 'x-forwarded-proto', 'x-real-ip'],
  ...['x-client-ip', 'true-client-ip', 'cf-connecting-ip'],
];

/** Addresses that need no key to see publisher ids. */
export class Trust {
  readonly #networks: Networks;

  /** @param networks addresses and networks such as `10.8.0.0/24` */
  constructor(networks: Current<readonly string[]>) {
    this.#networks = new Networks(networks);
  }

  /**
   * Never for a request that a proxy on a trusted machine has passed on, nor for one to this machine under a foreign name, which a
   * web page in its browser could have sent (DNS rebinding).
   * @param address of the connection's peer
   */
  covers(address: string, headers: IncomingHttpHeaders): boolean {
    const bare = address.split('%')[0]!;
    if (!this.#networks.has(bare)) return false;
    if (FORWARDING_HEADERS.some((name) => headers[name] !== undefined)) return false;
    return !isLoopback(bare) || isOwnName(headers.host ?? '');
  }
}

const isOwnName = (host: string): boolean => {
  const name = /^\[(.*)\](?::\d+)?$/.exec(host)?.[1] ?? host.replace(/:\d+$/, '');
  return name === 'localhost' || isIP(name) !== 0;
};
