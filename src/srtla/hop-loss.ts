/** Shares, 0 … 1, of the datagrams between the shell and the SRT server that do not arrive. */
export interface HopLossShares {
  readonly toServer: number;
  readonly fromServer: number;
}

const SEED = 0x9e3779b9;

/**
 * Loses datagrams on the internal hop, as a full socket buffer does: for tests alone. The same calls give the same answers; nothing is
 * allocated.
 */
export class HopLoss {
  readonly #toServer: number;
  readonly #fromServer: number;
  #state = SEED;
  #lostToServer = 0;
  #lostFromServer = 0;

  constructor({ toServer, fromServer }: HopLossShares) {
    this.#toServer = toServer * 2 ** 32;
    this.#fromServer = fromServer * 2 ** 32;
  }

  /** True: this datagram is lost on its way to the SRT server. */
  losesToServer(): boolean {
    if (this.#next() >= this.#toServer) return false;
    this.#lostToServer++;
    return true;
  }

  /** True: this datagram of the SRT server is lost. */
  losesFromServer(): boolean {
    if (this.#next() >= this.#fromServer) return false;
    this.#lostFromServer++;
    return true;
  }

  counters(): Readonly<Record<string, number>> {
    return { hopLostByTest: this.#lostToServer, hopLostBackByTest: this.#lostFromServer };
  }

  /** 0 … 2³² - 1 (xorshift). */
  #next(): number {
    let state = this.#state;
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    this.#state = state;
    return state >>> 0;
  }
}
