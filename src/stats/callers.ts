import type { IncomingHttpHeaders } from 'node:http';
import { BlockList, isIP, isIPv6 } from 'node:net';
import { normaliseAddress } from '../shared/address.ts';
import { type Current, reading } from '../shared/current.ts';

/** Addresses and networks such as `10.8.0.0/24`. */
export class Networks {
  readonly #networks: () => readonly string[];
  #listed: readonly string[] = [];
  #list = new BlockList();

  constructor(networks: Current<readonly string[]>) {
    this.#networks = reading(networks);
  }

  /** @param address numeric, with or without a zone; anything else is in no network */
  has(address: string): boolean {
    const bare = address.split('%')[0]!;
    return isIP(bare) !== 0 && this.#listNow().check(bare, isIPv6(bare) ? 'ipv6' : 'ipv4');
  }

  #listNow(): BlockList {
    const networks = this.#networks();
    if (networks === this.#listed) return this.#list;
    const list = new BlockList();
    for (const network of networks) {
      const [address = '', bits] = network.split('/');
      const family = isIPv6(address) ? 'ipv6' : 'ipv4';
      if (bits === undefined) list.addAddress(address, family);
      else list.addSubnet(address, Number(bits), family);
    }
    this.#listed = networks;
    this.#list = list;
    return list;
  }
}

/** What a request says of where it comes from: one of fastify or of `node:http`. */
export interface Received {
  readonly socket: { readonly remoteAddress?: string | undefined };
  readonly headers: IncomingHttpHeaders;
}

/** The peer of the connection, normalised; forwarding headers are not believed. */
export const peerAddress = ({ socket }: Pick<Received, 'socket'>): string =>
  normaliseAddress(socket.remoteAddress ?? '');

/** Entries of X-Forwarded-For that are looked at, from the right. */
const MOST_HOPS = 16;

/** Who sends a request: the peer of its connection, or, where that is a trusted proxy, whom the proxy names. */
export class Callers {
  readonly #proxies: Networks;

  constructor(trustedProxies: Current<readonly string[]>) {
    this.#proxies = new Networks(trustedProxies);
  }

  /**
   * The client's address, normalised. Of X-Forwarded-For counts the rightmost entry that is no trusted proxy: what stands further left, the
   * client may have written itself.
   */
  addressOf(request: Received): string {
    const { headers } = request;
    let address = peerAddress(request);
    if (!this.#proxies.has(address)) return address;
    const hops = [headers['x-forwarded-for'] ?? []].flat().join(',').split(',').slice(-MOST_HOPS);
    for (const hop of hops.reverse()) {
      const named = forwardedAddress(hop);
      if (named === undefined) break;
      address = named;
      if (!this.#proxies.has(address)) break;
    }
    return address;
  }
}

/** `192.0.2.1`, `192.0.2.1:5000`, `2001:db8::1`, `[2001:db8::1]:5000`. */
const forwardedAddress = (hop: string): string | undefined => {
  const text = hop.trim();
  if (text.length > 64) return undefined;
  const bare = /^\[([^\]]+)\](?::\d{1,5})?$/.exec(text)?.[1] ?? text.replace(/^([\d.]+):\d{1,5}$/, '$1');
  return isIP(bare) === 0 ? undefined : normaliseAddress(bare.toLowerCase());
};
