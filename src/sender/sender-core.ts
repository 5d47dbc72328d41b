import type { Millis } from '../shared/clock.ts';
import { readU32 } from '../srtla/bytes.ts';
import { SRT_HEADER_BYTES } from '../srtla/constants.ts';
import { isRetransmission, sequenceNumber } from '../srtla/srt-header.ts';
import { chooseClassic, EnhancedChoice } from './choice.ts';
import { buildKeepalive, echoedRtt } from './keepalive.ts';
import { LinkCore } from './link-core.ts';
import type { Profile } from './profile.ts';
import { Registration } from './registration.ts';
import type { LinkId, RandomBytes, SenderCore, SenderEvent, SenderOutbox, SenderSnapshot } from './sender-types.ts';
import { applySrtlaAck, applySrtNak } from './window.ts';
import { isSrtlaType, readType, SEQUENCE_MASK, TYPE } from './wire.ts';

const TICK_MS: Millis = 100;
const BARE_KEEPALIVE = Uint8Array.of(TYPE.keepalive >> 8, TYPE.keepalive & 0xff);
/** Of a window, in thousandths of a packet: how far down it recovers fast, and up to where. */
const FAST_BELOW = 2_000;
const FAST_UNTIL = 12_000;

class BondedSender implements SenderCore {
  readonly #profile: Profile;
  readonly #random: RandomBytes;
  readonly #links: LinkCore[] = [];
  readonly #registration: Registration;
  readonly #enhanced: EnhancedChoice | undefined;
  /** The newest data sequence number taken from the encoder. */
  #newest = 0;
  #houseKeptMs: Millis = Number.NEGATIVE_INFINITY;
  /** Since then no link has been up, though one was before. */
  #downSinceMs: Millis = Number.POSITIVE_INFINITY;
  #sentPackets = 0;
  #sentBytes = 0;
  #probePackets = 0;
  #droppedPackets = 0;
  #returnedPackets = 0;
  #malformedPackets = 0;
  #refused = 0;

  constructor(profile: Profile, random: RandomBytes) {
    this.#profile = profile;
    this.#random = random;
    this.#registration = new Registration(profile.registration, random);
    this.#enhanced = profile.choice === 'enhanced' ? new EnhancedChoice() : undefined;
  }

  fromEncoder(datagram: Uint8Array, now: Millis, out: SenderOutbox): void {
    const type = readType(datagram);
    if (datagram.length < SRT_HEADER_BYTES || isSrtlaType(type)) {
      this.#malformedPackets++;
      return;
    }
    const data = type < 0x8000;
    const first = data && !isRetransmission(datagram);
    const link = this.#choose(data, first, now);
    if (link === undefined) {
      this.#droppedPackets++;
      return;
    }
    const sequence = data ? sequenceNumber(datagram) : -1;
    if (first) this.#newest = sequence;
    this.#sentPackets++;
    this.#sentBytes += datagram.length;
    this.#sendSrt(link, datagram, sequence, now, out);
    if (first && this.#enhanced !== undefined) {
      const probed = this.#enhanced.probe(this.#links, link, now);
      if (probed !== undefined) {
        this.#probePackets++;
        this.#sendSrt(probed, datagram, sequence, now, out);
      }
    }
    if (type === TYPE.srtShutdown) out.event({ type: 'encoder-shutdown' });
  }

  fromLink(id: LinkId, datagram: Uint8Array, now: Millis, out: SenderOutbox): void {
    const link = this.#find(id);
    if (link === undefined || link.blocked) return;
    const type = readType(datagram);
    // These are answers to a link that is not in use: they tell nothing about one that is.
    if (type === TYPE.reg2) this.#onReg2(datagram, now, out);
    else if (type === TYPE.regNgp) this.#onNoGroup(link, now, out);
    else if (type === TYPE.regErr || type === TYPE.regNak) this.#onRefused(link, now, out);
    else {
      if (type === TYPE.reg3 && this.#registration.accepted) {
        link.registered = true;
        this.#registration.confirmed();
      }
      link.lastHeard = now;
      this.#announce(link, now, out);
      if (type === TYPE.keepalive) this.#onEcho(link, datagram, now);
      else if (type === TYPE.srtlaAck && datagram.length >= 8) {
        const first = this.#enhanced === undefined ? undefined : link;
        applySrtlaAck(this.#links, first, datagram, this.#profile.window.ackStep, now);
      } else if (!isSrtlaType(type)) this.#onSrt(link, type, datagram, now, out);
    }
  }

  tick(now: Millis, out: SenderOutbox): void {
    for (let i = 0; i < this.#links.length; i++) {
      const link = this.#links[i]!;
      if (link.batch !== undefined && now >= link.batch.dueMs) this.#flush(link, out);
      if (this.#enhanced !== undefined) link.quality.refresh(link.window, now);
      if (!link.fresh) continue;
      link.fresh = false;
      this.#probe(link, now, out);
    }
    if (now - this.#houseKeptMs < this.#profile.houseKeepingMs) return;
    this.#houseKeptMs = now;
    this.#keepHouse(now, out);
  }

  nextTickMs(now: Millis): Millis {
    let wait = TICK_MS;
    if (this.#profile.batch === undefined) return wait;
    for (let i = 0; i < this.#links.length; i++) wait = Math.min(wait, this.#links[i]!.batch!.dueMs - now);
    return Math.max(0, wait);
  }

  sendFailed(id: LinkId, _now: Millis, out: SenderOutbox): void {
    const link = this.#find(id);
    if (link === undefined) return;
    link.sendErrors++;
    link.lastHeard = Number.NEGATIVE_INFINITY;
    this.#takeDown(link, 'send-error', out);
  }

  addLink(id: LinkId, now: Millis): void {
    if (this.#find(id) !== undefined) return;
    const link = new LinkCore(id, this.#profile, now);
    if (this.#profile.keepalive.bytes >= 38) link.connectionId = readU32(this.#random(4), 0);
    this.#links.push(link);
  }

  removeLink(id: LinkId, out: SenderOutbox): void {
    const at = this.#links.findIndex((link) => link.id === id);
    if (at < 0) return;
    const [link] = this.#links.splice(at, 1);
    this.#registration.forget(id);
    this.#takeDown(link!, 'removed', out);
  }

  setBlocked(id: LinkId, blocked: boolean): void {
    const link = this.#find(id);
    if (link !== undefined) link.blocked = blocked;
  }

  setPriority(id: LinkId, priority: number): void {
    const link = this.#find(id);
    if (link !== undefined) link.priority = priority;
  }

  snapshot(now: Millis): SenderSnapshot {
    return {
      profile: this.#profile.name,
      registered: this.#registration.accepted,
      linksUp: this.#links.filter((link) => link.alive(now)).length,
      sentPackets: this.#sentPackets,
      sentBytes: this.#sentBytes,
      probePackets: this.#probePackets,
      droppedPackets: this.#droppedPackets,
      returnedPackets: this.#returnedPackets,
      malformedPackets: this.#malformedPackets,
      registrationsRefused: this.#refused,
      links: this.#links.map((link) => link.snapshot(now)),
    };
  }

  /** Registration, keepalives, links that have died. */
  #keepHouse(now: Millis, out: SenderOutbox): void {
    const registration = this.#registration;
    const expired = registration.expire(now);
    if (expired !== undefined && this.#profile.newSockets) this.#renew(this.#find(expired), out);
    const asked = registration.due(this.#links.length, now);
    if (asked !== undefined) this.#sendReg1(asked, out);
    let up = false;
    for (let i = 0; i < this.#links.length; i++) {
      const link = this.#links[i]!;
      if (link.alive(now)) {
        up = true;
        this.#keepAlive(link, now, out);
      } else this.#revive(link, now, out);
    }
    this.#watchForTheEnd(up, now, out);
  }

  #keepAlive(link: LinkCore, now: Millis, out: SenderOutbox): void {
    if (this.#enhanced !== undefined) this.#recover(link, now);
    if (!link.keepaliveDue(now)) return;
    link.lastKeepalive = now;
    this.#sendKeepalive(link, now, out);
    if (link.rttIsStale(now)) this.#sendKeepalive(link, now, out);
  }

  #sendKeepalive(link: LinkCore, now: Millis, out: SenderOutbox): void {
    const { bytes } = this.#profile.keepalive;
    link.awaitsEcho = bytes >= 10;
    this.#send(link, bytes === 2 ? BARE_KEEPALIVE : buildKeepalive(bytes, now, link.keepaliveFields(now)), out);
  }

  /** Windows that losses have closed open again with time; twice as fast while one is nearly shut. */
  #recover(link: LinkCore, now: Millis): void {
    const { quality } = link;
    if (quality.naks === 0) return;
    if (link.window <= FAST_BELOW) link.recoversFast = true;
    else if (link.window >= FAST_UNTIL) link.recoversFast = false;
    link.grow(quality.recoveryStep(now) * (link.recoversFast ? 2 : 1));
  }

  #revive(link: LinkCore, now: Millis, out: SenderOutbox): void {
    const { newSockets, probeIntervalMs, reconnectIntervalMs } = this.#profile;
    this.#takeDown(link, 'timeout', out);
    if (this.#registration.asking || link.fresh || now < link.refusedUntil) return;
    if (now - link.lastProbe < (link.everUp ? reconnectIntervalMs : probeIntervalMs)) return;
    // A dead link keeps its small window: other links' acknowledgements must not open it.
    if (link.everUp) link.timeOut();
    if (newSockets && link.lastProbe !== Number.NEGATIVE_INFINITY) this.#renew(link, out);
    else this.#probe(link, now, out);
  }

  #renew(link: LinkCore | undefined, out: SenderOutbox): void {
    if (link === undefined) return;
    link.registered = false;
    link.fresh = true;
    out.renewSocket(link.id);
  }

  /** With every link gone for long, some senders are started anew by whoever watches them. */
  #watchForTheEnd(up: boolean, now: Millis, out: SenderOutbox): void {
    if (up || !this.#registration.accepted) this.#downSinceMs = Number.POSITIVE_INFINITY;
    else if (this.#downSinceMs === Number.POSITIVE_INFINITY) this.#downSinceMs = now;
    else if (now - this.#downSinceMs >= this.#profile.restartMs) {
      this.#downSinceMs = Number.POSITIVE_INFINITY;
      this.#registration.restart();
      for (let i = 0; i < this.#links.length; i++) this.#renew(this.#links[i], out);
    }
  }

  #onEcho(link: LinkCore, datagram: Uint8Array, now: Millis): void {
    if (!link.awaitsEcho) return;
    const rttMs = echoedRtt(datagram, now);
    if (rttMs < 0) return;
    link.awaitsEcho = false;
    link.quality.rtt(rttMs, now);
  }

  #onSrt(link: LinkCore, type: number, datagram: Uint8Array, now: Millis, out: SenderOutbox): void {
    if (datagram.length < SRT_HEADER_BYTES) {
      this.#malformedPackets++;
      return;
    }
    link.receivedPackets++;
    this.#returnedPackets++;
    if (type === TYPE.srtAck && datagram.length >= 20) {
      const nextExpected = readU32(datagram, 16) & SEQUENCE_MASK;
      for (let i = 0; i < this.#links.length; i++) this.#links[i]!.log.dropBefore(nextExpected);
    } else if (type === TYPE.srtNak) applySrtNak(this.#links, datagram, this.#newest, now);
    out.sendToEncoder(datagram);
  }

  #onRefused(link: LinkCore, now: Millis, out: SenderOutbox): void {
    this.#refused++;
    this.#registration.refused(link.id);
    out.event({ type: 'registration-refused', link: link.id });
    if (this.#profile.refusedMs === 0) return;
    link.refusedUntil = now + this.#profile.refusedMs;
    link.registered = false;
    this.#takeDown(link, 'refused', out);
  }

  #onReg2(datagram: Uint8Array, now: Millis, out: SenderOutbox): void {
    if (!this.#registration.answer(datagram, now)) return;
    out.event({ type: 'group-registered' });
    for (let i = 0; i < this.#links.length; i++) {
      const link = this.#links[i]!;
      link.registered = false;
      link.fresh = false;
      this.#takeDown(link, 'regrouped', out);
      if (this.#profile.registration.reg2AtOnce) this.#probe(link, now, out);
      else link.lastProbe = Number.NEGATIVE_INFINITY;
    }
  }

  #onNoGroup(link: LinkCore, now: Millis, out: SenderOutbox): void {
    for (let i = 0; i < this.#links.length; i++) if (this.#links[i]!.alive(now)) return;
    if (this.#registration.begin(link.id, now - link.lastProbe, now)) this.#sendReg1(link.id, out);
  }

  #sendReg1(id: LinkId, out: SenderOutbox): void {
    const link = this.#find(id);
    if (link !== undefined) this.#send(link, this.#registration.reg1, out);
  }

  #choose(data: boolean, first: boolean, now: Millis): LinkCore | undefined {
    if (this.#enhanced === undefined) return chooseClassic(this.#links, now);
    if (data && !first) return this.#enhanced.best(this.#links, now);
    return this.#enhanced.choose(this.#links, data, now);
  }

  #probe(link: LinkCore, now: Millis, out: SenderOutbox): void {
    link.lastProbe = now;
    this.#send(link, this.#registration.reg2, out);
  }

  #announce(link: LinkCore, now: Millis, out: SenderOutbox): void {
    if (link.up || !link.alive(now)) return;
    link.comeUp(now);
    out.event({ type: 'link-up', link: link.id });
  }

  #takeDown(link: LinkCore, why: Extract<SenderEvent, { type: 'link-down' }>['why'], out: SenderOutbox): void {
    if (!link.up) return;
    link.up = false;
    link.timeOut();
    out.event({ type: 'link-down', link: link.id, why });
  }

  #sendSrt(link: LinkCore, bytes: Uint8Array, sequence: number, now: Millis, out: SenderOutbox): void {
    link.sent(bytes.length, sequence, now);
    const { batch } = link;
    if (batch === undefined || (sequence < 0 && this.#profile.batch!.controlOvertakes)) this.#send(link, bytes, out);
    else if (batch.add(bytes, link.kbps(now), now)) this.#flush(link, out);
  }

  #flush(link: LinkCore, out: SenderOutbox): void {
    const { packets } = link.batch!;
    for (let i = 0; i < packets.length; i++) this.#send(link, packets[i]!, out);
    link.batch!.clear();
  }

  #send(link: LinkCore, bytes: Uint8Array, out: SenderOutbox): void {
    if (!link.blocked) out.sendOnLink(link.id, bytes);
  }

  #find(id: LinkId): LinkCore | undefined {
    for (let i = 0; i < this.#links.length; i++) if (this.#links[i]!.id === id) return this.#links[i];
    return undefined;
  }
}

/**
 * A bonded SRTLA sender without sockets or clocks: registration, keepalives, windows and the choice of a link for each packet
 * (SRTLA specification §6). `random` fills the group id.
 */
export const createSenderCore = (
  profile: Profile,
  links: readonly LinkId[],
  random: RandomBytes,
  now: Millis = 0,
): SenderCore => {
  const core = new BondedSender(profile, random);
  for (const link of links) core.addLink(link, now);
  return core;
};
