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
