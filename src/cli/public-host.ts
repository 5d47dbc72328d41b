import { BlockList, isIP } from 'node:net';
import { type NetworkInterfaceInfo, networkInterfaces } from 'node:os';

export interface PublicHost {
  /** A name or a numeric address, IPv6 without brackets. */
  host: string;
  /** Nobody outside this network reaches it. */
  local: boolean;
}

/** The settings that name the host, in the order in which they count. */
export interface HostSettings {
  publicHost?: string | undefined;
  publicIp?: string | undefined;
  appUrl?: string | undefined;
}

export type Interfaces = Readonly<Record<string, readonly NetworkInterfaceInfo[] | undefined>>;

const networks = (family: 'ipv4' | 'ipv6', list: readonly string[]): BlockList => {
  const block = new BlockList();
  for (const text of list) {
    const [address, prefix] = text.split('/') as [string, string];
    block.addSubnet(address, Number(prefix), family);
  }
  return block;
};

const LAN_V4 = networks('ipv4', ['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16']);
/** Documentation and benchmark networks: routed nowhere, so whoever uses them does so inside. */
const LAB_V4 = networks('ipv4', ['192.0.2.0/24', '198.51.100.0/24', '203.0.113.0/24', '198.18.0.0/15', '192.0.0.0/24']);
const CARRIER_V4 = networks('ipv4', ['100.64.0.0/10']);
const UNUSABLE_V4 = networks('ipv4', ['0.0.0.0/8', '127.0.0.0/8', '224.0.0.0/4', '240.0.0.0/4']);
const LINK_LOCAL_V4 = networks('ipv4', ['169.254.0.0/16']);

const GLOBAL_V6 = networks('ipv6', ['2000::/3']);
/** Inside 2000::/3 and yet no address of a host: protocol assignments with Teredo, documentation, 6to4. */
const SPECIAL_V6 = networks('ipv6', ['2001::/23', '2001:db8::/32', '3fff::/20', '2002::/16']);
const ULA_V6 = networks('ipv6', ['fc00::/7']);

/** How well an address serves in a URL, 0 is best; undefined where it does not serve at all (loopback, multicast, fe80::). */
const rankOf = (address: string): number | undefined => {
  if (isIP(address) === 4) {
    if (UNUSABLE_V4.check(address)) return undefined;
    if (LAN_V4.check(address)) return 2;
    if (LAB_V4.check(address)) return 3;
    if (CARRIER_V4.check(address)) return 4;
    return LINK_LOCAL_V4.check(address) ? 6 : 0;
  }
  if (isIP(address) !== 6) return undefined;
  if (GLOBAL_V6.check(address, 'ipv6')) return SPECIAL_V6.check(address, 'ipv6') ? 5 : 1;
  return ULA_V6.check(address, 'ipv6') ? 5 : undefined;
};

const LAST_GLOBAL_RANK = 1;

/** A numeric address that the whole Internet can reach, as far as the address itself tells. */
export const isGlobalAddress = (address: string): boolean => (rankOf(address) ?? 9) <= LAST_GLOBAL_RANK;

const isLoopbackName = (host: string): boolean =>
  host === 'localhost' || host.endsWith('.localhost') || host === '::1' || /^127\.\d+\.\d+\.\d+$/.test(host);

const hostOfUrl = (text: string): string | undefined => {
  try {
    const { hostname } = new URL(text.includes('://') ? text : `http://${text}`);
    return hostname.replace(/^\[|\]$/g, '') || undefined;
  } catch {
    return undefined;
  }
};

/** Bridges of containers and virtual machines have addresses that only this machine knows. */
const VIRTUAL = /^(docker|br-|veth|virbr|vmnet|vboxnet|cni|podman|lxcbr|lxdbr|flannel|cali)/;

const bestAddress = (interfaces: Interfaces): { address: string; rank: number } | undefined => {
  let best: { address: string; rank: number } | undefined;
  for (const [name, addresses] of Object.entries(interfaces))
    for (const { address, internal } of addresses ?? []) {
      const own = internal ? undefined : rankOf(address);
      if (own === undefined) continue;
      const rank = own > LAST_GLOBAL_RANK && VIRTUAL.test(name) ? own + 10 : own;
      if (!best || rank < best.rank) best = { address, rank };
    }
  return best;
};

/**
 * The host in the URLs that people paste: what the settings say, else a global address of an interface (IPv4 before IPv6), else
 * the address in the local network. A loopback host in `appUrl` is of no use to a phone and is passed over.
 */
export const choosePublicHost = (settings: HostSettings, interfaces: Interfaces = networkInterfaces()): PublicHost => {
  const app = settings.appUrl ? hostOfUrl(settings.appUrl) : undefined;
  const named = settings.publicHost || settings.publicIp || (app && !isLoopbackName(app) ? app : undefined);
  if (named) return { host: named, local: false };
  const best = bestAddress(interfaces);
  return best ? { host: best.address, local: !isGlobalAddress(best.address) } : { host: '127.0.0.1', local: true };
};
