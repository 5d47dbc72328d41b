import type { Millis } from '../shared/clock.ts';
import type { AnswerBudget } from './answer-budget.ts';
import { LINK_EVICTABLE_MS, REG_BYTES, SRTLA_TYPE } from './constants.ts';
import { COUNTER, type Counters } from './counters.ts';
import type { Group } from './group.ts';
import type { GroupIds } from './group-ids.ts';
import type { Link } from './link.ts';
import { registrationId } from './packet.ts';
import { buildControl, writeRegistration } from './packet-build.ts';
import type { Registry } from './registry.ts';
import type { Sessions } from './sessions.ts';
import type { PeerId, SrtlaOutbox, SrtlaSettings } from './types.ts';

/** What strangers may ask for: answers, and links of groups that live. */
export interface RegistrationBudgets {
  answers: AnswerBudget;
  joins: AnswerBudget;
}

/**
 * Answers REG1 and REG2 (SRTLA specification §1.3): who becomes a group, and who a link. Nothing is stored for a REG1: the id that it is
 * answered with speaks for itself, and the group begins with the first REG2. The state diagrams are in README.md.
 */
export class Registration {
  readonly #settings: SrtlaSettings;
  readonly #registry: Registry;
  readonly #sessions: Sessions;
  readonly #ids: GroupIds;
  readonly #budgets: RegistrationBudgets;
  readonly #counters: Counters;
  readonly #reg2 = new Uint8Array(REG_BYTES);
  readonly #reg3 = buildControl(SRTLA_TYPE.reg3);
  readonly #regErr = buildControl(SRTLA_TYPE.regErr);
  readonly #regNgp = buildControl(SRTLA_TYPE.regNgp);

  constructor(
    settings: SrtlaSettings,
    registry: Registry,
    sessions: Sessions,
    ids: GroupIds,
    budgets: RegistrationBudgets,
    counters: Counters,
  ) {
    this.#settings = settings;
    this.#registry = registry;
    this.#sessions = sessions;
    this.#ids = ids;
    this.#budgets = budgets;
    this.#counters = counters;
  }

  /** A sender asks for a group. The same question gets the same answer, so a lost REG2 costs nothing. */
  reg1(packet: Uint8Array, peer: PeerId, link: Link | undefined, now: Millis, out: SrtlaOutbox): void {
    if (!this.#withinBudget(peer, now)) return;
    const asked = registrationId(packet);
    const isOwn = link?.group.hasSenderHalf(asked) === true;
    const id = isOwn ? link.group.id : this.#ids.issue(asked, now);
    const group = id === undefined ? undefined : this.#registry.groupOfId(id);
    if (id === undefined || (group === undefined && this.#isFull() && this.#evictable(link) === undefined)) {
      this.#count(COUNTER.regErrSent);
      out.sendToLink(peer, this.#regErr);
      return;
    }
    if (!isOwn) link?.offer(id);
    if (group !== undefined) group.lastHeardMs = now;
    writeRegistration(this.#reg2, SRTLA_TYPE.reg2, id);
    this.#count(COUNTER.reg1Answered);
    out.sendToLink(peer, this.#reg2);
  }

  /** A sender shows an id: from now on its address is a link of that group. */
  reg2(packet: Uint8Array, peer: PeerId, link: Link | undefined, now: Millis, out: SrtlaOutbox): void {
    const id = registrationId(packet);
    const group = this.#registry.groupOfId(id);
    if (group === undefined) this.#found(id, peer, link, now, out);
    else if (this.#budgets.joins.take(this.#registry.addressOf(peer), now)) this.#join(group, peer, link, now, out);
    else this.#count(COUNTER.joinsOverBudget);
  }

  /** Nobody has shown this id yet: it is one of ours and begins a group, or it is unknown. */
  #found(id: Uint8Array, peer: PeerId, link: Link | undefined, now: Millis, out: SrtlaOutbox): void {
    if (!this.#withinBudget(peer, now)) return;
    const period = this.#ids.periodOf(id, now);
    if (period === undefined) {
      this.#count(COUNTER.ngpSent);
      out.sendToLink(peer, this.#regNgp);
      return;
    }
    const mayMove = link === undefined || link.wasOffered(id);
    if (!mayMove || !this.#makeGroupRoom(link, now, out)) {
      this.#count(COUNTER.regErrSent);
      out.sendToLink(peer, this.#regErr);
      return;
    }
    this.#join(this.#registry.createGroup(id, period, now, out), peer, link, now, out);
  }

  #join(group: Group, peer: PeerId, link: Link | undefined, now: Millis, out: SrtlaOutbox): void {
    if (link === undefined || link.group !== group) {
      const mayMove = link === undefined || link.wasOffered(group.id);
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

  #isFull(): boolean {
    return this.#registry.groups.length >= this.#settings.maxGroups;
  }

  /** The oldest group without an accepted session, before it one that has lost all its links; never that of the asking link. */
  #evictable(asking: Link | undefined): Group | undefined {
    const { groups } = this.#registry;
    const idle = (group: Group): boolean => !group.hasAcceptedSession && group !== asking?.group;
    return groups.find((group) => idle(group) && group.links.length === 0) ?? groups.find(idle);
  }

  /** True when there is room for one more group, if need be because another one goes. */
  #makeGroupRoom(asking: Link | undefined, now: Millis, out: SrtlaOutbox): boolean {
    if (!this.#isFull()) return true;
    const oldest = this.#evictable(asking);
    if (oldest === undefined) return false;
    this.#count(COUNTER.groupsEvicted);
    this.#sessions.endAll(oldest, now, out);
    this.#registry.removeGroup(oldest, 'evicted', now, out);
    return true;
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
    if (this.#budgets.answers.take(this.#registry.addressOf(peer), now)) return true;
    this.#count(COUNTER.answersOverBudget);
    return false;
  }

  #count(counter: number): void {
    this.#counters.count(counter);
  }
}
