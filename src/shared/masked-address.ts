import { isIP, isIPv6 } from 'node:net';
import { formatEndpoint } from './address.ts';
import { ipv6Prefix } from './ipv6-prefix.ts';
import { type AddressView, addressView, saltedName } from './redact.ts';

/** @param host stands for what is left out: `x`, `x2` */
const withoutHost = (address: string, host: string): string =>
  isIPv6(address) ? `${ipv6Prefix(address, 3)}::${host}` : address.replace(/[^.]*$/, host);

/**
 * A client's address for logs, reports and whoever has no key: `203.0.113.x`, `2001:db8:1::x`; or `hash-1f0c…`, or as it is, by
 * `privacy.addresses`.
 */
export const maskedAddress = (address: string, view: AddressView = addressView()): string => {
  if (view === 'full') return address;
  return view === 'hash' ? `hash-${saltedName('address', address, 12)}` : withoutHost(address, 'x');
};

/**
 * Endpoints of one answer without the part of each address that points at a person: the last octet of IPv4, the last 80 bits of IPv6.
 * They stay different from each other: where two became equal, the later one is `203.0.113.x2:40000`.
 */
export class AddressMask {
  readonly #view: AddressView;
  readonly #used = new Set<string>();

  /** @param view `full` for whoever has the right to see addresses */
  constructor(view: AddressView = addressView()) {
    this.#view = view;
  }

  mask(address: string, port: number): string {
    // A hash is as different as the address is.
    if (this.#view === 'full') return formatEndpoint(address, port);
    if (this.#view === 'hash') return `${maskedAddress(address, 'hash')}:${port}`;
    for (let n = 1; ; n++) {
      const endpoint = formatEndpoint(withoutHost(address, n === 1 ? 'x' : `x${n}`), port);
      if (this.#used.has(endpoint)) continue;
      this.#used.add(endpoint);
      return endpoint;
    }
  }
}

const IPV6 = /(?<![\w.]|::)[0-9a-fA-F]{0,4}(?::[0-9a-fA-F]{0,4}){2,7}(?:(?:\.\d{1,3}){3})?(?!\w)/g;
const IPV4 = /(?<![\d.])\d{1,3}(?:\.\d{1,3}){3}(?!\d)/g;

/** Text that another program has written, with every address in it masked. */
export const maskedText = (text: string, view: AddressView = addressView()): string => {
  if (view === 'full') return text;
  const masked = (found: string): string => (isIP(found) === 0 ? found : maskedAddress(found, view));
  // IPv4 last: it may stand where it looks like the end of an IPv6 address, behind a time of day for one.
  return text.replace(IPV6, masked).replace(IPV4, masked);
};
