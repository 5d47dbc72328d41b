/** What kind of network a link comes through. `private`: an address that means nothing outside its own network. */
export const LINK_KINDS = ['cellular', 'fixed', 'satellite', 'hosting', 'private', 'unknown'] as const;
export type LinkKind = (typeof LINK_KINDS)[number];

/** Who carries a link. */
export interface LinkCarrier {
  /** Autonomous system number. */
  readonly asn?: number;
  /** The organisation that holds it, as the database spells it. */
  readonly org?: string;
  /** Short, for a screen: `T-Mobile`, `Starlink`, `Private network`. Not unique among the links of a group. */
  readonly label: string;
  readonly kind: LinkKind;
  /** ISO 3166-1 alpha-2, upper case. */
  readonly country?: string;
}

/** Where an address is, as far as a database tells. */
export interface AddressPlace {
  /** ISO 3166-1 alpha-2, upper case. */
  readonly country: string;
  readonly city?: string;
  /** Degrees, as precise as the database has them: to be rounded before they go anywhere. */
  readonly latitude?: number;
  readonly longitude?: number;
}

/** A database that is loaded. */
export interface CarrierDatabase {
  readonly path: string;
  /** As its metadata says: `GeoLite2-ASN`. */
  readonly type: string;
  /** Unix ms. */
  readonly builtMs: number;
  /** The line that its licence wants wherever its data is shown. */
  readonly attribution: string;
}

/** Who carries an address. Answers at once, from memory. */
export interface CarrierLookup {
  /**
   * @param address numeric, normalised
   * @returns undefined where nothing is known of it
   */
  of(address: string): LinkCarrier | undefined;
  /** Undefined where nothing is known, and for addresses that have no place. */
  placeOf(address: string): AddressPlace | undefined;
  /** What answers; empty while there is no database. */
  readonly databases: readonly CarrierDatabase[];
}

/** The lookup without a database. */
export const carriersOff: CarrierLookup = { of: () => undefined, placeOf: () => undefined, databases: [] };
