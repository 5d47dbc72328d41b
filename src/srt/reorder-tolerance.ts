/** It shrinks by one packet after so many that came in order: a second's, at 6 Mbit/s. Faster, and what is rare is asked for each time. */
const CALM_PACKETS = 500;

/** How far behind others packets arrive that were not lost: learned from those that came late, forgotten while none does. */
export class ReorderTolerance {
  readonly #most: number;
  #inOrder = 0;
  packets = 0;
  /** The most that was seen. */
  largestDistance = 0;

  /** @param most 0 = what is missing is asked for at once */
  constructor(most: number) {
    this.#most = most;
  }

  inOrder(): void {
    if (this.packets === 0) return;
    this.#inOrder += 1;
    if (this.#inOrder < CALM_PACKETS) return;
    this.#inOrder = 0;
    this.packets -= 1;
  }

  /** An original has come after `distance` later ones. */
  late(distance: number): void {
    this.#inOrder = 0;
    this.largestDistance = Math.max(this.largestDistance, distance);
    this.packets = Math.max(this.packets, Math.min(distance, this.#most));
  }
}
