/** `::ffff:192.0.2.1` → `192.0.2.1`; anything else unchanged. Every address text passes through here once, where it enters. */
export const normaliseAddress = (address: string): string =>
  address.startsWith('::ffff:') && address.includes('.') ? address.slice(7) : address;

/** `192.0.2.1:5000`, `[2001:db8::1]:5000`. */
export const formatEndpoint = (address: string, port: number): string =>
  address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`;

/** `host:port` or `[v6]:port` → its parts, or undefined where it is neither. */
export const parseEndpoint = (text: string): { host: string; port: number } | undefined => {
  const match = /^(?:\[([0-9a-fA-F:.%]+)\]|([^:[\]\s]+)):(\d{1,5})$/.exec(text);
  if (!match) return undefined;
  const port = Number(match[3]);
  const host = match[1] ?? match[2];
  return host === undefined || port < 1 || port > 65535 ? undefined : { host, port };
};

export const isLoopback = (address: string): boolean => address === '::1' || address.startsWith('127.');

/** An address of this machine on which a node with this `bind` answers. */
export const ownAddressOf = (bind: readonly string[]): string => {
  const [first] = bind;
  const anywhere =
    first === undefined || bind.some((address) => ['::', '0.0.0.0', 'auto', '127.0.0.1'].includes(address));
  return anywhere ? '127.0.0.1' : first;
};
