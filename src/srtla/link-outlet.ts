import type { Millis } from '../shared/clock.ts';
import { COUNTER, type Counters } from './counters.ts';
import type { Group } from './group.ts';
import type { Link } from './link.ts';
import type { SrtlaOutbox } from './types.ts';

/** Sends what comes from the SRT server, or in its stead, to the links of a group, and counts it. */
export class LinkOutlet {
  readonly #counters: Counters;

  constructor(counters: Counters) {
    this.#counters = counters;
  }

  /** @param link undefined where the group has none that would do: only counted */
  send(link: Link | undefined, packet: Uint8Array, out: SrtlaOutbox): void {
    if (link === undefined) {
      this.#counters.count(COUNTER.serverNoLink);
      return;
    }
    this.#counters.count(COUNTER.toLinks);
    out.sendToLink(link.peer, packet);
  }

  /** Everything in the bond that lives; where nothing was heard lately, at least the link that was heard last. */
  broadcast(group: Group, packet: Uint8Array, now: Millis, out: SrtlaOutbox): void {
    const { links } = group;
    let sent = false;
    for (let i = 0; i < links.length; i++) {
      const link = links[i]!;
      if (!link.confirmed || !link.isActive(now)) continue;
      sent = true;
      this.send(link, packet, out);
    }
    if (!sent) this.send(group.freshest, packet, out);
  }
}
