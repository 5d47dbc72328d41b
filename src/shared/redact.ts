import { createHmac, randomBytes } from 'node:crypto';

/** How a client's address is shown to those who have no right to it. */
export const ADDRESS_VIEWS = ['prefix', 'hash', 'full'] as const;
export type AddressView = (typeof ADDRESS_VIEWS)[number];

/** What stands in the place of ids and addresses. */
export interface Redaction {
  /** A secret of the node: with it names could be searched back to ids, and hashes to addresses. */
  readonly salt: string;
  readonly addresses: AddressView;
}

/** Until a node sets its own: names that nobody can know, and that end with the process. */
let redaction: Redaction = { salt: randomBytes(32).toString('hex'), addresses: 'prefix' };

/** Of this thread; before anything is said, and where the settings change. */
export const setRedaction = (chosen: Redaction): void => {
  redaction = chosen;
};

export const addressView = (): AddressView => redaction.addresses;

/** Hex digits that stand for a text: the same on one node, and of no use without its salt. */
export const saltedName = (kind: 'stream' | 'address', text: string, digits: number): string =>
  createHmac('sha256', redaction.salt).update(`${kind} ${text}`).digest('hex').slice(0, digits);

/**
 * The public name of a stream: `stream-` and six hex digits. A publisher id is the right to go live, so logs, pages and anonymous
 * answers carry this instead. Salted: who holds a list of ids cannot tell which of them it is.
 */
export const publicStreamName = (publisherId: string): string => `stream-${saltedName('stream', publisherId, 6)}`;

/** Enough of an id to recognise it on a screen, too little to use it: `live_3f…`. */
export const shortenId = (id: string): string => {
  const printable = id.replace(/[^\x21-\x7e]/g, '?');
  return printable.length <= 7 ? `${printable.slice(0, 3)}…` : `${printable.slice(0, 7)}…`;
};
