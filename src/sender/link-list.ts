import { readFileSync } from 'node:fs';
import { isIP } from 'node:net';
import { networkInterfaces } from 'node:os';
import { isLoopback } from '../shared/address.ts';
import { messageOf, TributaryError } from '../shared/errors.ts';
import type { Destination } from './destination.ts';

const MEND = 'give source addresses of this machine, such as 192.0.2.10,198.51.100.7, or a file with one a line';

/** @throws TributaryError TRIBUTARY_BAD_ARGUMENT */
export const checkLinkAddress = (address: string): string => {
  if (isIP(address) === 0) {
    throw new TributaryError('TRIBUTARY_BAD_ARGUMENT', `link "${address}" is not an IP address`, MEND);
  }
  return address;
};

/** One address a line; blank lines and lines that begin with `#` are skipped. Doubles count once. */
export const parseLinkLines = (text: string): string[] => [
  ...new Set(
    text
      .split(/\r?\n/)
      .map((line) => line.trim())
      .filter((line) => line !== '' && !line.startsWith('#'))
      .map(checkLinkAddress),
  ),
];

/** Where the addresses of the links come from; `read` again after SIGHUP. */
export interface LinkSource {
  readonly kind: 'list' | 'file' | 'interfaces';
  /** @throws TributaryError TRIBUTARY_BAD_ARGUMENT */
  read(): string[];
}

const readLinkFile = (path: string): string[] => {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    throw new TributaryError(
      'TRIBUTARY_BAD_ARGUMENT',
      `cannot read --links ${path} (${messageOf(error)})`,
      MEND,
      error,
    );
  }
  const addresses = parseLinkLines(text);
  if (addresses.length > 0) return addresses;
  throw new TributaryError('TRIBUTARY_BAD_ARGUMENT', `the file ${path} names no link`, MEND);
};

/** A comma-separated list where every part is an address, else a file. */
export const linkSourceOf = (argument: string): LinkSource => {
  const parts = argument.split(',').map((part) => part.trim());
  if (parts.some((part) => isIP(part) !== 0)) {
    const addresses = [...new Set(parts.map(checkLinkAddress))];
    return { kind: 'list', read: () => addresses };
  }
  return { kind: 'file', read: () => readLinkFile(argument) };
};

/** The loopback address of the destination's family where it is loopback itself, else every address of an interface that may reach it. */
export const defaultLinkSource = (to: Destination): LinkSource => ({
  kind: 'interfaces',
  read: () => {
    const target = to.ipv4 ?? to.ipv6 ?? '';
    if (isLoopback(target)) return [to.ipv4 === undefined ? '::1' : '127.0.0.1'];
    const family = to.ipv4 === undefined ? 'IPv6' : 'IPv4';
    const addresses = Object.values(networkInterfaces())
      .flatMap((list) => list ?? [])
      .filter((entry) => entry.family === family && !entry.internal && !/^(169\.254\.|fe[89ab])/i.test(entry.address))
      .map((entry) => entry.address);
    if (addresses.length > 0) return [...new Set(addresses)];
    throw new TributaryError('TRIBUTARY_BAD_ARGUMENT', `no interface has an ${family} address to send from`, MEND);
  },
});
