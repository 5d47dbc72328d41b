/** Ranges of missing packets in ascending order, by index from the first packet of the session on. */
export class LossList {
  readonly firsts: number[] = [];
  readonly lasts: number[] = [];

  get length(): number {
    return this.firsts.length;
  }

  /** Behind everything that is in the list. */
  append(first: number, last: number): void {
    this.firsts.push(first);
    this.lasts.push(last);
  }

  /** False where it is not in the list. */
  remove(index: number): boolean {
    const { firsts, lasts } = this;
    let low = 0;
    let high = firsts.length - 1;
    while (low <= high) {
      const middle = (low + high) >> 1;
      if (index > lasts[middle]!) low = middle + 1;
      else if (index < firsts[middle]!) high = middle - 1;
      else {
        if (firsts[middle] === lasts[middle]) {
          firsts.splice(middle, 1);
          lasts.splice(middle, 1);
        } else if (firsts[middle] === index) firsts[middle] = index + 1;
        else if (lasts[middle] === index) lasts[middle] = index - 1;
        else {
          firsts.splice(middle + 1, 0, index + 1);
          lasts.splice(middle, 0, index - 1);
        }
        return true;
      }
    }
    return false;
  }

  /** Everything below `index` is given up. */
  dropBefore(index: number): void {
    const { firsts, lasts } = this;
    let gone = 0;
    while (gone < lasts.length && lasts[gone]! < index) gone++;
    if (gone > 0) {
      firsts.splice(0, gone);
      lasts.splice(0, gone);
    }
    if (firsts.length > 0 && firsts[0]! < index) firsts[0] = index;
  }

  /** Gives up a range that lies anywhere. */
  dropRange(first: number, last: number): void {
    for (let index = first; index <= last; index++) this.remove(index);
  }
}
