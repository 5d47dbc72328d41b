/** libsrt's smoothing of the round trip (SRT specification §3.4). */
export class RoundTrip {
  smoothedMs = 100;
  variationMs = 50;
  /** Undefined before the first sample. */
  #first: number | undefined;

  get firstMs(): number {
    return this.#first ?? 0;
  }

  sample(rttMs: number): void {
    if (this.#first === undefined) {
      this.#first = rttMs;
      this.smoothedMs = rttMs;
      this.variationMs = rttMs / 2;
      return;
    }
    this.variationMs = (3 * this.variationMs + Math.abs(rttMs - this.smoothedMs)) / 4;
    this.smoothedMs = (7 * this.smoothedMs + rttMs) / 8;
  }
}
