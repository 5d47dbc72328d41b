import type { Millis } from '../shared/clock.ts';
import { readU32 } from '../srtla/bytes.ts';
import { SRT_HEADER_BYTES } from '../srtla/constants.ts';
import { isRetransmission, sequenceNumber } from '../srtla/srt-header.ts';
import { LinkCore } from './link-core.ts';
import type { Profile } from './profile.ts';
import { Registration } from './registration.ts';
import type { LinkId, RandomBytes, SenderCore, SenderEvent, SenderOutbox, SenderSnapshot } from './sender-types.ts';
import { applySrtlaAck, applySrtNak } from './window.ts';
import { buildKeepalive, isSrtlaType, readType, SEQUENCE_MASK, TYPE } from './wire.ts';

const KEEPALIVE = buildKeepalive();

class BondedSender implements SenderCore {
  readonly #profile: Profile;
  readonly #links: LinkCore[] = [];
  readonly #registration: Registration;
  /** The newest data sequence number taken from the encoder. */
  #newest = 0;
  #sentPackets = 0;
  #sentBytes = 0;
  #droppedPackets = 0;
  #returnedPackets = 0;
  #malformedPackets = 0;
  #refused = 0;

  constructor(profile: Profile, random: RandomBytes) {
    this.#profile = profile;
    this.#registration = new Registration(profile, random);
  }

  fromEncoder(datagram: Uint8Array, now: Millis, out: SenderOutbox): void {
    const type = readType(datagram);
    if (datagram.length < SRT_HEADER_BYTES || isSrtlaType(type)) {
      this.#malformedPackets++;
      return;
    }
    const link = this.#choose(now);
    if (link === undefined) {
      this.#droppedPackets++;
      return;
    }
    const sequence = type < 0x8000 ? sequenceNumber(datagram) : -1;
    if (sequence >= 0 && !isRetransmission(datagram)) this.#newest = sequence;
    this.#sentPackets++;
    this.#sentBytes += datagram.length;
    link.sent(datagram.length, sequence, now);
    this.#send(link, datagram, out);
    if (type === TYPE.srtShutdown) out.event({ type: 'encoder-shutdown' });
  }

  fromLink(id: LinkId, datagram: Uint8Array, now: Millis, out: SenderOutbox): void {
    const link = this.#find(id);
    if (link === undefined || link.blocked) return;
    const type = readType(datagram);
    // These two are answers to a link that is not in use: they tell nothing about one that is.
    if (type === TYPE.reg2) this.#onReg2(datagram, now, out);
    else if (type === TYPE.regNgp) this.#onNoGroup(link, now, out);
    else if (type === TYPE.regErr || type === TYPE.regNak) this.#onRefused(link, out);
    else {
      if (type === TYPE.reg3 && this.#registration.accepted) {
        link.registered = true;
        this.#registration.confirmed();
      }
      link.lastHeard = now;
      this.#announce(link, now, out);
      if (type === TYPE.srtlaAck && datagram.length >= 8) {
        applySrtlaAck(this.#links, datagram, this.#profile.window.ackStep);
      } else if (!isSrtlaType(type)) this.#onSrt(link, type, datagram, out);
    }
  }

  tick(now: Millis, out: SenderOutbox): void {
    const again = this.#registration.retry(now);
    const asked = again === undefined ? undefined : this.#find(again);
    if (asked !== undefined) this.#send(asked, this.#registration.reg1, out);
    for (let i = 0; i < this.#links.length; i++) {
      const link = this.#links[i]!;
      if (link.alive(now)) {
        if (link.keepaliveDue(now)) {
          link.lastKeepalive = now;
          this.#send(link, KEEPALIVE, out);
        }
        continue;
      }
      this.#takeDown(link, 'timeout', out);
      if (this.#registration.asking || now - link.lastProbe < this.#profile.probeIntervalMs) continue;
      // A dead link keeps its small window: other links' acknowledgements must not open it.
      if (link.everUp) link.timeOut();
      this.#probe(link, now, out);
    }
  }

  sendFailed(id: LinkId, _now: Millis, out: SenderOutbox): void {
    const link = this.#find(id);
    if (link === undefined) return;
    link.sendErrors++;
    link.lastHeard = Number.NEGATIVE_INFINITY;
    this.#takeDown(link, 'send-error', out);
  }

  addLink(id: LinkId, now: Millis): void {
    if (this.#find(id) === undefined) this.#links.push(new LinkCore(id, this.#profile, now));
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

  snapshot(now: Millis): SenderSnapshot {
    return {
      profile: this.#profile.name,
      registered: this.#registration.accepted,
      linksUp: this.#links.filter((link) => link.alive(now)).length,
      sentPackets: this.#sentPackets,
      sentBytes: this.#sentBytes,
      droppedPackets: this.#droppedPackets,
      returnedPackets: this.#returnedPackets,
      malformedPackets: this.#malformedPackets,
      registrationsRefused: this.#refused,
      links: this.#links.map((link) => link.snapshot(now)),
    };
  }

  #onSrt(link: LinkCore, type: number, datagram: Uint8Array, out: SenderOutbox): void {
    if (datagram.length < SRT_HEADER_BYTES) {
      this.#malformedPackets++;
      return;
    }
    link.receivedPackets++;
    this.#returnedPackets++;
    if (type === TYPE.srtAck && datagram.length >= 20) {
      const nextExpected = readU32(datagram, 16) & SEQUENCE_MASK;
      for (let i = 0; i < this.#links.length; i++) this.#links[i]!.log.dropBefore(nextExpected);
    } else if (type === TYPE.srtNak) applySrtNak(this.#links, datagram, this.#newest);
    out.sendToEncoder(datagram);
  }

  #onRefused(link: LinkCore, out: SenderOutbox): void {
    this.#refused++;
    this.#registration.refused(link.id);
    out.event({ type: 'registration-refused', link: link.id });
  }

  #onReg2(datagram: Uint8Array, now: Millis, out: SenderOutbox): void {
    if (!this.#registration.answer(datagram, now)) return;
    out.event({ type: 'group-registered' });
    for (let i = 0; i < this.#links.length; i++) {
      const link = this.#links[i]!;
      link.registered = false;
      this.#takeDown(link, 'regrouped', out);
      this.#probe(link, now, out);
    }
  }

  #onNoGroup(link: LinkCore, now: Millis, out: SenderOutbox): void {
    for (let i = 0; i < this.#links.length; i++) if (this.#links[i]!.alive(now)) return;
    if (this.#registration.begin(link.id, now)) this.#send(link, this.#registration.reg1, out);
  }

  /** Highest score; the first in the list on a tie. */
  #choose(now: Millis): LinkCore | undefined {
    let best: LinkCore | undefined;
    let bestScore = -1;
    for (let i = 0; i < this.#links.length; i++) {
      const link = this.#links[i]!;
      if (!link.alive(now)) continue;
      const score = link.score();
      if (score <= bestScore) continue;
      best = link;
      bestScore = score;
    }
    return best;
  }

  #probe(link: LinkCore, now: Millis, out: SenderOutbox): void {
    link.lastProbe = now;
    this.#send(link, this.#registration.reg2, out);
  }

  #announce(link: LinkCore, now: Millis, out: SenderOutbox): void {
    if (link.up || !link.alive(now)) return;
    link.up = true;
    link.everUp = true;
    out.event({ type: 'link-up', link: link.id });
  }

  #takeDown(link: LinkCore, why: Extract<SenderEvent, { type: 'link-down' }>['why'], out: SenderOutbox): void {
    if (!link.up) return;
    link.up = false;
    link.timeOut();
    out.event({ type: 'link-down', link: link.id, why });
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
