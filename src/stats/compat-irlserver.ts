import type { PlayerSnapshot } from '../data-plane/snapshot.ts';
import { legacyPublisher } from './compat-sls.ts';
import { count, int32 } from './numbers.ts';
import { sorted } from './sorted.ts';
import type { ShownPublisher } from './timeline.ts';

/** A publisher in the shape of irlserver's SLS: the legacy fields, retransmission counters and what its players are behind. */
export const irlserverPublisher = (live: ShownPublisher, players: readonly PlayerSnapshot[]): object => {
  const { stats, publisherId } = live.publisher;
  const mine = players.filter((player) => player.publisherId === publisherId);
  return sorted({
    ...legacyPublisher(live),
    maxReaderBacklogMs: int32(Math.max(0, ...mine.map((player) => player.stats.sndBufMs))),
    pktRcvRetrans: count(stats.pktRcvRetransTotal),
    pktRecvNAKTotal: count(stats.pktRecvNakTotal),
    pktRetransTotal: count(stats.pktRetransTotal),
    pktSentNAKTotal: count(stats.pktSentNakTotal),
    viewerPktSndDrop: count(mine.reduce((sum, player) => sum + player.stats.pktSndDropTotal, 0)),
  });
};
