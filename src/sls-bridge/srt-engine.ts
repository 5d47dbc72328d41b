import type { NativeSrtEngine, SrtEngineOptions } from '../shared/addon.ts';
import type { InsideServer } from '../shared/inside-server.ts';

export type {
  SrtAccess,
  SrtConnectOptions,
  SrtEngineOptions,
  SrtEvent,
  SrtListenOptions,
  SrtRole,
  SrtStatsField,
} from '../shared/addon.ts';
export { SRT_REJECT, SRT_SLOT_BYTES, SRT_STATS_FIELDS } from '../shared/addon.ts';

/**
 * What the bridge needs of an SRT implementation: listeners with admission, batched reading, fan-out, statistics. libsrt stands
 * behind it today (native.ts); it is an interface of its own because another engine may stand beside it.
 */
export interface SrtEngine extends NativeSrtEngine {
  /** Where it takes the packets of bonded encoders without a socket. */
  readonly inside?: InsideServer;
}

/** Makes an engine, and says which one it is (`libsrt 1.5.1`). */
export interface SrtEngineFactory {
  readonly name: string;
  create(options: SrtEngineOptions): SrtEngine;
}
