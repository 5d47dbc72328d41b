import type { LinkCarrier, LinkKind } from './carrier.ts';
import {
  ACCESS_ROWS,
  BY_NUMBER,
  type CarrierRow,
  HOSTING_ROWS,
  PLUGIN_ROWS,
  SATELLITE_ROWS,
  WORDS,
} from './carrier-table.ts';

/** What a database says of an address. */
export interface Organisation {
  readonly asn?: number;
  readonly name?: string;
  readonly country?: string;
}

const LABEL_LENGTH = 24;

const escaped = (text: string): string => text.replace(/[.*+?^${}()|[\]\\/]/g, '\\$&');

/** As whole words: "sprint" is not in "blueprint", nor "ee limited" in "tree limited". */
const compiled = (rows: readonly CarrierRow[]): { pattern: RegExp; label: string; kind: LinkKind }[] =>
  rows.map(([text, label, kind]) => ({
    pattern: new RegExp(`(?<![\\p{L}\\p{N}])${escaped(text)}(?![\\p{L}\\p{N}])`, 'u'),
    label,
    kind,
  }));

const ROWS = [PLUGIN_ROWS, SATELLITE_ROWS, HOSTING_ROWS, ACCESS_ROWS].flatMap(compiled);

const LEGAL_FORMS =
  /[\s,]+(?:inc|llc|ltd|limited|corp|corporation|company|co|gmbh|ag|kg|se|sa|s\.a|s\.a\.s|sas|sarl|spa|s\.p\.a|s\.r\.l|srl|bv|b\.v|nv|n\.v|ab|as|a\.s|a\/s|oy|oyj|plc|pjsc|pty|jsc|ooo|llp|lp|sp\. z o\.o|kft|d\.o\.o|doo|pte|pvt|k\.k)\.?$/i;

/** Short enough for a bar on a screen: no legal form, nothing after a comma, 24 characters. */
const shortName = (name: string): string => {
  let text = name;
  for (let before = ''; before !== text; ) {
    before = text;
    text = text.replace(LEGAL_FORMS, '').trim();
  }
  const first = text.split(',')[0]!.trim() || name;
  const characters = [...first];
  return characters.length <= LABEL_LENGTH
    ? first
    : `${characters
        .slice(0, LABEL_LENGTH - 1)
        .join('')
        .trimEnd()}…`;
};

/**
 * Label and kind of an organisation, by the table of names. Where its number is in the table of numbers, that one knows better which of
 * its networks this is. Whoever is in neither has a shortened name, and a kind by the words in it.
 */
export const carrierOf = ({ asn, name, country }: Organisation): LinkCarrier | undefined => {
  if (asn === undefined && name === undefined) return undefined;
  const rest = {
    ...(asn === undefined ? {} : { asn }),
    ...(name === undefined ? {} : { org: name }),
    ...(country === undefined ? {} : { country }),
  };
  const known = asn === undefined ? undefined : BY_NUMBER.get(asn);
  const lower = name?.toLowerCase() ?? '';
  const row = ROWS.find(({ pattern }) => pattern.test(lower));
  const label = row?.label ?? known?.[0] ?? (name === undefined ? `AS${asn}` : shortName(name));
  const kind = known?.[1] ?? row?.kind ?? WORDS.find(([words]) => words.test(lower))?.[1] ?? 'unknown';
  return { ...rest, label, kind };
};
