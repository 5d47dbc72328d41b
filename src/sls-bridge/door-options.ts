import { ASSUMED_KBPS, sessionBuffers } from './buffer-size.ts';
import type { Door, DoorOptions } from './listeners.ts';
import type { BridgeSettings } from './settings.ts';

/** Behind SRTLA packets come out of order, and what is late is no loss: the SRTLA core knows which is which. */
const BOND_REORDER_TOLERANCE_PACKETS = 200;
const CLOSES_PER_MINUTE = 5;
const PASSPHRASE_TRIES_PER_SECOND = 1;
const BACKLOG = 100;

/** How each door listens. Buffers are for a stream without limits of its own; see `AccessTable` for the others. */
export const listenOptions = (door: Door, settings: BridgeSettings): DoorOptions['listen'] => ({
  role: door === 'play' ? 'play' : 'publish',
  engine: settings.engine[door],
  isInside: door === 'bond' && settings.engine.bond === 'direct',
  refuse: settings.refuse[door],
  closesPerMinute: CLOSES_PER_MINUTE,
  // All bonded encoders come from loopback; the SRTLA core knows their addresses, and holds them back itself.
  passphraseTriesPerSecond: door === 'bond' ? 0 : PASSPHRASE_TRIES_PER_SECOND,
  latencyFloorMs: door === 'play' ? 0 : settings.latencyFloorMs,
  reorderTolerancePackets: door === 'bond' ? BOND_REORDER_TOLERANCE_PACKETS : 0,
  peerIdleTimeoutMs: settings.peerIdleTimeoutMs,
  ...sessionBuffers(settings.latencyCeilingMs, ASSUMED_KBPS),
  udpBufferBytes: settings.udpBufferBytes,
  backlog: BACKLOG,
});
