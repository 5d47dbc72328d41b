import type { Settings } from '../../config/schema.ts';
import type { Millis } from '../../shared/clock.ts';
import { messageOf, TributaryError } from '../../shared/errors.ts';
import type { Logger } from '../../shared/logger.ts';
import type { Database } from '../database/database.ts';
import type { Job } from '../jobs.ts';
import type { Fetch } from '../nodes/sls-client.ts';
import { Cloudflare } from './cloudflare.ts';
import { DnsError, type DnsProvider } from './provider.ts';
import { wantRecord } from './wanted.ts';

const EVERY_MS: Millis = 1_000;
const DRIFT_EVERY_MS: Millis = 30_000;
/** Names at once. */
const BATCH = 8;
/** Longer than a name may take: nobody else is at it meanwhile. */
const CLAIM_MS: Millis = 60_000;
const WORK_MS: Millis = 45_000;
const RETRY: Readonly<Record<DnsError['kind'], { firstMs: Millis; mostMs: Millis }>> = {
  away: { firstMs: 1_000, mostMs: 60_000 },
  refused: { firstMs: 15_000, mostMs: 900_000 },
};

/** The provider that the settings name; undefined: DNS is made outside. @throws TributaryError TRIBUTARY_BAD_SETTING */
export const dnsProviderOf = (
  { controlPlane }: Settings,
  fetcher: Fetch,
  unixNow: () => Millis,
): DnsProvider | undefined => {
  const { dns, cloudflareZoneId: zoneId, cloudflareToken: token, relayDomain } = controlPlane;
  if (dns === 'none') return undefined;
  if (zoneId === undefined || token === undefined || relayDomain === undefined)
    throw new TributaryError(
      'TRIBUTARY_BAD_SETTING',
      'controlPlane.dns is cloudflare, and its zone, its token or the domain of the slots is missing',
      'set CLOUDFLARE_ZONE_ID, CLOUDFLARE_DNS_TOKEN and RELAY_DOMAIN',
    );
  return new Cloudflare({ zoneId, token }, fetcher, unixNow);
};

interface DueRow {
  readonly host_name: string;
  readonly a: string | null;
  readonly aaaa: string | null;
  readonly version: number;
  readonly tries: number;
}

/** Carries the wanted records (wanted.ts) to the provider, and tries those again that did not get there. */
export class DnsKeeper {
  readonly #db: Database;
  readonly #provider: DnsProvider | undefined;
  readonly #logger: Logger;
  readonly #unixNow: () => Millis;
  readonly #stopped = new AbortController();
  #working: Promise<void> = Promise.resolve();
  #pausedUntilMs: Millis = 0;
  #isFailing = false;

  constructor(db: Database, provider: DnsProvider | undefined, logger: Logger, unixNow: () => Millis) {
    this.#db = db;
    this.#provider = provider;
    this.#logger = logger;
    this.#unixNow = unixNow;
  }

  get isActive(): boolean {
    return this.#provider !== undefined;
  }

  jobs(): Job[] {
    if (!this.#provider) return [];
    return [
      // On each process: names are claimed one by one.
      { name: 'dns', everyMs: EVERY_MS, isShared: false, run: () => this.work() },
      { name: 'dns-drift', everyMs: DRIFT_EVERY_MS, isShared: true, run: () => this.mendDrift() },
    ];
  }

  /** A wish has changed: not to be waited for. */
  hurry(): void {
    if (this.#provider) void this.work().catch(() => {});
  }

  /** What is due, one call after the other. */
  work(): Promise<void> {
    const next = this.#working.then(() => this.#work());
    this.#working = next.catch(() => {});
    return next;
  }

  /** Sessions whose node has another address than their record says: it has registered anew, or its IPv6 has come or gone. */
  async mendDrift(): Promise<void> {
    const wishes = await this.#db.all<{ host_name: string; ip: string; ip6: string | null; ip6_ok: number }>(
      `SELECT s.host_name, n.ip, n.ip6, n.ip6_ok FROM sessions s
       JOIN assignments a ON a.session_id = s.session_id AND a.released_ms IS NULL
       JOIN nodes n ON n.server_id = a.server_id
       LEFT JOIN dns_records d ON d.host_name = s.host_name
       WHERE s.stopped_ms IS NULL AND s.host_name IS NOT NULL
         AND (d.host_name IS NULL OR d.node_ip <> n.ip OR COALESCE(d.node_ip6, '') <> CASE WHEN n.ip6_ok = 1 THEN COALESCE(n.ip6, '') ELSE '' END)`,
    );
    for (const { host_name, ...node } of wishes) await wantRecord(this.#db, host_name, node, this.#unixNow());
  }

  /** Ends what is under way; what was not done is still written down. */
  async stop(): Promise<void> {
    this.#stopped.abort();
    await this.#working;
  }

  async #work(): Promise<void> {
    while (this.#provider && !this.#stopped.signal.aborted && this.#pausedUntilMs <= this.#unixNow()) {
      const unixMs = this.#unixNow();
      const due = await this.#db.all<DueRow>(
        `SELECT host_name, a, aaaa, version, tries FROM dns_records
         WHERE ok = 0 AND next_ms <= ? AND claimed_until_ms <= ? ORDER BY next_ms LIMIT ${BATCH}`,
        [unixMs, unixMs],
      );
      if (due.length === 0) return;
      await Promise.all(due.map((row) => this.#set(this.#provider!, row)));
    }
  }

  async #set(provider: DnsProvider, { host_name, a, aaaa, version, tries }: DueRow): Promise<void> {
    const unixMs = this.#unixNow();
    const claimed = await this.#db.run(
      'UPDATE dns_records SET claimed_until_ms = ? WHERE host_name = ? AND version = ? AND ok = 0 AND claimed_until_ms <= ?',
      [unixMs + CLAIM_MS, host_name, version, unixMs],
    );
    if (claimed === 0) return;
    try {
      const signal = AbortSignal.any([this.#stopped.signal, AbortSignal.timeout(WORK_MS)]);
      await provider.set(host_name, { a: a ?? undefined, aaaa: aaaa ?? undefined }, signal);
    } catch (error) {
      await this.#failed(host_name, tries, error);
      return;
    }
    // Of a wish that has changed since, only the claim is over: the new one is due.
    await this.#db.run(
      'UPDATE dns_records SET claimed_until_ms = 0, ok = CASE WHEN version = ? THEN 1 ELSE 0 END, error = NULL WHERE host_name = ?',
      [version, host_name],
    );
    if (!this.#isFailing) return;
    this.#isFailing = false;
    this.#logger.info('DNS entries are made again', { provider: provider.name });
  }

  async #failed(hostName: string, tries: number, error: unknown): Promise<void> {
    const unixMs = this.#unixNow();
    const { kind, pauseMs } = error instanceof DnsError ? error : { kind: 'away' as const, pauseMs: undefined };
    const { firstMs, mostMs } = RETRY[kind];
    if (pauseMs !== undefined) this.#pausedUntilMs = Math.max(this.#pausedUntilMs, unixMs + pauseMs);
    const waitMs = pauseMs ?? Math.min(mostMs, firstMs * 2 ** Math.min(tries, 10));
    const text = messageOf(error).slice(0, 500);
    await this.#db.run(
      `UPDATE dns_records SET claimed_until_ms = 0, tries = tries + 1, next_ms = ?, error = ? WHERE host_name = ? AND ok = 0`,
      [Math.round(unixMs + waitMs), text, hostName],
    );
    if (this.#isFailing || this.#stopped.signal.aborted) return;
    this.#isFailing = true;
    const say = kind === 'refused' ? this.#logger.error : this.#logger.warn;
    say.call(this.#logger, 'a DNS entry could not be made; it is tried again', { host: hostName, error: text });
  }
}
