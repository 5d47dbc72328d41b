import { LinkModel } from '../../src/sender/impair/link-model.ts';
import type { LinkScenario } from '../../src/sender/impair/scenarios.ts';

/** A link of the simulated bond: both directions, and the number under which the node sees it now (0: gone). */
export class SimLink {
  readonly id: number;
  readonly scenario: LinkScenario;
  readonly up: LinkModel;
  readonly down: LinkModel;
  peer: number;

  constructor(id: number, scenario: LinkScenario, seed: number, peer: number) {
    const { back, ...forth } = scenario;
    this.id = id;
    this.scenario = scenario;
    this.peer = peer;
    this.up = new LinkModel(forth, seed * 1_000 + id * 2);
    this.down = new LinkModel({ ...forth, ...back }, seed * 1_000 + id * 2 + 1);
  }

  /** Both directions, from the next datagram on. */
  set plugged(plugged: boolean) {
    this.up.conditions.up = plugged;
    this.down.conditions.up = plugged;
  }

  /** What a datagram on its way up is known by: from whom, and whether it is the link's own second copy. */
  tag(second: boolean): number {
    return this.peer * 2 + (second ? 1 : 0);
  }

  static peerOf(tag: number): number {
    return tag >> 1;
  }

  static isSecond(tag: number): boolean {
    return (tag & 1) === 1;
  }
}
