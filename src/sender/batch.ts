import type { Millis } from '../shared/clock.ts';
import type { BatchRules } from './profile.ts';

/** What waits on one link to go out together. */
export class Batch {
  readonly packets: Uint8Array[] = [];
  /** The first of them goes out then at the latest; infinite where none waits. */
  dueMs: Millis = Number.POSITIVE_INFINITY;
  readonly #rules: BatchRules;

  constructor(rules: BatchRules) {
    this.#rules = rules;
  }

  /** True where the batch is full now. */
  add(packet: Uint8Array, kbps: number, now: Millis): boolean {
    if (this.packets.length === 0) this.dueMs = now + this.#rules.maxMs;
    this.packets.push(packet);
    return this.packets.length >= this.#limit(kbps);
  }

  clear(): void {
    this.packets.length = 0;
    this.dueMs = Number.POSITIVE_INFINITY;
  }

  #limit(kbps: number): number {
    const { sizes } = this.#rules;
    for (let i = 0; i < sizes.length; i++) if (kbps <= sizes[i]!.upToKbps) return sizes[i]!.packets;
    return sizes[sizes.length - 1]!.packets;
  }
}
