import { loadAddon } from '../shared/addon.ts';
import type { SrtEngineFactory } from './srt-engine.ts';

/**
 * libsrt as the SRT engine.
 * @throws TributaryError TRIBUTARY_ADDON_MISSING, TRIBUTARY_LIBSRT_MISSING
 */
export const libsrtEngine = (): SrtEngineFactory & { readonly version: string } => {
  const addon = loadAddon();
  return {
    name: `libsrt ${addon.srtVersion}`,
    version: addon.srtVersion,
    create: (options) => addon.createSrtEngine(options),
  };
};
