import type { Millis } from '../shared/clock.ts';
import { equalBytes } from './bytes.ts';
import { GROUP_ID_BYTES } from './constants.ts';
import { Group } from './group.ts';
import { type GroupIds, groupKey } from './group-ids.ts';
import { Link } from './link.ts';
import type { PeerDirectory, PeerId, SrtlaEvent, SrtlaOutbox } from './types.ts';

type LeaveReason = Extract<SrtlaEvent, { type: 'link-left' }>['why'];
type EndReason = Extract<SrtlaEvent, { type: 'group-ended' }>['why'];

/** Who is registered: groups by id, links by peer. Keeps the tables and tells of changes. */
export class Registry {
  /** In order of creation. */
  readonly groups: Group[] = [];
  readonly #peers: PeerDirectory;
  readonly #ids: GroupIds;
  readonly #byId = new Map<string, Group>();
  readonly #links = new Map<PeerId, Link>();

  constructor(peers: PeerDirectory, ids: GroupIds) {
    this.#peers = peers;
    this.#ids = ids;
  }

  linkOf(peer: PeerId): Link | undefined {
    return this.#links.get(peer);
  }

  addressOf(peer: PeerId): string {
    return this.#peers.address(peer);
  }

  groupOfId(id: Uint8Array): Group | undefined {
    const group = this.#byId.get(groupKey(id));
    return group !== undefined && equalBytes(group.id, 0, id, 0, GROUP_ID_BYTES) ? group : undefined;
  }

  /** A group with this id, issued in `period`. The caller has checked that there is none yet. */
  createGroup(id: Uint8Array, period: number, now: Millis, out: SrtlaOutbox): Group {
    // A copy of its own: `slice` of a Buffer is a view of bytes that live for this call only.
    const group = new Group(new Uint8Array(id), period, now);
    this.groups.push(group);
    this.#byId.set(groupKey(group.id), group);
    this.#peers.knowGroup?.(group.id);
    out.event({ type: 'group-created', group: group.name });
    return group;
  }

  /** Forgets the group and its links; its id founds no other. Its sessions are the caller's concern. */
  removeGroup(group: Group, why: EndReason, now: Millis, out: SrtlaOutbox): void {
    for (let i = group.links.length - 1; i >= 0; i--) this.removeLink(group.links[i]!, 'group-ended', out);
    const index = this.groups.indexOf(group);
    if (index >= 0) this.groups.splice(index, 1);
    this.#byId.delete(groupKey(group.id));
    this.#peers.forgetGroup?.(group.id);
    this.#ids.end(group.id, group.idPeriod, now);
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

  /** The silent link has another address now. Returns what it has become. */
  rebindLink(old: Link, peer: PeerId, now: Millis, out: SrtlaOutbox): Link {
    const { group } = old;
    this.removeLink(old, 'rebound', out);
    this.#peers.hold(peer);
    const link = this.#join(group, peer, now, out);
    link.rebinds = old.rebinds + 1;
    group.rebinds += 1;
    return link;
  }

  #join(group: Group, peer: PeerId, now: Millis, out: SrtlaOutbox): Link {
    const link = new Link(peer, this.#peers.address(peer), this.#peers.port(peer), group, now);
    this.#links.set(peer, link);
    group.addLink(link);
    out.event({ type: 'link-joined', group: group.name, address: link.address, port: link.port });
    return link;
  }

  #leave(link: Link, why: LeaveReason, out: SrtlaOutbox): void {
    const { group, address, port } = link;
    group.removeLink(link);
    this.#links.delete(link.peer);
    out.event({ type: 'link-left', group: group.name, address, port, why });
  }
}
