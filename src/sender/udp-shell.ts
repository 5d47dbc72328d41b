import { randomBytes } from 'node:crypto';
import { isIP } from 'node:net';
import { type Millis, monotonicNow } from '../shared/clock.ts';
import { TributaryError } from '../shared/errors.ts';
import type { Destination } from './destination.ts';
import { EncoderSocket } from './encoder-socket.ts';
import { type LinkImpairment, parseImpairment } from './impair/impairment-spec.ts';
import { ImpairedBond, type ImpairmentReport } from './impaired-bond.ts';
import type { SenderLinkSnapshot } from './link-core.ts';
import { checkLinkAddress } from './link-list.ts';
import { BEL, type Profile } from './profile.ts';
import { createSenderCore } from './sender-core.ts';
import type { LinkId, SenderCore, SenderEvent, SenderOutbox, SenderSnapshot } from './sender-types.ts';
import { type Endpoint, UplinkSocket } from './uplink-socket.ts';

export interface SenderOptions {
  /** Where the encoder's SRT comes in. Port 0 = a free one: see `Sender.port`. */
  readonly listen: Endpoint;
  readonly to: Destination;
  /** Source addresses, one link each. */
  readonly links: readonly string[];
  readonly profile?: Profile;
  /** Overrides `to` for link 0, 1, …: the way through a link emulator. */
  readonly targets?: readonly Endpoint[];
  /** What link 1, 2, … go through, the last one also those beyond; none = the network alone. */
  readonly impairments?: readonly LinkImpairment[];
  /** Of the impairments' randomness. */
  readonly seed?: number;
  /** `address` is the link's source address where the event has a link. */
  readonly onEvent?: (event: SenderEvent, address: string | undefined) => void;
}

export interface SenderLinkStatus extends SenderLinkSnapshot {
  address: string;
  socketErrors: number;
  /** Datagrams dropped because the interface was too far behind. */
  overflows: number;
  /** Code of the error that keeps the link's socket shut, if one does. */
  socketError: string | undefined;
}

export interface SenderStatus extends Omit<SenderSnapshot, 'links'> {
  links: SenderLinkStatus[];
}

interface Uplink {
  readonly id: LinkId;
  readonly address: string;
  readonly socket: UplinkSocket;
}

/** A running bonded sender. Methods that name a link throw TributaryError TRIBUTARY_BAD_ARGUMENT where there is no such link. */
export class Sender {
  readonly #options: SenderOptions;
  readonly #core: SenderCore;
  readonly #out: SenderOutbox;
  readonly #uplinks = new Map<LinkId, Uplink>();
  #timer: NodeJS.Timeout | undefined;
  /** When the timer will ring. */
  #tickMs: Millis = Number.POSITIVE_INFINITY;
  readonly #impaired: ImpairedBond | undefined;
  #encoder!: EncoderSocket;
  #nextId: LinkId = 0;
  #closed = false;

  private constructor(options: SenderOptions) {
    this.#options = options;
    this.#core = createSenderCore(options.profile ?? BEL, [], randomBytes);
    const onWire = (link: LinkId, bytes: Uint8Array): void => this.#uplinks.get(link)?.socket.send(bytes);
    const impaired = this.#impair(options, onWire);
    this.#impaired = impaired;
    this.#out = {
      sendOnLink: impaired === undefined ? onWire : (link, bytes) => impaired.sendUp(link, bytes),
      sendToEncoder: (bytes) => this.#encoder.send(bytes),
      renewSocket: (link) => {
        const socket = this.#uplinks.get(link)?.socket;
        socket?.renew();
        socket?.tick(monotonicNow());
      },
      event: (event) => {
        const address = 'link' in event ? this.#uplinks.get(event.link)?.address : undefined;
        this.#options.onEvent?.(event, address);
      },
    };
    this.#arm(monotonicNow());
  }

  /** @throws TributaryError TRIBUTARY_PORT_IN_USE, TRIBUTARY_BIND_FAILED, TRIBUTARY_BAD_ARGUMENT */
  static async start(options: SenderOptions): Promise<Sender> {
    const sender = new Sender(options);
    try {
      sender.#encoder = await EncoderSocket.open(options.listen, (bytes) => {
        const now = monotonicNow();
        sender.#impaired?.fromEncoder(bytes, now);
        sender.#core.fromEncoder(bytes, now, sender.#out);
        sender.#arm(now);
      });
      for (const address of options.links) sender.addLink(address);
    } catch (error) {
      sender.close();
      throw error;
    }
    return sender;
  }

  /** The local UDP port for the encoder. */
  get port(): number {
    return this.#encoder.port;
  }

  get addresses(): string[] {
    return [...this.#uplinks.values()].map((uplink) => uplink.address);
  }

  addLink(address: string): void {
    checkLinkAddress(address);
    if (this.#byAddress(address) !== undefined) {
      throw new TributaryError('TRIBUTARY_BAD_ARGUMENT', `link ${address} is there already`);
    }
    const id = this.#nextId;
    const target = this.#options.targets?.[id] ?? this.#targetFor(address);
    this.#nextId++;
    const socket = new UplinkSocket({
      address,
      target,
      onDatagram: (bytes) => {
        if (this.#impaired === undefined) this.#core.fromLink(id, bytes, monotonicNow(), this.#out);
        else this.#impaired.fromReceiver(id, bytes);
      },
      onFailure: () => this.#core.sendFailed(id, monotonicNow(), this.#out),
    });
    this.#uplinks.set(id, { id, address, socket });
    const now = monotonicNow();
    this.#impaired?.add(id, address, now);
    this.#core.addLink(id, now);
    socket.tick(now);
  }

  removeLink(address: string): void {
    const uplink = this.#known(address);
    this.#core.removeLink(uplink.id, this.#out);
    this.#uplinks.delete(uplink.id);
    this.#impaired?.remove(uplink.id);
    uplink.socket.close();
  }

  /** Pulls the cable: both directions are dropped without a sign. */
  block(address: string): void {
    this.#core.setBlocked(this.#known(address).id, true);
  }

  unblock(address: string): void {
    this.#core.setBlocked(this.#known(address).id, false);
  }

  /** 1 is usual; a link with 2 gets twice its share where it is strong. */
  setPriority(address: string, priority: number): void {
    this.#core.setPriority(this.#known(address).id, priority);
  }

  /** A socket with another local port takes over, as behind a NAT that has forgotten the link. */
  rebind(address: string): void {
    this.#known(address).socket.rebind();
  }

  /** Changes what a link goes through, from the next datagram on; needs `impairments` from the start. */
  impair(address: string, spec: string): void {
    const { id } = this.#known(address);
    this.#impairedOrThrow().change(id, parseImpairment(spec));
  }

  /** What the impairments did, and what the bond made of it. */
  impairment(): ImpairmentReport {
    return this.#impairedOrThrow().report();
  }

  /** Adds what is new and removes what is gone; links that stay are not touched. */
  setLinks(addresses: readonly string[]): { added: string[]; removed: string[] } {
    const before = this.addresses;
    const added = addresses.filter((address) => !before.includes(address));
    const removed = before.filter((address) => !addresses.includes(address));
    for (const address of added) this.addLink(address);
    for (const address of removed) this.removeLink(address);
    return { added, removed };
  }

  status(): SenderStatus {
    const snapshot = this.#core.snapshot(monotonicNow());
    return {
      ...snapshot,
      links: snapshot.links.map((link) => {
        const { address, socket } = this.#uplinks.get(link.id)!;
        return {
          address,
          ...link,
          socketErrors: socket.errors,
          overflows: socket.overflows,
          socketError: socket.lastError,
        };
      }),
    };
  }

  /** Safe twice. Nothing is sent afterwards. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    clearTimeout(this.#timer);
    this.#impaired?.close();
    for (const uplink of this.#uplinks.values()) uplink.socket.close();
    this.#encoder?.close();
  }

  #tick(): void {
    const now = monotonicNow();
    for (const uplink of this.#uplinks.values()) uplink.socket.tick(now);
    this.#impaired?.tick(now);
    this.#core.tick(now, this.#out);
    this.#tickMs = Number.POSITIVE_INFINITY;
    this.#arm(now);
  }

  /** The next tick, earlier than planned where packets wait for it. */
  #arm(now: Millis): void {
    const wait = this.#core.nextTickMs(now);
    if (this.#closed || now + wait >= this.#tickMs) return;
    this.#tickMs = now + wait;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#tick(), wait);
  }

  #impair(
    { impairments = [], seed }: SenderOptions,
    deliverUp: (link: LinkId, bytes: Uint8Array) => void,
  ): ImpairedBond | undefined {
    if (impairments.length === 0) return undefined;
    return new ImpairedBond({
      impairments,
      ...(seed === undefined ? {} : { seed }),
      deliverUp,
      deliverDown: (link, bytes) => this.#core.fromLink(link, bytes, monotonicNow(), this.#out),
      rebind: (link) => this.#uplinks.get(link)?.socket.rebind(),
    });
  }

  #impairedOrThrow(): ImpairedBond {
    if (this.#impaired !== undefined) return this.#impaired;
    throw new TributaryError(
      'TRIBUTARY_BAD_ARGUMENT',
      'the links of this sender are not impaired',
      'start it with --impair (none, to change it later)',
    );
  }

  #targetFor(address: string): Endpoint {
    const { ipv4, ipv6, port } = this.#options.to;
    const family = isIP(address);
    const host = family === 6 ? ipv6 : ipv4;
    if (host !== undefined) return { host, port };
    throw new TributaryError(
      'TRIBUTARY_BAD_ARGUMENT',
      `link ${address} is IPv${family}, the receiver has no such address`,
      'use links of the address family that --to has',
    );
  }

  #byAddress(address: string): Uplink | undefined {
    for (const uplink of this.#uplinks.values()) if (uplink.address === address) return uplink;
    return undefined;
  }

  #known(address: string): Uplink {
    const uplink = this.#byAddress(address);
    if (uplink !== undefined) return uplink;
    throw new TributaryError(
      'TRIBUTARY_BAD_ARGUMENT',
      `there is no link "${address}"`,
      `links: ${this.addresses.join(', ') || 'none'}`,
    );
  }
}
