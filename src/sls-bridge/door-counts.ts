import { type RefusalReason, refusalReason } from './stream-event.ts';

type Result = 'accepted' | RefusalReason;

/**
 * What became of those who knocked, by listener: `door.publish.accepted`, `door.play.unknown-id`, `door.bond.in-use`, … Reasons are few, so
 * the names are.
 */
export class DoorCounts {
  readonly values: Record<string, number> = {};

  accepted(door: string): void {
    this.#count(door, 'accepted');
  }

  /** @param code reject code of srt */
  refused(door: string, code: number): void {
    this.#count(door, refusalReason(code));
  }

  #count(door: string, result: Result): void {
    const name = `door.${door}.${result}`;
    this.values[name] = (this.values[name] ?? 0) + 1;
  }
}
