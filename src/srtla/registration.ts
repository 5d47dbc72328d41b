import type { Millis } from '../shared/clock.ts';
import type { AnswerBudget } from './answer-budget.ts';
import { LINK_EVICTABLE_MS, REG_BYTES, SRTLA_TYPE } from './constants.ts';
import { COUNTER, type Counters } from './counters.ts';
import type { Group } from './group.ts';
import type { Link } from './link.ts';
import { registrationId } from './packet.ts';
import { buildControl, writeRegistration } from './packet-build.ts';
import type { Registry } from './registry.ts';
import type { Sessions } from './sessions.ts';
import type { PeerId, SrtlaOutbox, SrtlaSettings } from './types.ts';

/** Answers REG1 and REG2 (SRTLA specification §1.3): who becomes a group, and who a link. The state diagrams are in README.md. */
export class Registration {
  readonly #settings: SrtlaSettings;
  readonly #registry: Registry;
  readonly #sessions: Sessions;
  readonly #budget: AnswerBudget;
  readonly #counters: Counters;
  readonly #reg2 = new Uint8Array(REG_BYTES);
  readonly #reg3 = buildControl(SRTLA_TYPE.reg3);
  readonly #regErr = buildControl(SRTLA_TYPE.regErr);
  readonly #regNgp = buildControl(SRTLA_TYPE.regNgp);

  constructor(
    settings: SrtlaSettings,
    registry: Registry,
    sessions: Sessions,
    budget: AnswerBudget,
    counters: Counters,
  ) {
    this.#settings = settings;
    this.#registry = registry;
    this.#sessions = sessions;
    this.#budget = budget;
    this.#counters = counters;
  }

  /** A sender asks for a group. The same question from the same address gets the same answer, so a lost REG2 costs nothing. */
  reg1(packet: Uint8Array, peer: PeerId, link: Link | undefined, now: Millis, out: SrtlaOutbox): void {
    if (!this.#withinBudget(peer, now)) return;
    const id = registrationId(packet);
    const origin = this.#registry.originOf(peer);
    let group: Group | undefined = link?.group;
    if (group?.hasSenderHalf(id) !== true) group = this.#registry.groupOfOrigin(origin);
    if (group?.hasSenderHalf(id) !== true) group = this.#create(id, origin, now, out);
    if (group === undefined) {
      this.#count(COUNTER.regErrSent);
      out.sendToLink(peer, this.#regErr);
      return;
    }
    group.lastHeardMs = now;
    writeRegistration(this.#reg2, SRTLA_TYPE.reg2, group.id);
    this.#count(COUNTER.reg1Answered);
    out.sendToLink(peer, this.#reg2);
  }

  /** A sender shows an id: from now on its address is a link of that group. */
  reg2(packet: Uint8Array, peer: PeerId, link: Link | undefined, now: Millis, out: SrtlaOutbox): void {
    const group = this.#registry.groupOfId(registrationId(packet));
    if (group === undefined) {
      if (!this.#withinBudget(peer, now)) return;
      this.#count(COUNTER.ngpSent);
      out.sendToLink(peer, this.#regNgp);
      return;
    }
    if (link === undefined || link.group !== group) {
      // Only whom we gave this id by REG1 may leave a group for it: anybody else could pull links out of strangers' groups.
      const mayMove = link === undefined || this.#registry.originOf(peer) === group.origin;
      if (!mayMove || !this.#makeRoom(group, now, out)) {
        this.#refuse(peer, now, out);
        return;
      }
      if (link === undefined) this.#registry.addLink(group, peer, now, out);
      else {
        this.#count(COUNTER.linksMoved);
        this.#registry.moveLink(link, group, now, out);
      }
    }
    group.lastHeardMs = now;
    this.#count(COUNTER.reg3Sent);
    out.sendToLink(peer, this.#reg3);
  }

  #create(id: Uint8Array, origin: string, now: Millis, out: SrtlaOutbox): Group | undefined {
    if (this.#registry.groups.length >= this.#settings.maxGroups) {
      const { groups } = this.#registry;
      const idle = (group: Group): boolean => !group.hasAcceptedSession;
      // A REG1 costs a stranger one datagram; a link or a handshake shows that somebody hears our answers.
      const oldest = groups.find((group) => idle(group) && group.links.length === 0) ?? groups.find(idle);
      if (oldest === undefined) return undefined;
      this.#count(COUNTER.groupsEvicted);
      this.#sessions.endAll(oldest, now, out);
      this.#registry.removeGroup(oldest, 'evicted', out);
    }
    const group = this.#registry.createGroup(id, origin, now, out);
    if (group === undefined) this.#count(COUNTER.groupIdCollisions);
    return group;
  }

  /** True when the group has room for one more link, if need be because its most silent one goes. */
  #makeRoom(group: Group, now: Millis, out: SrtlaOutbox): boolean {
    if (group.links.length < this.#settings.maxLinksPerGroup) return true;
    let silent: Link | undefined;
    for (const link of group.links) {
      if (now - link.lastHeardMs <= LINK_EVICTABLE_MS) continue;
      if (silent === undefined || link.lastHeardMs < silent.lastHeardMs) silent = link;
    }
    if (silent === undefined) return false;
    this.#count(COUNTER.linksEvicted);
    this.#registry.removeLink(silent, 'evicted', out);
    return true;
  }

  #refuse(peer: PeerId, now: Millis, out: SrtlaOutbox): void {
    if (!this.#withinBudget(peer, now)) return;
    this.#count(COUNTER.regErrSent);
    out.sendToLink(peer, this.#regErr);
  }

  #withinBudget(peer: PeerId, now: Millis): boolean {
    if (this.#budget.take(this.#registry.addressOf(peer), now)) return true;
    this.#count(COUNTER.answersOverBudget);
    return false;
  }

  #count(counter: number): void {
    this.#counters.count(counter);
  }
}
