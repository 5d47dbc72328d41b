import { isIPv6 } from 'node:net';
import type { Millis } from '../../shared/clock.ts';
import type { Queries } from '../database/database.ts';

/** A node as DNS sees it. */
export interface DnsTarget {
  readonly ip: string;
  readonly ip6: string | null;
  /** The plane has reached it there. */
  readonly ip6_ok: number;
}

/**
 * Writes down where a host name is to lead, in the transaction that decides it where there is one. It stays until another node takes its place: a
 * phone that streams without a session, or comes back, finds its node.
 */
export const wantRecord = async (
  tx: Queries,
  hostName: string,
  { ip, ip6, ip6_ok }: DnsTarget,
  unixMs: Millis,
): Promise<void> => {
  const second = ip6_ok === 1 ? ip6 : null;
  const a = isIPv6(ip) ? null : ip;
  const aaaa = isIPv6(ip) ? ip : second;
  await tx.run(
    `INSERT INTO dns_records (host_name, node_ip, node_ip6, a, aaaa, version, ok, tries, next_ms, claimed_until_ms) VALUES (?, ?, ?, ?, ?, 1, 0, 0, ?, 0)
     ON CONFLICT (host_name) DO UPDATE SET node_ip = excluded.node_ip, node_ip6 = excluded.node_ip6, a = excluded.a, aaaa = excluded.aaaa,
       version = dns_records.version + 1, ok = 0, tries = 0, next_ms = excluded.next_ms, error = NULL
     WHERE dns_records.node_ip <> excluded.node_ip OR COALESCE(dns_records.node_ip6, '') <> COALESCE(excluded.node_ip6, '')`,
    [hostName, ip, second, a, aaaa, unixMs],
  );
};
