import type { PlayerSnapshot } from '../data-plane/snapshot.ts';
import type { StreamParts } from './metrics-view.ts';

/** What has gone to the players of a stream: SRT packets, and messages that they were not given. */
export interface Sent {
  packets: number;
  lostPackets: number;
  retransmittedPackets: number;
  droppedPackets: number;
  droppedMessages: number;
}

const nothing = (): Sent => ({
  packets: 0,
  lostPackets: 0,
  retransmittedPackets: 0,
  droppedPackets: 0,
  droppedMessages: 0,
});

const sentTo = ({ stats, droppedMessages }: PlayerSnapshot): Sent => ({
  packets: stats.pktSentTotal,
  lostPackets: stats.pktSndLossTotal,
  retransmittedPackets: stats.pktRetransTotal,
  droppedPackets: stats.pktSndDropTotal,
  droppedMessages,
});

interface Stream {
  readonly sum: Sent;
  /** By the player's key. */
  seen: Map<string, Sent>;
}

/**
 * Sums over the players of a stream that do not fall when one leaves, as totals must not. What a player has got since it was last looked at is
 * added; what it gets between the last look and its end is not seen.
 */
export class PlayerTotals {
  readonly #streams = new Map<string, Stream>();

  /** Streams that are not there any more are forgotten. @param parts by publisher id */
  take(parts: ReadonlyMap<string, Pick<StreamParts, 'players'>>): void {
    for (const id of this.#streams.keys()) if (!parts.has(id)) this.#streams.delete(id);
    for (const [id, { players }] of parts) {
      const stream = this.#streams.get(id) ?? { sum: nothing(), seen: new Map() };
      this.#streams.set(id, stream);
      stream.seen = new Map(players.map((player) => [player.key, this.#add(stream, player)]));
    }
  }

  of(publisherId: string): Sent {
    return this.#streams.get(publisherId)?.sum ?? nothing();
  }

  #add({ sum, seen }: Stream, player: PlayerSnapshot): Sent {
    const now = sentTo(player);
    const before = seen.get(player.key);
    // A number that has fallen is of another connection: keys begin anew with the data plane's thread.
    const isSame = before !== undefined && now.packets >= before.packets;
    for (const name of Object.keys(sum) as (keyof Sent)[])
      sum[name] += Math.max(0, now[name] - (isSame ? before[name] : 0));
    return now;
  }
}
