import { createHash } from 'node:crypto';

/**
 * The public name of a stream: `stream-` and six hex digits of its publisher id's SHA-256. A publisher id is the right to go live,
 * so logs, pages and anonymous answers carry this instead.
 */
export const publicStreamName = (publisherId: string): string =>
  `stream-${createHash('sha256').update(publisherId).digest('hex').slice(0, 6)}`;

/** Enough of an id to recognise it on a screen, too little to use it: `live_3f…`. */
export const shortenId = (id: string): string => {
  const printable = id.replace(/[^\x21-\x7e]/g, '?');
  return printable.length <= 7 ? `${printable.slice(0, 3)}…` : `${printable.slice(0, 7)}…`;
};
