import type { Millis } from '../../shared/clock.ts';
import type { Database } from '../database/database.ts';
import { conflictsOf, removeFromList } from './desired.ts';
import { ingestingOf } from './ingest.ts';
import type { NodeSignals } from './node-signals.ts';
import type { AssignedStream, Provisioned, Provisioner, Removal } from './provisioner.ts';

interface AppliedRow {
  readonly applied_generation: number;
  readonly conflicts: string | null;
}

/** Nodes that ask for their list: a change of the list is all there is to do, and their acknowledgement is waited for. */
export class TributaryProvisioner implements Provisioner {
  readonly #db: Database;
  readonly #signals: NodeSignals;
  readonly #unixNow: () => Millis;

  constructor(db: Database, signals: NodeSignals, unixNow: () => Millis) {
    this.#db = db;
    this.#signals = signals;
    this.#unixNow = unixNow;
  }

  async provision(serverId: string, { streamToken, generation }: AssignedStream, waitMs: Millis): Promise<Provisioned> {
    this.#signals.desiredChanged(serverId);
    const look = async (): Promise<Provisioned | undefined> => {
      const row = await this.#db.first<AppliedRow>(
        'SELECT applied_generation, conflicts FROM nodes WHERE server_id = ?',
        [serverId],
      );
      if (!row || row.applied_generation < generation) return undefined;
      return conflictsOf(row.conflicts).includes(streamToken) ? 'refused' : 'admitted';
    };
    return (await this.#signals.waitFor('applied', serverId, waitMs, look)) ?? 'waiting';
  }

  async deprovision(serverId: string, assignmentIds: readonly string[], _how: Removal): Promise<void> {
    // What is not on the list is cut at once; whoever may go on for a while stays on it for that while.
    const isChanged = await this.#db.transaction((tx) => removeFromList(tx, serverId, assignmentIds, this.#unixNow()), {
      repeatable: true,
    });
    if (isChanged) this.#signals.desiredChanged(serverId);
  }

  ingesting(serverId: string): Promise<ReadonlySet<string>> {
    return ingestingOf(this.#db, serverId, this.#unixNow());
  }
}
