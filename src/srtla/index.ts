export { createSrtlaShell } from './create-shell.ts';
export type { HopLossShares } from './hop-loss.ts';
export type { ListeningSocket } from './link-sockets.ts';
export { createSrtlaCore } from './receiver.ts';
export type { ServerWay, SrtlaReceiver, SrtlaShellOptions, UdpTransport } from './shell-types.ts';
export type * from './types.ts';
export { DEFAULT_SRTLA_SETTINGS } from './types.ts';
