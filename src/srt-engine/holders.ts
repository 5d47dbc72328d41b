import type { Millis } from '../shared/clock.ts';

interface Holder<E> {
  readonly socket: number;
  readonly engine: E;
  arrivals: number;
  lastArrivalMs: Millis;
  mayBeReplaced: boolean;
}

/**
 * Who publishes on which id, where two engines let publishers in: each of them knows its own alone. The rules are theirs: whoever comes
 * second is turned away, unless the first is silent, gone or has yielded. Pure.
 */
export class Holders<E> {
  readonly #takeoverSilenceMs: Millis;
  readonly #byId = new Map<string, Holder<E>>();
  readonly #ids = new Map<number, string>();

  constructor(takeoverSilenceMs: Millis) {
    this.#takeoverSilenceMs = takeoverSilenceMs;
  }

  /**
   * A publisher that an engine has let in.
   * @returns the publisher of the other engine that it replaces, or 0; undefined where it has to go
   */
  enter(streamId: string, socket: number, engine: E, now: Millis): number | undefined {
    const holder = this.#byId.get(streamId);
    const isElsewhere = holder !== undefined && holder.engine !== engine;
    const isSilent = holder !== undefined && now - holder.lastArrivalMs >= this.#takeoverSilenceMs;
    if (isElsewhere && !holder.mayBeReplaced && !isSilent) return undefined;
    this.#byId.set(streamId, { socket, engine, arrivals: 0, lastArrivalMs: now, mayBeReplaced: false });
    this.#ids.set(socket, streamId);
    return isElsewhere ? holder.socket : 0;
  }

  /** It has yielded, or is gone. */
  yield(socket: number): void {
    const holder = this.#of(socket);
    if (holder) holder.mayBeReplaced = true;
  }

  leave(socket: number): void {
    const id = this.#ids.get(socket);
    if (id !== undefined && this.#byId.get(id)?.socket === socket) this.#byId.delete(id);
    this.#ids.delete(socket);
  }

  /** @param packetsOf how many data packets of a publisher have arrived */
  sample(packetsOf: (socket: number, engine: E) => number, now: Millis): void {
    for (const holder of this.#byId.values()) {
      const packets = packetsOf(holder.socket, holder.engine);
      if (packets === holder.arrivals) continue;
      holder.arrivals = packets;
      holder.lastArrivalMs = now;
    }
  }

  #of(socket: number): Holder<E> | undefined {
    const id = this.#ids.get(socket);
    const holder = id === undefined ? undefined : this.#byId.get(id);
    return holder?.socket === socket ? holder : undefined;
  }
}
