import type { Millis } from '../shared/clock.ts';
import type { SlowPolicy } from './slow-player.ts';
import type { PublisherSource } from './stream-event.ts';

type Refuse = 'close' | 'reject';

export type SrtEngineName = 'libsrt' | 'direct';

export interface BridgeSettings {
  publishPort: number;
  playPort: number;
  bondPort: number;
  refuse: { publish: Refuse; play: Refuse; bond: Refuse };
  /** Which SRT engine listens at each door. */
  engine: { publish: SrtEngineName; play: SrtEngineName; bond: SrtEngineName };
  /** By the way that an encoder takes: whether its latency and its players' are one. */
  sharesLatency: Readonly<Record<PublisherSource, boolean>>;
  latencyFloorMs: Millis;
  latencyCeilingMs: Millis;
  peerIdleTimeoutMs: Millis;
  takeoverSilenceMs: Millis;
  tickMs: Millis;
  udpBufferBytes: number;
  /** Whoever has an id is asked for; absent: an id is enough. */
  asksAccess?: boolean;
  /** 0 = players wait for their publisher without limit. */
  playerWaitMs: Millis;
  /** Where a row names no other number. */
  playersPerId: number;
  playerSlow: SlowPolicy;
  /** Where a player that joins a running stream begins. */
  playerJoin: 'next-key-frame' | 'last-key-frame';
  /** With `last-key-frame`: what is kept of each stream at the most. */
  gopMaxBytes: number;
  gopMaxMs: Millis;
}
