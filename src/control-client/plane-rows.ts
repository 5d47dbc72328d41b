import type { AppliedRequest, Desired } from '../control-plane/protocol.ts';
import type { Millis } from '../shared/clock.ts';
import { messageOf } from '../shared/errors.ts';
import type { Logger } from '../shared/logger.ts';
import type { StreamDirectory } from '../sls-bridge/directory.ts';
import type { DirectoryFile } from '../sls-bridge/directory-file.ts';
import type { Row } from '../sls-bridge/directory-rules.ts';
import type { ControlFile, ControlState } from './control-file.ts';
import { type Conflict, isLocal, reconcile } from './reconcile.ts';

export interface PlaneRowsDeps {
  store: Pick<DirectoryFile, 'govern' | 'writeOverdue'> & { readonly directory: StreamDirectory };
  file: ControlFile;
  /** Resolves once all changes so far are in effect at the door: true; false where the node stops. */
  settled: () => Promise<boolean>;
  /** The plane has left these rows out, and they are kept: too many at once. */
  onHeld: (rows: readonly Row[]) => void;
  clock: () => Millis;
  logger: Logger;
}

/** The rows that the plane governs: its lists are applied one after the other. */
export class PlaneRows {
  readonly #deps: PlaneRowsDeps;
  #last: Promise<unknown> = Promise.resolve();
  #stored: Promise<void> = Promise.resolve();
  /** Lists that would have removed too many rows at once. */
  refusedRemovals = 0;
  /** Lists that were no newer, or another plane's. */
  ignoredLists = 0;
  appliedLists = 0;
  /** The last list that was ignored: told once. */
  #ignored = '';
  /** From the arrival of the last list that was applied until all of it was in effect. */
  lastApplyMs: Millis | undefined;

  constructor(deps: PlaneRowsDeps) {
    this.#deps = deps;
  }

  get planeId(): string | undefined {
    return this.#deps.file.state.plane?.id;
  }

  /** Of the last list that was applied. */
  get generation(): number | undefined {
    return this.#deps.file.state.plane?.generation;
  }

  get held(): number {
    return this.#deps.file.state.plane?.held.length ?? 0;
  }

  /** Whether a plane has this publisher id from its own list: those of other rows are secrets of the node. */
  knows(publisherId: string): boolean {
    const shared = this.#deps.file.state.plane?.shared ?? [];
    return this.#deps.store.directory
      .playersOf(publisherId)
      .some((row) => !isLocal(row) || shared.includes(row.player));
  }

  /** This plane governs the node from now on. What another one has listed stays until this one lists it. */
  adopt(planeId: string): void {
    const { file, logger, store } = this.#deps;
    const before = file.state.plane;
    if (before?.id === planeId) return;
    const rows = before ? store.directory.admitted().filter((row) => row.owner === before.id).length : 0;
    if (before)
      logger.warn('another control plane governs this node now: what the one before has listed stays', {
        ...{ before: before.id, now: planeId, rows },
      });
    void file.trySave({ plane: { id: planeId, held: [] } }, logger);
  }

  /**
   * Rows of the node's own that become the plane's with the first list that names them; until then they stay as they are.
   * @returns false where no plane governs this node yet
   * @throws TributaryError TRIBUTARY_DATA_DIR_UNWRITABLE
   */
  async handOver(players: readonly string[]): Promise<boolean> {
    const { file } = this.#deps;
    const { plane } = file.state;
    if (!plane) return false;
    await file.save({ plane: { ...plane, handedOver: [...new Set([...(plane.handedOver ?? []), ...players])] } });
    return true;
  }

  /** Resolves once what is in effect is on disk too. */
  async stored(): Promise<void> {
    await this.#stored;
  }

  /** Resolves once no list is being applied. */
  async quiet(): Promise<void> {
    await this.#last;
  }

  /** @returns what the plane is to be told once all is in effect; undefined where the list was not for us, or the node stops */
  apply(desired: Desired): Promise<AppliedRequest | undefined> {
    const result = this.#last.then(() => this.#apply(desired));
    this.#last = result.catch(() => {});
    return result;
  }

  async #apply(desired: Desired): Promise<AppliedRequest | undefined> {
    const { store, file, settled, onHeld, clock, logger } = this.#deps;
    const { directory } = store;
    const startMs = clock();
    const { plane } = file.state;
    const changes =
      plane &&
      reconcile(
        {
          planeId: plane.id,
          generation: plane.generation,
          rows: directory.admitted(),
          isLeaving: (playerId) => directory.leavingUntil(playerId) !== undefined,
          held: new Set(plane.held),
          handedOver: new Set(plane.handedOver),
        },
        desired,
      );
    if (!changes) {
      this.#ignore(desired);
      return undefined;
    }
    const { remove, put, held, newlyHeld } = changes;
    const refused = await store.govern(remove, put);
    if (newlyHeld.length > 0) {
      this.refusedRemovals++;
      const isHeld = new Set(newlyHeld);
      onHeld(directory.admitted().filter((row) => isHeld.has(row.player)));
    }
    if (!(await settled())) return undefined;
    this.lastApplyMs = clock() - startMs;
    this.appliedLists++;
    const { planeId, generation } = desired;
    const shared = changes.conflicts.filter(({ reason }) => reason === 'local').map(({ player }) => player);
    // As it is now: rows may have been handed over meanwhile.
    const isTheirs = new Set(put.map(({ player }) => player));
    const handedOver = (file.state.plane?.handedOver ?? []).filter((player) => !isTheirs.has(player));
    const stored = this.#store({
      ...{ id: planeId, generation, held: [...held] },
      ...(shared.length > 0 ? { shared } : {}),
      ...(handedOver.length > 0 ? { handedOver } : {}),
    });
    this.#stored = stored;
    // What was added is told again after a start; what was taken away must not come back after the plane has let go of it.
    if (remove.length > 0 || newlyHeld.length > 0) await stored;
    const conflicts = [...changes.conflicts, ...refused.map(({ row, error }) => conflictOf(row, error))];
    logger.info('a list of the control plane is in effect', {
      ...{ generation, rows: desired.streams.length, changed: put.length, removed: remove.length },
      ...{ held: held.length, conflicts: conflicts.length, ms: Math.round(this.lastApplyMs) },
    });
    return { planeId, generation, held: held.length, conflicts };
  }

  #ignore({ planeId, generation }: Desired): void {
    const { file, logger } = this.#deps;
    const { plane } = file.state;
    // By two ways at once: heartbeat and long poll.
    if (planeId === plane?.id && generation === plane.generation) return;
    this.ignoredLists++;
    const name = `${planeId} ${generation}`;
    if (name === this.#ignored) return;
    this.#ignored = name;
    logger.warn('a list of stream ids is ignored: it is no newer than what was applied, or of another control plane', {
      ...{ planeId, generation, appliedPlaneId: plane?.id, appliedGeneration: plane?.generation },
    });
  }

  /** The rows first: a generation on disk says that its rows are there. */
  async #store(plane: NonNullable<ControlState['plane']>): Promise<void> {
    const { store, file, logger } = this.#deps;
    file.note({ plane });
    await store.writeOverdue().then(
      () => file.trySave({}, logger),
      (error: unknown) => logger.error('stream ids were not stored', { error: messageOf(error) }),
    );
  }
}

const conflictOf = (row: Row, error: unknown): Conflict => ({
  player: row.player,
  reason: 'invalid',
  message: messageOf(error).slice(0, 512),
});
