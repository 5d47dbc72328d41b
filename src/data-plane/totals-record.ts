import { TOTALS_FIELDS } from './counter-layout.ts';
import type { CounterTable } from './counter-table.ts';
import type { RosterOutlet } from './roster.ts';

type Counters = Readonly<Record<string, number>>;

/** The totals are one record that is always there. */
export const TOTALS_SLOT = 0;
export const TOTALS_GENERATION = 1;

/** Writes named counters into the one record of totals. A name gets the next free value when it is first seen, and main is told. */
export class TotalsRecord {
  readonly #table: CounterTable;
  readonly #roster: RosterOutlet;
  readonly #values = new Float64Array(TOTALS_FIELDS);
  readonly #names: { name: string; srtla: boolean }[] = [];
  readonly #srtla = new Map<string, number>();
  readonly #node = new Map<string, number>();

  constructor(table: CounterTable, roster: RosterOutlet) {
    this.#table = table;
    this.#roster = roster;
  }

  /** More names than the record has values: the last ones are not shown. */
  write(srtla: Counters, node: Counters): void {
    const known = this.#names.length;
    this.#set(this.#srtla, srtla, true);
    this.#set(this.#node, node, false);
    if (this.#names.length > known) this.#roster.put({ kind: 'totals', names: [...this.#names] });
    this.#table.write(TOTALS_SLOT, TOTALS_GENERATION, this.#values);
  }

  #set(indices: Map<string, number>, counters: Counters, srtla: boolean): void {
    for (const name in counters) {
      let index = indices.get(name);
      if (index === undefined) {
        if (this.#names.length === TOTALS_FIELDS) continue;
        index = this.#names.length;
        this.#names.push({ name, srtla });
        indices.set(name, index);
      }
      this.#values[index] = counters[name]!;
    }
  }
}
