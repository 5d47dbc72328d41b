import type { SrtEngine } from './srt-engine.ts';

/** A row of the stream directory, as far as admission needs it. */
export interface AccessRow {
  publisher: string;
  player: string;
  passphrase?: string | undefined;
}

/**
 * Who may come in: keeps the engine's admission table in step with the directory. A publisher id may have several player ids.
 */
export class AccessTable {
  readonly #engine: Pick<SrtEngine, 'allow' | 'forbid'>;
  readonly #playersPerId: number;
  readonly #publisherOf = new Map<string, string>();
  readonly #playersOf = new Map<string, Set<string>>();

  constructor(engine: Pick<SrtEngine, 'allow' | 'forbid'>, playersPerId: number) {
    this.#engine = engine;
    this.#playersPerId = playersPerId;
  }

  publisherOf(playerId: string): string | undefined {
    return this.#publisherOf.get(playerId);
  }

  add(row: AccessRow): void {
    const secret = row.passphrase === undefined ? {} : { passphrase: row.passphrase };
    this.#publisherOf.set(row.player, row.publisher);
    const players = this.#playersOf.get(row.publisher) ?? new Set();
    this.#playersOf.set(row.publisher, players.add(row.player));
    this.#engine.allow('publish', row.publisher, { ...secret, maxSockets: 1 });
    this.#engine.allow('play', row.player, { ...secret, maxSockets: this.#playersPerId });
  }

  /** @returns true when this was the last row of its publisher id. */
  remove(row: AccessRow): boolean {
    this.#publisherOf.delete(row.player);
    this.#engine.forbid('play', row.player);
    const players = this.#playersOf.get(row.publisher);
    players?.delete(row.player);
    if (players && players.size > 0) return false;
    this.#playersOf.delete(row.publisher);
    this.#engine.forbid('publish', row.publisher);
    return true;
  }
}
