/**
 * The first groups of an IPv6 address, each without leading zeros: `2001:db8:0` for three groups of `2001:db8::1`.
 * @param address numeric; a zone (`%eth0`) is left out
 */
export const ipv6Prefix = (address: string, groups: number): string => {
  const [head = '', tail] = address.split('%')[0]!.split('::');
  const all = head === '' ? [] : head.split(':');
  if (tail !== undefined) {
    const rest = tail === '' ? [] : tail.split(':');
    while (all.length + rest.length < 8) all.push('0');
    all.push(...rest);
  }
  return all
    .slice(0, groups)
    .map((group) => group.replace(/^0+(?=.)/, ''))
    .join(':');
};
