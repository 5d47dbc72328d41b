import type { Millis } from '../shared/clock.ts';
import { equalBytes } from './bytes.ts';
import { GROUP_ID_BYTES, HALF_ID_BYTES } from './constants.ts';
import { Group } from './group.ts';
import { Link } from './link.ts';
import type { PeerDirectory, PeerId, RandomBytes, SrtlaEvent, SrtlaOutbox } from './types.ts';

type LeaveReason = Extract<SrtlaEvent, { type: 'link-left' }>['why'];

const DRAWS = 8;

/** Who is registered: groups by id and by the address of their REG1, links by peer. Keeps the tables and tells of changes. */
export class Registry {
  /** In order of creation. */
  readonly groups: Group[] = [];
  readonly #peers: PeerDirectory;
  readonly #random: RandomBytes;
  readonly #byId = new Map<string, Group>();
  readonly #byOrigin = new Map<string, Group>();
  readonly #links = new Map<PeerId, Link>();

  constructor(peers: PeerDirectory, random: RandomBytes) {
    this.#peers = peers;
    this.#random = random;
  }

  linkOf(peer: PeerId): Link | undefined {
    return this.#links.get(peer);
  }

  addressOf(peer: PeerId): string {
    return this.#peers.address(peer);
  }

  /** Identifies an unregistered source beyond the call. */
  originOf(peer: PeerId): string {
    return `${this.#peers.address(peer)}|${this.#peers.port(peer)}`;
  }

  /** The group whose id the last REG1 of this address was answered with. */
  groupOfOrigin(origin: string): Group | undefined {
    return this.#byOrigin.get(origin);
  }

  groupOfId(id: Uint8Array): Group | undefined {
    const group = this.#byId.get(keyOf(id));
    return group !== undefined && equalBytes(group.id, 0, id, 0, GROUP_ID_BYTES) ? group : undefined;
  }

  /** A pending group: the sender's half of `id` and one of our own. Undefined when the randomness keeps repeating itself. */
  createGroup(id: Uint8Array, origin: string, now: Millis, out: SrtlaOutbox): Group | undefined {
    const whole = new Uint8Array(id);
    for (let draw = 0; draw < DRAWS; draw++) {
      whole.set(this.#random(HALF_ID_BYTES).subarray(0, HALF_ID_BYTES), HALF_ID_BYTES);
      const key = keyOf(whole);
      if (this.#byId.has(key)) continue;
      const group = new Group(whole, origin, now);
      this.groups.push(group);
      this.#byId.set(key, group);
      this.#byOrigin.set(origin, group);
      out.event({ type: 'group-created', group: group.name });
      return group;
    }
    return undefined;
  }

  /** Forgets the group and its links. Its sessions are the caller's concern. */
  removeGroup(group: Group, why: 'idle' | 'evicted' | 'stopped', out: SrtlaOutbox): void {
    for (let i = group.links.length - 1; i >= 0; i--) this.removeLink(group.links[i]!, 'group-ended', out);
    const index = this.groups.indexOf(group);
    if (index >= 0) this.groups.splice(index, 1);
    this.#byId.delete(keyOf(group.id));
    if (this.#byOrigin.get(group.origin) === group) this.#byOrigin.delete(group.origin);
    out.event({ type: 'group-ended', group: group.name, why });
  }

  addLink(group: Group, peer: PeerId, now: Millis, out: SrtlaOutbox): void {
    this.#peers.hold(peer);
    this.#join(group, peer, now, out);
  }

  removeLink(link: Link, why: LeaveReason, out: SrtlaOutbox): void {
    this.#leave(link, why, out);
    this.#peers.release(link.peer);
  }

  /** The link begins anew in another group, and keeps its number. */
  moveLink(link: Link, group: Group, now: Millis, out: SrtlaOutbox): void {
    this.#leave(link, 'moved', out);
    this.#join(group, link.peer, now, out);
  }

  #join(group: Group, peer: PeerId, now: Millis, out: SrtlaOutbox): void {
    const link = new Link(peer, this.#peers.address(peer), this.#peers.port(peer), group, now);
    this.#links.set(peer, link);
    group.addLink(link);
    out.event({ type: 'link-joined', group: group.name, address: link.address, port: link.port });
  }

  #leave(link: Link, why: LeaveReason, out: SrtlaOutbox): void {
    const { group, address, port } = link;
    group.removeLink(link);
    this.#links.delete(link.peer);
    out.event({ type: 'link-left', group: group.name, address, port, why });
  }
}

/** Eight bytes of our own half: unguessable, so nobody can fill one bucket of the table. The whole id is compared afterwards. */
const keyOf = (id: Uint8Array): string =>
  String.fromCharCode(
    (id[HALF_ID_BYTES]! << 8) | id[HALF_ID_BYTES + 1]!,
    (id[HALF_ID_BYTES + 2]! << 8) | id[HALF_ID_BYTES + 3]!,
    (id[HALF_ID_BYTES + 4]! << 8) | id[HALF_ID_BYTES + 5]!,
    (id[HALF_ID_BYTES + 6]! << 8) | id[HALF_ID_BYTES + 7]!,
  );
