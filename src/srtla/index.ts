export type { ListeningSocket } from './link-sockets.ts';
export { createSrtlaCore } from './receiver.ts';
export type * from './types.ts';
export { DEFAULT_SRTLA_SETTINGS } from './types.ts';
export { createSrtlaShell, SrtlaShell, type SrtlaShellOptions } from './udp-shell.ts';
