import type { Millis } from '../../shared/clock.ts';
import { messageOf } from '../../shared/errors.ts';
import type { Logger } from '../../shared/logger.ts';
import type { Database } from '../database/database.ts';
import { underLock } from '../jobs.ts';
import { playerIdOf, publisherIdOf, removeFromList } from './desired.ts';
import { ingestingOf } from './ingest.ts';
import { nodeById } from './node-rows.ts';
import type { AssignedStream, Provisioned, Provisioner, Removal } from './provisioner.ts';
import { type Fetch, SlsClient } from './sls-client.ts';

/** Longer than all the calls under the lock may take. */
const LOCK_MS: Millis = 60_000;

export interface SlsProvisionerDeps {
  readonly db: Database;
  readonly unixNow: () => Millis;
  readonly logger: Logger;
  readonly fetch?: Fetch;
}

/** Nodes of the old stack: ids are put there and taken away through their API, which knows neither lists nor acknowledgements. */
export class SlsProvisioner implements Provisioner {
  readonly #deps: SlsProvisionerDeps;

  constructor(deps: SlsProvisionerDeps) {
    this.#deps = deps;
  }

  /** @throws Error where the node has no API */
  async clientOf(serverId: string): Promise<SlsClient> {
    const node = await nodeById(this.#deps.db, serverId);
    if (!node?.api_url || !node.api_key) throw new Error(`the node ${serverId} has no API`);
    return new SlsClient({ apiUrl: node.api_url, apiKey: node.api_key }, this.#deps.fetch);
  }

  async provision(serverId: string, stream: AssignedStream): Promise<Provisioned> {
    try {
      const client = await this.clientOf(serverId);
      const isThere = await this.#inTurn(serverId, () => addChecked(client, stream.streamToken, stream.label));
      return isThere ? 'admitted' : 'refused';
    } catch (error) {
      this.#deps.logger.warn('a node did not take a stream', { node: serverId, error: messageOf(error) });
      return 'refused';
    }
  }

  async deprovision(serverId: string, assignmentIds: readonly string[], how: Removal): Promise<void> {
    const { db, unixNow } = this.#deps;
    const client = await this.clientOf(serverId);
    for (const id of assignmentIds)
      await this.#inTurn(serverId, async () => {
        const assignment = await db.first<{ stream_token: string }>(
          'SELECT stream_token FROM assignments WHERE assignment_id = ? AND removed_ms IS NULL',
          [id],
        );
        if (!assignment) return;
        const token = assignment.stream_token;
        const other = await db.first(
          `SELECT 1 AS found FROM assignments
           WHERE server_id = ? AND stream_token = ? AND assignment_id <> ? AND removed_ms IS NULL`,
          [serverId, token, id],
        );
        // Another session has it there by now.
        if (!other) await client.remove(playerIdOf(token), how === 'revoke');
        await db.transaction((tx) => removeFromList(tx, serverId, [id], unixNow()), { repeatable: true });
      });
  }

  /** Puts ids that are missing on the node back. Takes none away: this database may be the older one. */
  async reconcile(serverId: string): Promise<void> {
    const client = await this.clientOf(serverId);
    await this.#inTurn(serverId, async () => {
      const rows = await this.#deps.db.all<{ stream_token: string; label: string }>(
        'SELECT stream_token, label FROM assignments WHERE server_id = ? AND removed_ms IS NULL',
        [serverId],
      );
      const there = new Set((await client.list()).map(({ player }) => player));
      for (const { stream_token, label } of rows)
        if (!there.has(playerIdOf(stream_token))) await addChecked(client, stream_token, label);
    });
  }

  ingesting(serverId: string): Promise<ReadonlySet<string>> {
    return ingestingOf(this.#deps.db, serverId, this.#deps.unixNow());
  }

  /** Calls to one node do not overtake each other: an id that is taken away and wanted again is there at the end. */
  #inTurn<T>(serverId: string, work: () => Promise<T>): Promise<T> {
    const { db, unixNow } = this.#deps;
    return underLock(db, `sls ${serverId}`, LOCK_MS, unixNow, work);
  }
}

/** False: the player id is taken by another publisher. */
const addChecked = async (client: SlsClient, token: string, label: string): Promise<boolean> => {
  const [publisher, player] = [publisherIdOf(token), playerIdOf(token)];
  if (await client.add(publisher, player, label)) return true;
  return (await client.list()).some((row) => row.player === player && row.publisher === publisher);
};
