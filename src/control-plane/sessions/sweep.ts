import { messageOf } from '../../shared/errors.ts';
import type { NodeKind } from '../nodes/node-rows.ts';
import type { RelayCore } from '../relay-context.ts';

interface Due {
  readonly assignment_id: string;
  readonly server_id: string;
  readonly kind: NodeKind;
  readonly removal: string | null;
}

/**
 * Takes streams off their nodes whose time there is over. What fails is tried again by the next sweep.
 * @param streamTokens only these; otherwise all
 */
export const sweep = async (core: RelayCore, streamTokens?: readonly string[]): Promise<void> => {
  const due = await core.db.all<Due & { stream_token: string }>(
    `SELECT a.assignment_id, a.server_id, a.stream_token, a.removal, n.kind
     FROM assignments a JOIN nodes n ON n.server_id = a.server_id
     WHERE a.removed_ms IS NULL AND a.released_ms IS NOT NULL AND a.linger_until_ms <= ?`,
    [core.unixNow()],
  );
  const groups = new Map<string, Due[]>();
  for (const one of due) {
    if (streamTokens && !streamTokens.includes(one.stream_token)) continue;
    const how = one.removal === 'revoked' ? 'revoke' : 'release';
    const key = `${how} ${one.server_id}`;
    groups.set(key, [...(groups.get(key) ?? []), one]);
  }
  await Promise.all(
    [...groups].map(async ([key, group]) => {
      const { kind, server_id } = group[0]!;
      const ids = group.map(({ assignment_id }) => assignment_id);
      try {
        await core.provisioners[kind].deprovision(server_id, ids, key.startsWith('revoke') ? 'revoke' : 'release');
      } catch (error) {
        core.logger.warn('streams could not be taken off a node', { node: server_id, error: messageOf(error) });
      }
    }),
  );
};
