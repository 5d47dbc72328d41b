import { SRT_REJECT, type SrtAccess, type SrtRole } from '../shared/addon.ts';
import type { Millis } from '../shared/clock.ts';
import { streamIdForms } from '../sls-bridge/stream-id.ts';

interface Row {
  /** Undefined: it is not let in. */
  access: SrtAccess | undefined;
  /** Not let in, and still nothing but itself. */
  known: boolean;
  /** Of players, those that are open. */
  readonly players: Set<number>;
  /** The publisher that holds the id; it may be gone, and its tail under way. 0 = none. */
  holder: number;
  isHolderGone: boolean;
  lastArrivalMs: Millis;
  hasYielded: boolean;
}

interface Seat {
  readonly role: SrtRole;
  readonly id: string;
}

export type Verdict = { readonly code: number } | { readonly id: string; readonly access: SrtAccess };

/**
 * Who may come in: what the addon's admission is for libsrt (`native/src/admission.h`), for callers that one thread judges and lets in with
 * one breath. Ids are remembered for as long as somebody is on them, so that these count should the id be let in again. Pure.
 */
export class Admission {
  readonly #takeoverSilenceMs: Millis;
  readonly #rows: Readonly<Record<SrtRole, Map<string, Row>>> = { publish: new Map(), play: new Map() };
  readonly #seats = new Map<number, Seat>();
  refusesAll = false;
  refusesPublishers = false;

  constructor(takeoverSilenceMs: Millis) {
    this.#takeoverSilenceMs = takeoverSilenceMs;
  }

  allow(role: SrtRole, id: string, access: SrtAccess): void {
    const row = this.#row(role, id);
    row.access = access;
    row.known = false;
  }

  /** @param known the id goes on to mean itself, and is refused */
  forbid(role: SrtRole, id: string, known: boolean): void {
    const row = known ? this.#row(role, id) : this.#rows[role].get(id);
    if (!row) return;
    row.access = undefined;
    row.known = known;
    this.#forgetUnneeded(role, id);
  }

  /**
   * Decides. The exact bytes count first; what they may mean in the dialect of another server is tried only where nobody knows them.
   * @returns the code of `SRT_REJECT`, or the id as it was allowed and what it is let in with
   */
  request(role: SrtRole, streamId: string, now: Millis): Verdict {
    if (this.refusesAll || (role === 'publish' && this.refusesPublishers)) return { code: SRT_REJECT.overload };
    const other = role === 'publish' ? 'play' : 'publish';
    let id: string | undefined = streamId;
    if (!this.#isMeant(role, streamId)) {
      const forms = streamIdForms(streamId, role);
      const isForeign = this.#isMeant(other, streamId);
      id = isForeign ? undefined : forms.find((form) => this.#isMeant(role, form));
      if (id === undefined) {
        const foreign = isForeign ? streamId : forms.find((form) => this.#isMeant(other, form));
        const isElsewhere = foreign !== undefined && this.#rows[other].get(foreign)!.access !== undefined;
        return { code: isElsewhere ? SRT_REJECT.forbidden : SRT_REJECT.notFound };
      }
    }
    const row = this.#rows[role].get(id)!;
    const { access } = row;
    if (!access) return { code: SRT_REJECT.notFound };
    if (role === 'publish' && this.#isHeld(row, now)) return { code: SRT_REJECT.conflict };
    if (role === 'play' && row.players.size >= access.maxSockets) return { code: SRT_REJECT.overload };
    return { id, access };
  }

  /** Whoever was judged is in. @returns the publisher that it replaces, or 0 */
  enter(role: SrtRole, id: string, socket: number, now: Millis): number {
    const row = this.#row(role, id);
    this.#seats.set(socket, { role, id });
    if (role === 'play') {
      row.players.add(socket);
      return 0;
    }
    const replaces = row.holder;
    Object.assign(row, { holder: socket, isHolderGone: false, lastArrivalMs: now, hasYielded: false });
    return replaces;
  }

  /** Data of a publisher has arrived. */
  arrived(socket: number, now: Millis): void {
    const row = this.#heldBy(socket);
    if (row) row.lastArrivalMs = now;
  }

  /** From now on this publisher may be replaced, however lively it is. */
  yield(socket: number): void {
    const row = this.#heldBy(socket);
    if (row) row.hasYielded = true;
  }

  /** Nothing more comes from it; it is not over yet. */
  broke(socket: number): void {
    const row = this.#heldBy(socket);
    if (row) row.isHolderGone = true;
  }

  release(socket: number): void {
    const seat = this.#seats.get(socket);
    if (!seat) return;
    this.#seats.delete(socket);
    const row = this.#rows[seat.role].get(seat.id);
    if (!row) return;
    row.players.delete(socket);
    if (row.holder === socket) row.holder = 0;
    this.#forgetUnneeded(seat.role, seat.id);
  }

  #isHeld({ holder, isHolderGone, hasYielded, lastArrivalMs }: Row, now: Millis): boolean {
    return holder !== 0 && !isHolderGone && !hasYielded && now - lastArrivalMs < this.#takeoverSilenceMs;
  }

  #isMeant(role: SrtRole, id: string): boolean {
    const row = this.#rows[role].get(id);
    return row !== undefined && (row.access !== undefined || row.known);
  }

  #heldBy(socket: number): Row | undefined {
    const seat = this.#seats.get(socket);
    const row = seat && this.#rows[seat.role].get(seat.id);
    return row?.holder === socket ? row : undefined;
  }

  #row(role: SrtRole, id: string): Row {
    const known = this.#rows[role].get(id);
    if (known) return known;
    const row: Row = {
      ...{ access: undefined, known: false, players: new Set<number>(), holder: 0, isHolderGone: false },
      ...{ lastArrivalMs: Number.NEGATIVE_INFINITY, hasYielded: false },
    };
    this.#rows[role].set(id, row);
    return row;
  }

  #forgetUnneeded(role: SrtRole, id: string): void {
    const row = this.#rows[role].get(id);
    if (row && !row.access && !row.known && row.players.size === 0 && row.holder === 0) this.#rows[role].delete(id);
  }
}
