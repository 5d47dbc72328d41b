import type { Desired, DesiredStream } from '../control-plane/protocol.ts';
import { LOCAL_OWNER, PUBLISHER_FIELDS, type Row } from '../sls-bridge/directory-rules.ts';

/** More removals than this at once need the plane's `confirm`. @param owned rows of the plane */
export const removalLimit = (owned: number): number => Math.max(2, owned * 0.2);

export interface Conflict {
  readonly player: string;
  readonly reason: 'local' | 'taken' | 'invalid';
  readonly message: string;
}

export interface RowChanges {
  /** Player ids whose rows are over at once, to be carried out first. */
  readonly remove: readonly string[];
  /** Rows as they are to be: new ones, and those that differ or change hands. */
  readonly put: readonly Row[];
  /** Player ids of this plane's that stay although the list leaves them out, those of before included. */
  readonly held: readonly string[];
  /** … those that were not held before. */
  readonly newlyHeld: readonly string[];
  readonly conflicts: readonly Conflict[];
}

export interface Present {
  readonly planeId: string;
  /** Of the last list that was applied; undefined: none of this plane yet. */
  readonly generation: number | undefined;
  /** Everything that is admitted: rows that are leaving too. */
  readonly rows: readonly Row[];
  readonly isLeaving: (playerId: string) => boolean;
  readonly held: ReadonlySet<string>;
  /** Player ids of rows of the node's own that become the plane's where the list has the same pair. */
  readonly handedOver?: ReadonlySet<string>;
}

const LIMITS = [
  'label',
  'passphrase',
  'maxPlayers',
  'maxBitrateKbps',
  'latencyMs',
  'playerLatencyMs',
  'expiresAt',
  'pullFrom',
] as const;

/** @param local a row of the node's own with this publisher id: what belongs to the id is the operator's to say, and stays */
const desiredRow = (stream: DesiredStream, owner: string, known: Row | undefined, local: Row | undefined): Row => {
  const row: Record<string, unknown> = { publisher: stream.publisher, player: stream.player, owner };
  // The plane has no say in what an operator has noted down.
  if (known?.description !== undefined) row.description = known.description;
  for (const name of LIMITS) if (stream[name] !== undefined) row[name] = stream[name];
  if (local)
    for (const name of PUBLISHER_FIELDS) {
      delete row[name];
      if (local[name] !== undefined) row[name] = local[name];
    }
  return row as unknown as Row;
};

export const isLocal = ({ owner = LOCAL_OWNER }: Row): boolean => owner === LOCAL_OWNER;

const isSame = (a: Row, b: Row): boolean =>
  a.publisher === b.publisher && a.owner === b.owner && LIMITS.every((name) => a[name] === b[name]);

const taken = (player: string, message: string): Conflict => ({ player, reason: 'taken', message });

/**
 * What a list of the plane changes in the node's directory: rows of this plane's, and those of another plane's that the list names.
 * @returns undefined where the list is of another plane, or no newer than what was applied
 */
export const reconcile = (present: Present, desired: Desired): RowChanges | undefined => {
  const { planeId, generation, rows, isLeaving } = present;
  if (desired.planeId !== planeId) return undefined;
  if (generation !== undefined && desired.generation <= generation) return undefined;
  const byPlayer = new Map(rows.map((row) => [row.player, row]));
  const owned = rows.filter((row) => row.owner === planeId);
  const localOf = new Map(rows.filter(isLocal).map((row) => [row.publisher, row]));
  const wanted = new Map<string, DesiredStream>();
  const conflicts: Conflict[] = [];
  const firstOf = new Map<string, DesiredStream>();
  for (const stream of desired.streams) {
    const { player, publisher } = stream;
    const first = firstOf.get(publisher) ?? stream;
    const contradicted = PUBLISHER_FIELDS.find((name) => first[name] !== stream[name]);
    if (wanted.has(player)) conflicts.push(taken(player, 'the list has this player id twice'));
    else wanted.set(player, stream);
    if (contradicted !== undefined)
      conflicts.push({
        player,
        reason: 'invalid',
        message: `another row of its publisher id has another ${contradicted}`,
      });
    firstOf.set(publisher, first);
  }

  const isMissing = ({ player, publisher }: Row): boolean => wanted.get(player)?.publisher !== publisher;
  const missing = owned.filter(isMissing).map((row) => row.player);
  const newlyMissing = missing.filter((player) => !present.held.has(player));
  const mayRemove = desired.confirm === true && desired.older !== true;
  const tooMany = desired.older === true || newlyMissing.length > removalLimit(owned.length);
  const newlyHeld = tooMany && !mayRemove ? newlyMissing : [];
  const held = mayRemove ? [] : [...missing.filter((player) => present.held.has(player)), ...newlyHeld];
  const staysHeld = new Set(held);
  const remove = missing.filter((player) => !staysHeld.has(player));

  const contradicting = new Set(conflicts.filter(({ reason }) => reason === 'invalid').map(({ player }) => player));
  const changed: Row[] = [];
  const added: Row[] = [];
  for (const stream of wanted.values()) {
    if (contradicting.has(stream.player)) continue;
    const known = byPlayer.get(stream.player);
    if (known && isLocal(known)) {
      if (known.publisher === stream.publisher && present.handedOver?.has(stream.player)) {
        const others = rows.find((row) => isLocal(row) && row !== known && row.publisher === stream.publisher);
        changed.push(desiredRow(stream, planeId, known, others));
        continue;
      }
      conflicts.push(
        known.publisher === stream.publisher
          ? { player: stream.player, reason: 'local', message: 'the node has this pair in a row of its own' }
          : taken(stream.player, 'the node has this player id in a row of its own'),
      );
      continue;
    }
    // The same player id with another publisher id: the old row goes first, if it may.
    if (known && known.publisher !== stream.publisher && !remove.includes(stream.player)) {
      conflicts.push(taken(stream.player, 'this player id is in a row with another publisher id'));
      continue;
    }
    const isReplaced = known !== undefined && known.publisher !== stream.publisher;
    const row = desiredRow(stream, planeId, isReplaced ? undefined : known, localOf.get(stream.publisher));
    if (!known || isReplaced) added.push(row);
    else if (isLeaving(known.player) || !isSame(known, row)) changed.push(row);
  }
  // A further row of a publisher id has to agree with those that are there.
  return { remove, put: [...changed, ...added], held, newlyHeld, conflicts };
};
