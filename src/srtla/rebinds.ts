import type { Millis } from '../shared/clock.ts';
import type { AnswerBudget } from './answer-budget.ts';
import { REBIND_SILENT_MS } from './constants.ts';
import { COUNTER, type Counters } from './counters.ts';
import type { Group } from './group.ts';
import type { Link } from './link.ts';
import { KIND, parseTelemetry, TELEMETRY, type TelemetryFields } from './packet.ts';
import type { Registry } from './registry.ts';
import { destinationId } from './srt-header.ts';
import type { PeerId, SrtlaOutbox } from './types.ts';

/**
 * Links whose NAT has given them another address (SRTLA specification §5.4 no. 18): a stranger takes the place of the silent link of its
 * IP address when it names the SRT socket of exactly one live group, or a connection id that exactly one such link has told. It weakens
 * the group id as a credential, and is off unless asked for.
 */
export class Rebinds {
  readonly #registry: Registry;
  readonly #budget: AnswerBudget;
  readonly #counters: Counters;
  readonly #told: TelemetryFields = {
    connectionId: 0,
    windowPackets: 0,
    inFlightPackets: 0,
    rttMs: 0,
    nakCount: 0,
    bitrateKbps: 0,
    inMicroseconds: false,
  };

  constructor(registry: Registry, budget: AnswerBudget, counters: Counters) {
    this.#registry = registry;
    this.#budget = budget;
    this.#counters = counters;
  }

  /** The link that this stranger has become, or undefined. */
  adopt(datagram: Uint8Array, kind: number, peer: PeerId, now: Millis, out: SrtlaOutbox): Link | undefined {
    const isSrt = kind === KIND.srtData || kind === KIND.srtControl;
    const isTelling = kind === KIND.keepalive && parseTelemetry(datagram, this.#told) === TELEMETRY.read;
    if (!isSrt && !isTelling) return undefined;
    const address = this.#registry.addressOf(peer);
    // Looking costs more than dropping.
    if (!this.#budget.take(address, now)) return undefined;
    const silent = isSrt
      ? this.#byDestination(destinationId(datagram), address, now)
      : this.#byConnection(this.#told.connectionId, address, now);
    if (silent === undefined) return undefined;
    this.#counters.count(COUNTER.linkRebinds);
    const link = this.#registry.rebindLink(silent, peer, now, out);
    // The address is the one to which the old link was confirmed.
    link.confirmed = true;
    return link;
  }

  #byDestination(serverId: number, address: string, now: Millis): Link | undefined {
    if (serverId === 0) return undefined;
    let group: Group | undefined;
    for (const candidate of this.#registry.groups) {
      const { current } = candidate;
      if (current?.state !== 'accepted' || current.serverId !== serverId) continue;
      if (!candidate.links.some((link) => link.address === address)) continue;
      if (group !== undefined) return undefined;
      group = candidate;
    }
    return group === undefined ? undefined : mostSilent(group, address, now);
  }

  #byConnection(connectionId: number, address: string, now: Millis): Link | undefined {
    let found: Link | undefined;
    for (const group of this.#registry.groups) {
      for (const link of group.links) {
        const isKnown = link.telemetryMs > Number.NEGATIVE_INFINITY && link.telemetry.connectionId === connectionId;
        if (!isKnown || link.address !== address) continue;
        if (found !== undefined) return undefined;
        found = link;
      }
    }
    return found !== undefined && isSilent(found, now) ? found : undefined;
  }
}

const isSilent = (link: Link, now: Millis): boolean => link.confirmed && now - link.lastHeardMs > REBIND_SILENT_MS;

/** Where several links of one address have gone silent together, each newcomer takes the place of the one that did so first. */
const mostSilent = (group: Group, address: string, now: Millis): Link | undefined => {
  let silent: Link | undefined;
  for (const link of group.links) {
    if (link.address !== address || !isSilent(link, now)) continue;
    if (silent === undefined || link.lastHeardMs < silent.lastHeardMs) silent = link;
  }
  return silent;
};
