import { Networks } from './callers.ts';

/** Addresses that belong to no organisation, by what they are called on a screen. First match counts. */
const RESERVED: readonly (readonly [label: string, networks: readonly string[]])[] = [
  ['This machine', ['127.0.0.0/8', '::1', '0.0.0.0/8', '::']],
  // RFC 6598: between a provider's customers and its NAT; VPNs such as Tailscale use it, too.
  ['CGNAT', ['100.64.0.0/10']],
  ['Private network', ['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16', 'fc00::/7', '198.18.0.0/15']],
  ['Link-local', ['169.254.0.0/16', 'fe80::/10']],
];

const NETWORKS = RESERVED.map(([label, networks]) => ({ label, networks: new Networks(networks) }));

/** What an address is that means nothing outside its own network (RFC 6890); undefined for every other one. */
export const reservedLabel = (address: string): string | undefined =>
  NETWORKS.find(({ networks }) => networks.has(address))?.label;

/** Further networks that are no single host of the public Internet, or lead from it into another one (NAT64, 6to4, Teredo). */
const NO_HOST = new Networks([
  ...['192.0.0.0/24', '192.0.2.0/24', '198.51.100.0/24', '203.0.113.0/24', '192.88.99.0/24', '224.0.0.0/3'],
  ...['ff00::/8', 'fec0::/10', '64:ff9b::/96', '64:ff9b:1::/48', '100::/64', '2001::/32', '2001:db8::/32', '2002::/16'],
  '::/96',
]);

/** Whether a host of the public Internet can have the address. @param address numeric, normalised */
export const isPublicAddress = (address: string): boolean =>
  reservedLabel(address) === undefined && !NO_HOST.has(address);
