import type { Millis } from '../shared/clock.ts';
import { Admission } from './admission.ts';
import { ANSWER_RATES, AnswerBudget, JOIN_RATES, REBIND_RATES } from './answer-budget.ts';
import { AuthFailures } from './auth-failures.ts';
import { readI32 } from './bytes.ts';
import { IDLE_TICK_MS, NEVER, SWEEP_MS, TICK_MS } from './constants.ts';
import { COUNTER, Counters } from './counters.ts';
import type { Group } from './group.ts';
import { GroupIds, type Mac } from './group-ids.ts';
import { classify, KIND } from './packet.ts';
import { AckWriter } from './packet-build.ts';
import { Rebinds } from './rebinds.ts';
import { Registration } from './registration.ts';
import { Registry } from './registry.ts';
import { Feedback } from './repair/feedback.ts';
import { ReturnPath } from './return-path.ts';
import { Sessions } from './sessions.ts';
import { snapshotGroup } from './snapshot.ts';
import type {
  PeerDirectory,
  PeerId,
  RandomBytes,
  SessionId,
  SrtlaCore,
  SrtlaOutbox,
  SrtlaSettings,
  SrtlaSnapshot,
} from './types.ts';
import { Uplink } from './uplink.ts';

/**
 * The SRTLA receiver: no sockets, no clock, no timers, no key of its own: `mac` makes the group ids.
 * @param losesNothing the way to the SRT server: it is in this process
 */
export const createSrtlaCore = (
  settings: SrtlaSettings,
  peers: PeerDirectory,
  random: RandomBytes,
  mac: Mac,
  losesNothing = false,
): SrtlaCore => new Receiver(settings, peers, random, mac, losesNothing);

class Receiver implements SrtlaCore {
  readonly #settings: SrtlaSettings;
  readonly #counters = new Counters();
  readonly #feedback = new Feedback(this.#counters);
  readonly #sessions: Sessions;
  readonly #returnPath: ReturnPath;
  readonly #uplink: Uplink;
  readonly #registry: Registry;
  readonly #registration: Registration;
  readonly #admission: Admission;
  /** Undefined where new addresses of silent links are not wanted. */
  readonly #rebinds: Rebinds | undefined;
  #lastSweepMs: Millis = NEVER;

  constructor(settings: SrtlaSettings, peers: PeerDirectory, random: RandomBytes, mac: Mac, losesNothing: boolean) {
    this.#settings = settings;
    const seed = (): number => readI32(random(4), 0);
    const ids = new GroupIds(mac);
    const failures = new AuthFailures(seed());
    this.#registry = new Registry(peers, ids);
    this.#sessions = new Sessions(this.#counters, failures);
    const exact = settings.lossDetection === 'exact';
    this.#returnPath = new ReturnPath(this.#sessions, this.#counters, this.#feedback, exact, losesNothing);
    this.#uplink = new Uplink(this.#sessions, this.#counters, new AckWriter(), this.#feedback, failures);
    this.#admission = new Admission(settings, this.#counters);
    const budgets = { answers: new AnswerBudget(seed(), ANSWER_RATES), joins: new AnswerBudget(seed(), JOIN_RATES) };
    this.#registration = new Registration(settings, this.#registry, this.#sessions, ids, budgets, this.#counters);
    if (settings.adoptRebinds) {
      this.#rebinds = new Rebinds(this.#registry, new AnswerBudget(seed(), REBIND_RATES), this.#counters);
    }
  }

  receive(datagram: Uint8Array, peer: PeerId, now: Millis, out: SrtlaOutbox): void {
    const kind = classify(datagram);
    const link = this.#registry.linkOf(peer) ?? this.#rebinds?.adopt(datagram, kind, peer, now, out);
    if (link !== undefined) {
      // Any datagram is a sign of life, garbage included; registration alone does not show that the address can hear us.
      link.lastHeardMs = now;
      link.group.lastHeardMs = now;
      if (kind !== KIND.reg1 && kind !== KIND.reg2) link.confirmed = true;
    }
    if (kind === KIND.reg1) this.#registration.reg1(datagram, peer, link, now, out);
    else if (kind === KIND.reg2) this.#registration.reg2(datagram, peer, link, now, out);
    else if (link === undefined) this.#counters.count(strangerCounter(kind));
    else if (!this.#admission.admits(datagram, kind, link, now)) return;
    else if (kind === KIND.srtData) this.#uplink.data(datagram, link, now, out);
    else if (kind === KIND.srtControl) this.#uplink.control(datagram, link, now, out);
    else if (kind === KIND.keepalive) this.#uplink.keepalive(datagram, link, now, out);
    else this.#counters.count(dropCounter(kind));
  }

  fromServer(session: SessionId, datagram: Uint8Array, now: Millis, out: SrtlaOutbox): void {
    this.#returnPath.fromServer(session, datagram, now, out);
  }

  tick(now: Millis, out: SrtlaOutbox): void {
    this.#flushAcks(now, out);
    this.#repair(now, out);
    this.#sessions.tick(now, out);
    if (now - this.#lastSweepMs < SWEEP_MS) return;
    this.#lastSweepMs = now;
    this.#sweep(now, out);
  }

  nextTickMs(): Millis {
    return this.#registry.groups.length > 0 || this.#sessions.count > 0 ? TICK_MS : IDLE_TICK_MS;
  }

  stop(now: Millis, out: SrtlaOutbox): void {
    this.#sessions.stop(out);
    const { groups } = this.#registry;
    for (let i = groups.length - 1; i >= 0; i--) this.#registry.removeGroup(groups[i]!, 'stopped', now, out);
  }

  snapshot(now: Millis): SrtlaSnapshot {
    return {
      groups: this.#registry.groups.map((group) => snapshotGroup(group, now)),
      counters: this.#counters.snapshot(),
    };
  }

  #flushAcks(now: Millis, out: SrtlaOutbox): void {
    const { groups } = this.#registry;
    for (let i = 0; i < groups.length; i++) {
      const { links } = groups[i]!;
      for (let j = 0; j < links.length; j++) {
        const link = links[j]!;
        if (now - link.firstUnackedMs >= this.#settings.ackFlushMs) this.#uplink.flushAck(link, out);
      }
    }
  }

  #repair(now: Millis, out: SrtlaOutbox): void {
    const { groups } = this.#registry;
    for (let i = 0; i < groups.length; i++) {
      const session = groups[i]!.current;
      if (session?.repair !== undefined && session.state === 'accepted')
        this.#feedback.tick(session, session.repair, now, out);
    }
  }

  #sweep(now: Millis, out: SrtlaOutbox): void {
    const { groups } = this.#registry;
    const { linkTimeoutMs, groupTimeoutMs, sessionTimeoutMs } = this.#settings;
    for (let i = groups.length - 1; i >= 0; i--) {
      const group = groups[i]!;
      const { links } = group;
      if (now - group.lastHeardMs > groupTimeoutMs) {
        this.#end(group, 'idle', now, out);
        continue;
      }
      if (!group.everAccepted && now - group.createdMs > sessionTimeoutMs) {
        this.#counters.count(COUNTER.groupsWithoutSession);
        this.#end(group, 'no-session', now, out);
        continue;
      }
      for (let j = links.length - 1; j >= 0; j--) {
        const link = links[j]!;
        if (now - link.lastHeardMs > linkTimeoutMs) this.#registry.removeLink(link, 'timeout', out);
      }
    }
  }

  #end(group: Group, why: 'idle' | 'no-session', now: Millis, out: SrtlaOutbox): void {
    this.#sessions.endAll(group, now, out);
    this.#registry.removeGroup(group, why, now, out);
  }
}

const dropCounter = (kind: number): number => {
  if (kind === KIND.tooLong) return COUNTER.tooLong;
  if (kind === KIND.registrationLength) return COUNTER.registrationLength;
  if (kind === KIND.tooShort) return COUNTER.tooShort;
  return kind === KIND.srtlaUnknown ? COUNTER.srtlaUnknown : COUNTER.controlUnknown;
};

const strangerCounter = (kind: number): number =>
  kind === KIND.tooLong || kind === KIND.registrationLength ? dropCounter(kind) : COUNTER.strangers;
