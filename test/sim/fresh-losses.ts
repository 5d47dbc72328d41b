interface FreshLoss {
  first: number;
  last: number;
  /** Packets that may still arrive before it is reported. */
  left: number;
}

/** libsrt's grace for what may only be late, counted in packets, and the tolerance that it learns (SLS specification §5.1). */
export class FreshLosses {
  /** Packets; begins at the limit. */
  tolerance: number;
  readonly dueFirsts: number[] = [];
  readonly dueLasts: number[] = [];
  readonly #limit: number;
  readonly #list: FreshLoss[] = [];
  #ordered = 0;
  #early = 0;

  constructor(limit: number) {
    this.#limit = limit;
    this.tolerance = limit;
  }

  add(first: number, last: number): void {
    this.#list.push({ first, last, left: this.tolerance });
  }

  /** The packet behind the newest has arrived. */
  inOrder(): void {
    if (++this.#ordered < 50) return;
    this.#ordered = 0;
    if (this.tolerance > 0) this.tolerance--;
  }

  /** A missing packet has arrived, `distance` behind the newest. */
  arrived(index: number, distance: number, retransmitted: boolean): void {
    if (this.#limit === 0) return;
    let grown = false;
    if (!retransmitted) {
      this.#ordered = 0;
      if (distance > this.tolerance) {
        const before = this.tolerance;
        this.tolerance = Math.min(distance, this.#limit);
        grown = this.tolerance > before;
      }
    }
    const left = this.forget(index);
    if (grown) this.#early = 0;
    else if (left > 2 && !retransmitted && ++this.#early >= 10) {
      this.#early = 0;
      if (this.tolerance > 0) this.tolerance--;
    }
  }

  /** What was left of its grace; 0 where it has none. */
  forget(index: number): number {
    const list = this.#list;
    for (let i = 0; i < list.length; i++) {
      const loss = list[i]!;
      if (index < loss.first || index > loss.last) continue;
      if (loss.first === loss.last) list.splice(i, 1);
      else if (loss.first === index) loss.first++;
      else if (loss.last === index) loss.last--;
      else {
        list.splice(i + 1, 0, { first: index + 1, last: loss.last, left: loss.left });
        loss.last = index - 1;
      }
      return loss.left;
    }
    return 0;
  }

  dropBefore(index: number): void {
    const list = this.#list;
    while (list.length > 0 && list[0]!.last < index) list.shift();
    if (list.length > 0 && list[0]!.first < index) list[0]!.first = index;
  }

  /** A data packet has come. True where losses are due: they are in `dueFirsts` and `dueLasts`. */
  review(): boolean {
    const list = this.#list;
    if (list.length === 0) return false;
    this.dueFirsts.length = 0;
    this.dueLasts.length = 0;
    let due = 0;
    while (due < list.length && list[due]!.left <= 0) {
      this.dueFirsts.push(list[due]!.first);
      this.dueLasts.push(list[due]!.last);
      due++;
    }
    if (due > 0) list.splice(0, due);
    for (let i = 0; i < list.length; i++) list[i]!.left--;
    return due > 0;
  }
}
