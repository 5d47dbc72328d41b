import type { Millis } from '../shared/clock.ts';
import { AnswerBudget } from './answer-budget.ts';
import { readI32 } from './bytes.ts';
import { IDLE_TICK_MS, NEVER, SWEEP_MS, TICK_MS } from './constants.ts';
import { COUNTER, Counters } from './counters.ts';
import { classify, KIND } from './packet.ts';
import { AckWriter } from './packet-build.ts';
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

/** The SRTLA receiver: no sockets, no clock, no timers. */
export const createSrtlaCore = (settings: SrtlaSettings, peers: PeerDirectory, random: RandomBytes): SrtlaCore =>
  new Receiver(settings, peers, random);

class Receiver implements SrtlaCore {
  readonly #settings: SrtlaSettings;
  readonly #counters = new Counters();
  readonly #sessions = new Sessions(this.#counters);
  readonly #feedback = new Feedback(this.#counters);
  readonly #returnPath = new ReturnPath(this.#sessions, this.#counters, this.#feedback);
  readonly #uplink: Uplink;
  readonly #registry: Registry;
  readonly #registration: Registration;
  #lastSweepMs: Millis = NEVER;

  constructor(settings: SrtlaSettings, peers: PeerDirectory, random: RandomBytes) {
    this.#settings = settings;
    const exact = settings.lossDetection === 'exact';
    this.#uplink = new Uplink(this.#sessions, this.#counters, new AckWriter(), this.#feedback, exact);
    this.#registry = new Registry(peers, random);
    const budget = new AnswerBudget(readI32(random(4), 0));
    this.#registration = new Registration(settings, this.#registry, this.#sessions, budget, this.#counters);
  }

  receive(datagram: Uint8Array, peer: PeerId, now: Millis, out: SrtlaOutbox): void {
    const kind = classify(datagram);
    const link = this.#registry.linkOf(peer);
    if (link !== undefined) {
      // Any datagram is a sign of life, garbage included; registration alone does not show that the address can hear us.
      link.lastHeardMs = now;
      link.group.lastHeardMs = now;
      if (kind !== KIND.reg1 && kind !== KIND.reg2) link.confirmed = true;
    }
    if (kind === KIND.reg1) this.#registration.reg1(datagram, peer, link, now, out);
    else if (kind === KIND.reg2) this.#registration.reg2(datagram, peer, link, now, out);
    else if (link === undefined) this.#counters.count(strangerCounter(kind));
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

  stop(_now: Millis, out: SrtlaOutbox): void {
    this.#sessions.stop(out);
    const { groups } = this.#registry;
    for (let i = groups.length - 1; i >= 0; i--) this.#registry.removeGroup(groups[i]!, 'stopped', out);
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
    const { linkTimeoutMs, groupTimeoutMs, pendingTimeoutMs } = this.#settings;
    for (let i = groups.length - 1; i >= 0; i--) {
      const group = groups[i]!;
      const { links } = group;
      const limitMs = group.everJoined ? groupTimeoutMs : pendingTimeoutMs;
      if (now - group.lastHeardMs > limitMs) {
        this.#sessions.endAll(group, now, out);
        this.#registry.removeGroup(group, 'idle', out);
        continue;
      }
      for (let j = links.length - 1; j >= 0; j--) {
        const link = links[j]!;
        if (now - link.lastHeardMs > linkTimeoutMs) this.#registry.removeLink(link, 'timeout', out);
      }
    }
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
