import type { GroupSnapshot } from '../srtla/types.ts';
import type { CarrierLookup, LinkCarrier, LinkKind } from './carrier.ts';
import { RecentMap } from './recent-map.ts';

/** What a link is called. */
export interface NamedLink {
  /**
   * The organisation, `T-Mobile USA, Inc.` and for a further link of it `T-Mobile USA, Inc. (2)`; `Link-2` where it is not known. Screens
   * tell links apart by it, and show an address where it is missing.
   */
  readonly name: string;
  /** The same, short: `T-Mobile (2)`. */
  readonly label: string;
  readonly carrier: LinkCarrier | undefined;
}

/** What every view of a link says of its carrier. */
export interface CarrierFields {
  asn?: number;
  label: string;
  kind: LinkKind;
  country?: string;
}

export const carrierFields = ({ label, carrier }: NamedLink): CarrierFields => ({
  ...(carrier?.asn === undefined ? {} : { asn: carrier.asn }),
  label,
  kind: carrier?.kind ?? 'unknown',
  ...(carrier?.country === undefined ? {} : { country: carrier.country }),
});

/** Names given out: by link the base of its name and its number among those of that base. */
type Numbered = ReadonlyMap<string, { readonly base: string; readonly number: number }>;

interface GroupNames {
  readonly places: Numbered;
  readonly organisations: Numbered;
  readonly labels: Numbered;
}

const NOBODY: Numbered = new Map();
/** More groups than a node has. */
const MAX_GROUPS = 10_000;

/**
 * Names of the links of each group, which stay while the link lives: another link's end must not make the T-Mobile of before the second
 * one. A number that has become free is given to the next one that comes.
 */
export class LinkNames {
  readonly #carriers: CarrierLookup;
  readonly #groups = new RecentMap<string, GroupNames>(MAX_GROUPS);

  constructor(carriers: CarrierLookup) {
    this.#carriers = carriers;
  }

  /** In the order of the group's links. */
  of({ id, links }: Pick<GroupSnapshot, 'id'> & { links: readonly { address: string; port: number }[] }): NamedLink[] {
    const known = links.map(({ address, port }) => ({
      key: `${address} ${port}`,
      carrier: this.#carriers.of(address),
    }));
    const before = this.#groups.get(id);
    const numbered = (old: Numbered | undefined, baseOf: (carrier: LinkCarrier | undefined) => string): Numbered =>
      numbers(
        old ?? NOBODY,
        known.map(({ key, carrier }) => [key, baseOf(carrier)]),
      );
    const names: GroupNames = {
      places: numbered(before?.places, () => ''),
      organisations: numbered(before?.organisations, (carrier) => carrier?.org ?? ''),
      labels: numbered(before?.labels, (carrier) => carrier?.label ?? ''),
    };
    this.#groups.set(id, names);
    return known.map(({ key, carrier }) => {
      const nameless = `Link-${names.places.get(key)!.number}`;
      return {
        name: nameOf(names.organisations.get(key)!) ?? nameless,
        label: nameOf(names.labels.get(key)!) ?? nameless,
        carrier,
      };
    });
  }
}

const nameOf = ({ base, number }: { base: string; number: number }): string | undefined =>
  base === '' ? undefined : number === 1 ? base : `${base} (${number})`;

/** Who has a number of its base keeps it; the others get the lowest ones that are free, in order. */
const numbers = (before: Numbered, links: readonly (readonly [key: string, base: string])[]): Numbered => {
  const after = new Map<string, { base: string; number: number }>();
  const taken = new Set<string>();
  for (const [key, base] of links) {
    const kept = before.get(key);
    if (kept?.base !== base) continue;
    after.set(key, kept);
    taken.add(`${kept.number} ${base}`);
  }
  for (const [key, base] of links) {
    if (after.has(key)) continue;
    let number = 1;
    while (taken.has(`${number} ${base}`)) number++;
    after.set(key, { base, number });
    taken.add(`${number} ${base}`);
  }
  return after;
};
