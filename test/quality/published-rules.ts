import type { QualityInput, QualityLevel } from '../../src/quality/types.ts';

/**
 * The rules that were published for the same purpose (spec: neighbours.md §4.1), to compare with. `split`: with a timer each for down and up,
 * instead of the one slot that both clear.
 */
const DOWN: Partial<Record<QualityLevel, { lossPct: number; kbps: number; to: QualityLevel | 'ERROR' }>> = {
  HIGH: { lossPct: 2, kbps: 5_000, to: 'MEDIUM' },
  MEDIUM: { lossPct: 3, kbps: 3_000, to: 'LOW' },
  LOW: { lossPct: 5, kbps: 1_500, to: 'VERY_LOW' },
  VERY_LOW: { lossPct: Number.POSITIVE_INFINITY, kbps: 500, to: 'ERROR' },
};
const UP: Partial<Record<QualityLevel, { kbps: number; lossPct: number; rttMs: number; to: QualityLevel }>> = {
  VERY_LOW: { kbps: 2_500, lossPct: 1, rttMs: 100, to: 'LOW' },
  LOW: { kbps: 4_500, lossPct: 0.5, rttMs: 80, to: 'MEDIUM' },
  MEDIUM: { kbps: 7_000, lossPct: 0.5, rttMs: 100, to: 'HIGH' },
};
const RATES = { HIGH: 4_500, MEDIUM: 2_500, LOW: 1_200, VERY_LOW: 600, RECOVERY: 2_500, ERROR: 300 } as const;
type State = keyof typeof RATES;

export class PublishedRules {
  readonly #isSplit: boolean;
  #state: State = 'MEDIUM';
  #from: QualityLevel = 'MEDIUM';
  #sinceS = 0;
  #slots: Record<'down' | 'up', { name: string; sinceS: number } | undefined> = { down: undefined, up: undefined };

  constructor(isSplit: boolean) {
    this.#isSplit = isSplit;
  }

  get state(): State {
    return this.#state;
  }

  get rateKbps(): number {
    return RATES[this.#state];
  }

  take(input: QualityInput, atS: number): void {
    if (atS - this.#sinceS < 45) return;
    if (input.linksHeard === 0) {
      this.#enter('ERROR', atS);
      return;
    }
    if (this.#state === 'ERROR') return;
    if (this.#state === 'RECOVERY') {
      if (atS - this.#sinceS >= 60) this.#enter(UP[this.#from]?.to ?? 'MEDIUM', atS);
      return;
    }
    const level = this.#state;
    const bandwidth = input.capacityKbps ?? input.deliveredKbps;
    const down = DOWN[level]!;
    const wrong = input.lossPct > down.lossPct ? 'loss' : bandwidth < down.kbps ? 'bandwidth' : undefined;
    if (this.#held('down', wrong, atS, { loss: 5, bandwidth: level === 'VERY_LOW' ? 20 : 10 })) {
      this.#enter(down.to, atS);
      return;
    }
    const up = UP[level];
    const isUp = up && bandwidth > up.kbps && input.lossPct < up.lossPct && (input.rttMs ?? 0) < up.rttMs;
    if (this.#held('up', isUp ? 'up' : undefined, atS, { up: 60 })) {
      this.#from = level;
      this.#enter('RECOVERY', atS);
    }
  }

  #held(slot: 'down' | 'up', name: string | undefined, atS: number, after: Record<string, number>): boolean {
    const key = this.#isSplit ? slot : 'down';
    const held = this.#slots[key];
    if (name === undefined) {
      this.#slots[key] = undefined;
      return false;
    }
    if (held?.name !== name) {
      this.#slots[key] = { name, sinceS: atS };
      return false;
    }
    return atS - held.sinceS >= after[name]!;
  }

  #enter(state: State, atS: number): void {
    this.#state = state;
    this.#sinceS = atS;
    this.#slots = { down: undefined, up: undefined };
  }
}
