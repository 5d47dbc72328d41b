import type { Distribution } from './statistics.ts';

/** What `load` answers. `sent`, `skipped`, `windowNs` and `ackDelay` since `reset`, the rest are totals. */
export interface LoadReport {
  streams: number;
  /** With a session that is up. */
  live: number;
  windowNs: number;
  sent: number;
  /** Packets that were due but left out, because the load maker itself was held up. */
  skipped: number;
  sendFailures: number;
  retransmitted: number;
  naks: number;
  srtAcks: number;
  shutdowns: number;
  rejected: number;
  /** Packets that SRTLA ACKs have confirmed on the link they were sent on; the same once more; and what was never sent there. */
  acked: number;
  ackedAgain: number;
  ackedWrong: number;
  /** From the last packet of ten to its SRTLA ACK. */
  ackDelay: Distribution;
  sentPerStream: number[];
  /** The SRT socket ids of the sessions at the server, one a stream. */
  serverIds: number[];
}

/** What `flood` answers; since `reset`. */
export interface FloodReport {
  sent: number;
  /** Datagrams that were due but left out, because the flood itself was held up. */
  skipped: number;
  failed: number;
}

/** What `sink` answers. `unique`, `duplicated`, `reordered` and `kernelDrops` are totals. */
export interface SinkReport {
  packets: number;
  altered: number;
  misaddressed: number;
  /** Of the sink's own socket: the bench's fault. */
  kernelDrops: number;
  unique: number;
  duplicated: number;
  reordered: number;
  delay: Distribution;
}

/** What `players` answers. `messages` and `delay` since `reset`, the rest are totals. */
export interface PlayersReport {
  players: number;
  broken: number;
  messages: number;
  altered: number;
  unique: number;
  duplicated: number;
  reordered: number;
  delay: Distribution;
  /** One player each: its stream, one above its highest counter, how many different payloads it got. */
  received: [stream: number, next: number, unique: number][];
}

/** What `caller` answers; totals. */
export interface CallerReport {
  /** Payloads that libsrt has taken. */
  sent: number;
  /** Its send buffer was full. */
  refused: number;
  broken: boolean;
  retransmitted: number;
  /** Too old to be sent (again). */
  dropped: number;
  naks: number;
  rttMs: number;
  bufferedPackets: number;
}
