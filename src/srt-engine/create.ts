import { loadAddon } from '../shared/addon.ts';
import type { Millis } from '../shared/clock.ts';
import { TributaryError } from '../shared/errors.ts';
import type { LatencyMode } from '../shared/latency-budget.ts';
import type { SrtEngineFactory } from '../sls-bridge/srt-engine.ts';
import { SideBySide } from './side-by-side.ts';

export interface DirectEngineSettings {
  readonly latencyMode: LatencyMode;
  /** Whoever hands bonded packets in asks for the missing ones. */
  readonly bondLossReports: 'own' | 'upstream';
  /** ms of the system's monotonic clock. */
  readonly clock: () => Millis;
}

/**
 * Our own SRT engine, with libsrt beside it for the listeners that want it, and for calls.
 * @throws TributaryError TRIBUTARY_ADDON_MISSING, TRIBUTARY_LIBSRT_MISSING
 */
export const directEngine = (settings: DirectEngineSettings): SrtEngineFactory & { readonly version: string } => {
  const addon = loadAddon();
  const { createUdpEngine } = addon;
  if (!createUdpEngine)
    throw new TributaryError(
      'TRIBUTARY_ADDON_MISSING',
      'the native addon was built without batched UDP, which srt.engine direct stands on',
      'run `npm run build:native`, or set srt.engine to libsrt',
    );
  return {
    name: `direct, libsrt ${addon.srtVersion}`,
    version: addon.srtVersion,
    create: (options) =>
      new SideBySide(options, { ...settings, createUdp: (udp) => createUdpEngine(udp) }, () =>
        addon.createSrtEngine(options),
      ),
  };
};
