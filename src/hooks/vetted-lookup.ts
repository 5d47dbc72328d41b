import { lookup as systemLookup } from 'node:dns/promises';
import { isIP } from 'node:net';
import { normaliseAddress } from '../shared/address.ts';
import type { Current } from '../shared/current.ts';
import { Networks } from '../stats/callers.ts';
import { isPublicAddress } from '../stats/reserved-address.ts';

export interface FoundAddress {
  readonly address: string;
  readonly family: number;
}

export type Resolve = (host: string) => Promise<readonly FoundAddress[]>;

const resolveBySystem: Resolve = (host) => systemLookup(host, { all: true });

/** Why a receiver is not called. */
export class AddressRefused extends Error {}

/**
 * Where a receiver may be called: at addresses of the public Internet, and in the networks that the settings allow. One question of a host
 * is under way at once, since each holds one of the process's few threads for such work; none of them is that of the packets.
 */
export class VettedLookup {
  readonly #allowed: Networks;
  readonly #resolve: Resolve;
  readonly #asked = new Map<string, Promise<readonly FoundAddress[]>>();

  constructor(allowedNetworks: Current<readonly string[]>, resolve = resolveBySystem) {
    this.#allowed = new Networks(allowedNetworks);
    this.#resolve = resolve;
  }

  /**
   * The addresses of a host, which are the ones to connect to: asking again might have another answer.
   * @param host name or numeric address, IPv6 also in brackets
   * @throws AddressRefused where one of them may not be called; what the system says where the name leads nowhere
   */
  async addressesOf(host: string): Promise<readonly FoundAddress[]> {
    const bare = host.replace(/^\[(.*)\]$/, '$1');
    const family = isIP(bare);
    const found = family === 0 ? await this.#ask(bare) : [{ address: bare, family }];
    for (const { address } of found)
      if (!this.#mayCall(normaliseAddress(address)))
        throw new AddressRefused(`${bare} leads to ${address}, which is not public: add it to hooks.allowedNetworks`);
    if (found.length === 0) throw new AddressRefused(`${bare} has no address`);
    return found;
  }

  #mayCall(address: string): boolean {
    return isPublicAddress(address) || this.#allowed.has(address);
  }

  #ask(host: string): Promise<readonly FoundAddress[]> {
    const under = this.#asked.get(host);
    if (under) return under;
    const asking = this.#resolve(host).finally(() => this.#asked.delete(host));
    this.#asked.set(host, asking);
    return asking;
  }
}
