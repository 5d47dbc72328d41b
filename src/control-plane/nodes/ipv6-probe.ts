import type { Millis } from '../../shared/clock.ts';
import { messageOf } from '../../shared/errors.ts';
import type { RelayCore } from '../relay-context.ts';
import type { NodeRow } from './node-rows.ts';
import type { Fetch } from './sls-client.ts';

const PROBE_MS: Millis = 3_000;

const isReached = async ({ ip6, stats_port }: NodeRow, fetcher: Fetch): Promise<boolean> => {
  const response = await fetcher(`http://[${ip6}]:${stats_port}/health`, {
    redirect: 'error',
    signal: AbortSignal.timeout(PROBE_MS),
  });
  await response.body?.cancel();
  return response.ok;
};

/** Whether nodes that name an IPv6 address are reached there: only then host names lead to it. */
export const probeIpv6 = async ({ db, logger }: RelayCore, fetcher: Fetch): Promise<void> => {
  const nodes = await db.all<NodeRow>(
    `SELECT * FROM nodes WHERE ip6 IS NOT NULL AND stats_port > 0 AND status <> 'inactive'`,
  );
  await Promise.all(
    nodes.map(async (node) => {
      let why = 'it does not answer as a node';
      const isOk = await isReached(node, fetcher).catch((error: unknown) => {
        why = messageOf(error);
        return false;
      });
      if (isOk === (node.ip6_ok === 1)) return;
      await db.run('UPDATE nodes SET ip6_ok = ? WHERE server_id = ? AND ip6 = ?', [
        isOk ? 1 : 0,
        node.server_id,
        node.ip6,
      ]);
      if (isOk) logger.info('a node is reached by IPv6', { node: node.server_id });
      else logger.warn('a node is not reached by IPv6 any more', { node: node.server_id, error: why });
    }),
  );
};
