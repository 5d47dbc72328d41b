import type { Millis } from '../../shared/clock.ts';

/** What a host name is to lead to; a type that is absent must have no record. */
export interface HostAddresses {
  readonly a: string | undefined;
  readonly aaaa: string | undefined;
}

/** Whoever serves the zone of the host names of slots. */
export interface DnsProvider {
  readonly name: string;
  /**
   * Once it resolves, the name has these address records and no others, for whoever asks without a cache. Doing it again changes nothing.
   * @throws DnsError
   */
  set(hostName: string, addresses: HostAddresses, signal: AbortSignal): Promise<void>;
}

/** Seconds that a resolver may keep a record: what a stream that moves waits for at the most, where resolvers obey. */
export const DNS_TTL_SECONDS = 60;

/**
 * `away`: it may work in a while by itself (no answer, overload, a fault of the provider's). `refused`: somebody has to mend the settings or
 * the zone.
 */
export type DnsErrorKind = 'away' | 'refused';

export class DnsError extends Error {
  readonly kind: DnsErrorKind;
  /** What the provider wants to be left alone for; it is for every name. */
  readonly pauseMs: Millis | undefined;

  constructor(kind: DnsErrorKind, message: string, pauseMs?: Millis) {
    super(message);
    this.name = 'DnsError';
    this.kind = kind;
    this.pauseMs = pauseMs;
  }
}
