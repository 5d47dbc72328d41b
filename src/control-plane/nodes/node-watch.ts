import type { Millis } from '../../shared/clock.ts';
import { messageOf } from '../../shared/errors.ts';
import type { Transaction } from '../database/database.ts';
import type { Job } from '../jobs.ts';
import { HEARTBEAT_EVERY_MS } from '../protocol.ts';
import { leaseMsOf, type RelayCore } from '../relay-context.ts';
import { GapWatch } from '../sessions/gap-watch.ts';
import { playerIdOf, publisherIdOf } from './desired.ts';
import { noteIngest } from './ingest.ts';
import { type HealthState, type Look, nextHealth } from './node-health.ts';
import { healthStateOf, type NodeRow, nodeById } from './node-rows.ts';
import type { SlsProvisioner } from './sls-provisioner.ts';

const LOOK_EVERY_MS: Millis = 5_000;
/** A heartbeat may be so late before it is missed. */
export const HEARTBEAT_SLACK_MS: Millis = 2_000;
const PROBE_EVERY_MS: Millis = 60_000;
/** A node that did not answer is asked again sooner. */
const PROBE_AGAIN_MS: Millis = 10_000;
const LINKS_EVERY_MS: Millis = 3_000;
const INGEST_EVERY_MS: Millis = 20_000;
const RECONCILE_EVERY_MS: Millis = 60_000;

/** Writes down a look at a node. @returns the state after it */
export const noteLook = async (
  tx: Transaction,
  node: NodeRow,
  look: Look,
  nextLookMs: Millis,
): Promise<HealthState> => {
  const state = nextHealth(healthStateOf(node), look);
  await tx.run(
    `UPDATE nodes SET health = ?, health_score = ?, health_leaning = ?, health_missed = ?, next_look_ms = ? WHERE server_id = ?`,
    [state.health, state.score ?? null, state.leaning, state.missed, nextLookMs, node.server_id],
  );
  return state;
};

/** Logs a change. */
export const tellHealth = ({ logger }: RelayCore, node: NodeRow, { health, score, missed }: HealthState): void => {
  if (health === node.health) return;
  const fields = { node: node.server_id, from: node.health, to: health, score, missed };
  if (health === 'healthy') logger.info('the health of a node changed', fields);
  else logger.warn('the health of a node changed', fields);
};

/** A look at a node that the database has since then: another process may have been faster. */
const look = async (core: RelayCore, serverId: string, seen: Look, nextLookMs: Millis): Promise<void> => {
  await core.db.transaction(
    async (tx) => {
      const node = await nodeById(tx, serverId);
      if (!node || node.next_look_ms > core.unixNow()) return;
      tellHealth(core, node, await noteLook(tx, node, seen, nextLookMs));
      if (seen !== 'missed')
        await tx.run('UPDATE nodes SET last_seen_ms = ? WHERE server_id = ?', [core.unixNow(), serverId]);
    },
    { repeatable: true },
  );
};

/** Nodes whose heartbeat is late have missed one. */
export const missHeartbeats = async (core: RelayCore): Promise<void> => {
  const unixMs = core.unixNow();
  const late = await core.db.all<{ server_id: string }>(
    `SELECT server_id FROM nodes WHERE kind = 'tributary' AND status <> 'inactive' AND last_seen_ms IS NOT NULL AND next_look_ms <= ?`,
    [unixMs],
  );
  for (const { server_id } of late) await look(core, server_id, 'missed', unixMs + HEARTBEAT_EVERY_MS);
};

const slsNodes = (core: RelayCore, isDue: boolean): Promise<NodeRow[]> =>
  core.db.all<NodeRow>(
    `SELECT * FROM nodes WHERE kind = 'sls' AND status <> 'inactive' AND next_look_ms <= ? ORDER BY server_id`,
    [isDue ? core.unixNow() : Number.MAX_SAFE_INTEGER],
  );

/** Asks nodes of the old stack how they are, all at once. */
export const probeSlsNodes = async (core: RelayCore, sls: SlsProvisioner): Promise<void> => {
  await Promise.all(
    (await slsNodes(core, true)).map(async ({ server_id }) => {
      let seen: Look = 'missed';
      try {
        const client = await sls.clientOf(server_id);
        const { score, version } = await client.health();
        seen = score;
        if (version !== undefined)
          await core.db.run('UPDATE nodes SET version = ? WHERE server_id = ? AND version <> ?', [
            version.slice(0, 128),
            server_id,
            version.slice(0, 128),
          ]);
      } catch (error) {
        core.logger.debug('a node did not answer', { node: server_id, error: messageOf(error) });
      }
      const pauseMs = seen === 'missed' ? PROBE_AGAIN_MS : PROBE_EVERY_MS * (0.9 + 0.2 * Math.random());
      await look(core, server_id, seen, Math.round(core.unixNow() + pauseMs));
    }),
  );
};

interface ListedStream {
  readonly server_id: string;
  readonly stream_token: string;
}

const listedOnSls = (core: RelayCore): Promise<ListedStream[]> =>
  core.db.all<ListedStream>(
    `SELECT DISTINCT a.server_id, a.stream_token FROM assignments a JOIN nodes n ON n.server_id = a.server_id
     WHERE n.kind = 'sls' AND a.removed_ms IS NULL`,
  );

const tokensByNode = (listed: readonly ListedStream[]): ReadonlyMap<string, readonly string[]> => {
  const byNode = new Map<string, string[]>();
  for (const { server_id, stream_token } of listed)
    byNode.set(server_id, [...(byNode.get(server_id) ?? []), stream_token]);
  return byNode;
};

/** Links and streams that send, of nodes of the old stack that have something to do. */
export const watchSlsLinks = async (core: RelayCore, sls: SlsProvisioner): Promise<void> => {
  await Promise.all(
    [...tokensByNode(await listedOnSls(core))].map(async ([serverId, tokens]) => {
      const links = await (await sls.clientOf(serverId)).links().catch(() => undefined);
      for (const token of tokens) {
        const connections = links?.get(publisherIdOf(token));
        if (connections) core.links.share(publisherIdOf(token), connections, core.clock());
      }
    }),
  );
};

export const watchSlsIngest = async (core: RelayCore, sls: SlsProvisioner): Promise<void> => {
  await Promise.all(
    [...tokensByNode(await listedOnSls(core))].map(async ([serverId, tokens]) => {
      const client = await sls.clientOf(serverId);
      const live: string[] = [];
      for (const token of tokens) if (await client.isPublishing(playerIdOf(token)).catch(() => false)) live.push(token);
      if (live.length > 0)
        await core.db.transaction((tx) => noteIngest(tx, serverId, live, leaseMsOf(core), core.unixNow()), {
          repeatable: true,
        });
    }),
  );
};

const reconcileSls = async (core: RelayCore, sls: SlsProvisioner): Promise<void> => {
  await Promise.all(
    (await slsNodes(core, false)).map(({ server_id, health }) =>
      health === 'unhealthy'
        ? undefined
        : sls.reconcile(server_id).catch((error) => {
            core.logger.warn('ids of a node could not be checked', { node: server_id, error: messageOf(error) });
          }),
    ),
  );
};

export const nodeJobs = (core: RelayCore, sls: SlsProvisioner): Job[] => {
  // Nodes that could not reach this plane must not be counted as lost by it.
  const watch = new GapWatch(3 * HEARTBEAT_EVERY_MS, LOOK_EVERY_MS);
  return [
    {
      name: 'heartbeat-watch',
      everyMs: LOOK_EVERY_MS,
      isShared: false,
      run: async () => {
        await core.db.first('SELECT 1 AS one');
        if (watch.look(core.clock(), core.unixNow())) await missHeartbeats(core);
        core.links.forgetOld(core.clock());
      },
    },
    { name: 'sls-health', everyMs: LOOK_EVERY_MS, isShared: true, run: () => probeSlsNodes(core, sls) },
    { name: 'sls-links', everyMs: LINKS_EVERY_MS, isShared: true, run: () => watchSlsLinks(core, sls) },
    { name: 'sls-ingest', everyMs: INGEST_EVERY_MS, isShared: true, run: () => watchSlsIngest(core, sls) },
    { name: 'sls-ids', everyMs: RECONCILE_EVERY_MS, isShared: true, run: () => reconcileSls(core, sls) },
  ];
};
