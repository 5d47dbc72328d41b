import { type FSWatcher, watch } from 'node:fs';
import { join } from 'node:path';
import type { Millis } from '../shared/clock.ts';
import { messageOf } from '../shared/errors.ts';
import type { Logger } from '../shared/logger.ts';
import { type AsnDatabase, type DatabaseRoles, openAsnDatabase } from './asn-database.ts';
import { type AsnFile, type AsnSearchPath, asnFiles } from './asn-files.ts';
import type { AddressPlace, CarrierDatabase, CarrierLookup, LinkCarrier } from './carrier.ts';
import { carrierOf } from './carrier-label.ts';
import { RecentMap } from './recent-map.ts';
import { reservedLabel } from './reserved-address.ts';

/** A file that is being copied changes many times. */
const SETTLE_MS: Millis = 500;
/** Some file systems (network, some containers) do not tell what changes. */
const LOOK_AGAIN_MS: Millis = 60_000;
/** Addresses whose answer is kept. */
const MAX_KEPT = 16_384;

export interface AsnLookupOptions {
  readonly search: AsnSearchPath;
  readonly logger: Logger;
  /** After files have changed and were looked at: for tests. */
  readonly onLooked?: () => void;
}

/** What a file was found to be. */
interface Looked {
  readonly signature: string;
  /** What it is good for; undefined for a file that was refused and never was any good. */
  readonly roles: DatabaseRoles | undefined;
  /** The file's content, or what it was before it went bad; undefined while it is of no use beside others, which costs no memory. */
  readonly database: AsnDatabase | undefined;
}

/**
 * Who carries an address, from the databases of the search path. Answers come from memory; files are read when they change. A file that
 * is not whole is refused, and what was read of it before stays. Without a file nothing but private addresses is recognised.
 */
export class AsnLookup implements CarrierLookup {
  readonly #options: AsnLookupOptions;
  readonly #looked = new Map<string, Looked>();
  readonly #kept = new RecentMap<string, LinkCarrier | undefined>(MAX_KEPT);
  #watchers: FSWatcher[] = [];
  #settling: NodeJS.Timeout | undefined;
  #again: NodeJS.Timeout | undefined;
  #looking: Promise<void> = Promise.resolve();
  #closed = false;
  #carriers: AsnDatabase | undefined;
  #places: AsnDatabase | undefined;
  /** What was last said about the databases in use. */
  #said: string | undefined;

  /** Knows nothing yet: see `look`. */
  constructor(options: AsnLookupOptions) {
    this.#options = options;
  }

  get databases(): readonly CarrierDatabase[] {
    return [...new Set([this.#carriers, this.#places])].filter((database) => database !== undefined);
  }

  of(address: string): LinkCarrier | undefined {
    if (this.#kept.has(address)) return this.#kept.get(address);
    const carrier = this.#find(address);
    this.#kept.set(address, carrier);
    return carrier;
  }

  placeOf(address: string): AddressPlace | undefined {
    return reservedLabel(address) === undefined ? this.#places?.get(address)?.place : undefined;
  }

  /** Follows the folders from now on. Their files may come, go and be replaced at any time. */
  watch(): void {
    if (this.#closed) return;
    this.#watchFolders();
    this.#again = setInterval(() => {
      if (this.#watchers.length < this.#folders().length) this.#watchFolders();
      void this.look();
    }, LOOK_AGAIN_MS).unref();
  }

  /** Looks at the files that have changed since the last time. Never fails: what cannot be used is said in the log. */
  look(): Promise<void> {
    this.#looking = this.#looking.then(() => this.#lookOnce());
    return this.#looking;
  }

  close(): void {
    this.#closed = true;
    for (const watcher of this.#watchers) watcher.close();
    this.#watchers = [];
    clearTimeout(this.#settling);
    clearInterval(this.#again);
  }

  /** A database that knows a private address was made by somebody who means it. */
  #find(address: string): LinkCarrier | undefined {
    const organisation = this.#carriers?.get(address)?.organisation;
    const country = organisation?.country ?? this.#places?.get(address)?.organisation.country;
    const carrier = organisation && carrierOf({ ...organisation, ...(country === undefined ? {} : { country }) });
    if (carrier) return carrier;
    const label = reservedLabel(address);
    return label === undefined ? undefined : { label, kind: 'private' };
  }

  #folders(): string[] {
    return this.#options.search.map(({ folder }) => folder);
  }

  #watchFolders(): void {
    for (const watcher of this.#watchers) watcher.close();
    this.#watchers = this.#folders().flatMap((folder) => {
      try {
        const watcher = watch(folder, { persistent: false }, () => this.#settle());
        watcher.on('error', () => {
          this.#watchers = this.#watchers.filter((one) => one !== watcher);
          watcher.close();
        });
        return [watcher];
      } catch {
        // Not there, or no more watches to be had: looking again has to do.
        return [];
      }
    });
  }

  #settle(): void {
    clearTimeout(this.#settling);
    this.#settling = setTimeout(() => void this.look(), SETTLE_MS).unref();
  }

  async #lookOnce(): Promise<void> {
    if (this.#closed) return;
    const { search, logger, onLooked } = this.#options;
    try {
      this.#choose(await this.#usable(await asnFiles(search)));
    } catch (error) {
      logger.warn('the folder of the carrier database cannot be read', { reason: messageOf(error) });
    }
    onLooked?.();
  }

  /** Databases in the order of the search path, as many as are needed. */
  async #usable(files: readonly AsnFile[]): Promise<AsnDatabase[]> {
    const usable: AsnDatabase[] = [];
    const present = new Set(files.map(({ path }) => path));
    for (const path of this.#looked.keys()) if (!present.has(path)) this.#looked.delete(path);
    for (const file of files) {
      if (usable.some(({ carriers }) => carriers) && usable.some(({ cities }) => cities)) break;
      const known = this.#looked.get(file.path);
      if (known?.signature === file.signature && !addsTo(usable, known.roles)) continue;
      const database = await this.#databaseOf(file);
      if (database && addsTo(usable, database)) usable.push(database);
    }
    return usable;
  }

  async #databaseOf({ path, signature }: AsnFile): Promise<AsnDatabase | undefined> {
    const before = this.#looked.get(path);
    if (before?.signature === signature && before.database) return before.database;
    const { logger } = this.#options;
    const database = await openAsnDatabase(path).catch((error: unknown) => {
      const reason = messageOf(error);
      if (before?.database) logger.warn('a carrier database is refused, the one before it stays', { reason });
      else logger.warn('a carrier database is refused', { reason });
      return before?.database;
    });
    this.#looked.set(path, { signature, roles: database && rolesOf(database), database });
    return database;
  }

  #choose(usable: readonly AsnDatabase[]): void {
    const carriers = usable.find((one) => one.carriers);
    const places = usable.find((one) => one.cities) ?? usable.find((one) => one.countries);
    // What is not in use is not kept in memory, and read again should it be needed.
    for (const [path, { signature, roles, database }] of this.#looked)
      if (database && database !== carriers && database !== places)
        this.#looked.set(path, { signature, roles, database: undefined });
    if (carriers !== this.#carriers || places !== this.#places) this.#kept.clear();
    this.#carriers = carriers;
    this.#places = places;
    this.#say();
  }

  #say(): void {
    const { logger, search } = this.#options;
    const said = this.databases.map(({ path, builtMs }) => `${path} ${builtMs}`).join();
    if (said === this.#said) return;
    this.#said = said;
    for (const { path, type, builtMs, attribution } of this.databases)
      logger.info('carrier database', { path, type, built: isoDate(builtMs), attribution });
    if (!this.#carriers)
      logger.info('there is no carrier database: carriers of links are not known', {
        lookedIn: search.map(({ folder, names }) => (names?.length === 1 ? join(folder, names[0]!) : folder)).join(' '),
      });
  }
}

const rolesOf = ({ carriers, countries, cities }: DatabaseRoles): DatabaseRoles => ({ carriers, countries, cities });

/** Whether a database tells something that those before it do not. */
const addsTo = (before: readonly DatabaseRoles[], roles: DatabaseRoles | undefined): boolean =>
  roles !== undefined &&
  (['carriers', 'countries', 'cities'] as const).some((role) => roles[role] && !before.some((one) => one[role]));

/** `2026-11-20`. */
export const isoDate = (unixMs: number): string => new Date(unixMs).toISOString().slice(0, 10);
