/** The part of os.networkInterfaces() that is read here. */
export type Interfaces = Readonly<
  Record<string, readonly { address: string; family: string; internal: boolean; scopeid?: number }[] | undefined>
>;

const isLinkLocal = (address: string): boolean => /^fe[89ab]/i.test(address) || address.startsWith('169.254.');

/**
 * The addresses to open SRT listeners on. libsrt answers from the machine's primary address, so a caller of a secondary one is never
 * answered by a wildcard socket; where a machine has several addresses of a family, or `auto` is asked for, each gets a listener.
 *
 * @param bind as set: addresses, `::` (dual-stack), `0.0.0.0`, or `auto`
 * @param each wildcards are spelled out however few addresses there are: a node that began so cannot change over while it runs
 */
export const srtBindAddresses = (bind: readonly string[], interfaces: Interfaces, each = false): string[] => {
  const result = new Set<string>();
  for (const entry of bind) {
    if (entry !== 'auto' && entry !== '::' && entry !== '0.0.0.0') {
      result.add(entry);
      continue;
    }
    const families = entry === '0.0.0.0' ? ['IPv4'] : ['IPv4', 'IPv6'];
    const all = Object.values(interfaces).flatMap((list) => list ?? []);
    const usable = all.filter((item) => families.includes(item.family) && !isLinkLocal(item.address));
    const several = families.some(
      (family) => usable.filter((item) => item.family === family && !item.internal).length > 1,
    );
    if (entry !== 'auto' && !several && !each) result.add(entry);
    else for (const item of usable) result.add(item.address);
  }
  return [...result];
};
