import type { FastifyRequest } from 'fastify';
import { normaliseAddress } from '../../shared/address.ts';
import { isSameSecret } from '../../stats/access.ts';
import type { Transaction } from '../database/database.ts';
import { regionNamed } from '../placement/regions.ts';
import { PROTOCOL_VERSION, type RegisterReply, type RegisterRequest } from '../protocol.ts';
import type { RelayCore } from '../relay-context.ts';
import { meetGeneration, readDesired } from './desired.ts';
import { instanceOf, isHeldByOther, nodeError, nodeKeyOf, wrongKey } from './node-auth.ts';
import { insertNode } from './node-insert.ts';
import { isKeyOf, keyHash, type NodeRow, nodeById } from './node-rows.ts';

/** The row of a node that may register, made where its key is the one for enrolment. @throws ApiError 401, 403, 409 */
const admit = async (
  tx: Transaction,
  core: RelayCore,
  asked: RegisterRequest,
  address: string,
  who: { key: string; instance: string },
): Promise<NodeRow> => {
  const { serverId, region, provider, limits } = asked;
  const { enrolKey } = core.settings.controlPlane;
  const unixMs = core.unixNow();
  const known = await nodeById(tx, serverId);
  if (known) {
    if (known.kind !== 'tributary' || !isKeyOf(known, who.key)) throw await wrongKey(tx, who.key);
    if (isHeldByOther(known, who.instance, unixMs))
      throw nodeError('node_id_in_use', 'another node with this SERVER_ID is alive: give each its own');
    return known;
  }
  if (enrolKey === undefined || !isSameSecret(enrolKey, who.key)) throw await wrongKey(tx, who.key);
  await insertNode(
    tx,
    {
      serverId,
      kind: 'tributary',
      keyHash: keyHash(who.key),
      provider,
      region,
      host: address,
      ip: address,
      maxSessions: limits.maxSessions,
    },
    unixMs,
  );
  return (await nodeById(tx, serverId))!;
};

/** What an operator has set by hand (status) stays; what the node says of itself is taken over. */
const update = async (
  tx: Transaction,
  core: RelayCore,
  asked: RegisterRequest,
  address: string,
  instance: string,
  applied: number,
): Promise<void> => {
  const { serverId, version, provider, publicIp, publicIp6, publicHost, ports, limits, position } = asked;
  const unixMs = core.unixNow();
  const ip = publicIp ?? address;
  const region = regionNamed(asked.region, core.settings.controlPlane.regions) ?? asked.region;
  await tx.run(
    `UPDATE nodes SET instance = ?, version = ?, provider = ?, region = ?, host = ?, ip = ?, srtla_port = ?, play_port = ?,
       max_sessions = ?, latitude = ?, longitude = ?, monthly_cap_bytes = ?, port_kbps = ?, reset_day = ?, traffic_count = ?,
       sustained_kbps = ?, ip6_ok = CASE WHEN ip6 = ? AND stats_port = ? THEN ip6_ok ELSE 0 END, ip6 = ?, stats_port = ?,
       applied_generation = ?, conflicts = NULL,
       last_seen_ms = ? WHERE server_id = ?`,
    [
      instance,
      version,
      provider,
      region,
      publicHost ?? ip,
      ip,
      ports.srtla[0]!,
      ports.play,
      limits.maxSessions,
      position?.latitude ?? null,
      position?.longitude ?? null,
      limits.monthlyCapBytes ?? null,
      limits.portKbps ?? null,
      limits.resetDay ?? 1,
      limits.count ?? 'both',
      limits.sustainedKbps ?? null,
      publicIp6 ?? null,
      ports.stats,
      publicIp6 ?? null,
      ports.stats,
      applied,
      unixMs,
      serverId,
    ],
  );
};

/** The generation that a node has applied of this plane's lists; of another plane's it says nothing. */
export const appliedOf = (
  { planeId, generation }: { planeId?: string | undefined; generation?: number | undefined },
  core: Pick<RelayCore, 'planeId'>,
): number => (planeId === core.planeId ? (generation ?? 0) : 0);

/** @throws ApiError 401, 403, 409, 426 */
export const registerNode = async (
  core: RelayCore,
  request: FastifyRequest,
  asked: RegisterRequest,
  from: string,
): Promise<RegisterReply> => {
  if (asked.protocol > PROTOCOL_VERSION)
    throw nodeError('protocol_unsupported', `this control plane speaks version ${PROTOCOL_VERSION} of the protocol`);
  const who = { key: nodeKeyOf(request), instance: instanceOf(request) };
  const address = normaliseAddress(from);
  const applied = appliedOf(asked, core);
  const { node, met } = await core.db.transaction(
    async (tx) => {
      await tx.lock(`node ${asked.serverId}`);
      const node = await admit(tx, core, asked, address, who);
      const met = await meetGeneration(tx, asked.serverId, applied, core.unixNow());
      await update(tx, core, asked, address, who.instance, applied);
      return { node, met };
    },
    { repeatable: true },
  );
  tellOlder(core, asked.serverId, met);
  core.logger.info('a node registered', { node: asked.serverId, version: asked.version, instance: who.instance });
  const desired = await readDesired(core.db, core.planeId, asked.serverId, applied);
  return { planeId: core.planeId, status: node.status, ...(desired ? { desired } : {}) };
};

export const tellOlder = ({ logger }: RelayCore, serverId: string, met: 'known' | 'older'): void => {
  if (met === 'older')
    logger.error(
      'a node knows a newer list than the database: it was put back from a backup. Nothing is removed from the node until an administrator confirms',
      { node: serverId },
    );
};
