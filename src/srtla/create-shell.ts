import { loadAddon } from '../shared/addon.ts';
import { codeOf, messageOf, TributaryError } from '../shared/errors.ts';
import { BatchedShell } from './batched-shell.ts';
import type { CreateUdpEngine } from './batched-sockets.ts';
import { DgramShell } from './dgram-shell.ts';
import type { SrtlaReceiver, SrtlaShellOptions } from './shell-types.ts';

/** The addon's half, or why it cannot be had. */
const findUdpEngine = (addon: NonNullable<SrtlaShellOptions['addon']>): CreateUdpEngine | string => {
  try {
    return addon().createUdpEngine ?? 'the native addon was built without it';
  } catch (error) {
    return messageOf(error);
  }
};

/** What a kernel, an emulator or a sandbox says that has not got what the batched transport is made of. */
const UNKNOWN_HERE = new Set(['ENOPROTOOPT', 'EOPNOTSUPP', 'ENOSYS']);

/** Why the batched transport cannot be had on this kernel; undefined where another one would fail as well. */
const reasonToFallBack = (error: unknown): string | undefined => {
  const cause = error instanceof TributaryError && error.cause !== undefined ? error.cause : error;
  return UNKNOWN_HERE.has(codeOf(cause) ?? '') ? messageOf(cause) : undefined;
};

/**
 * Opens every address × port and runs the receiver on them: on the batched transport where it can be had, else on `node:dgram`, which
 * is said in the log.
 * @throws TributaryError TRIBUTARY_PORT_IN_USE, TRIBUTARY_BIND_FAILED; nothing stays open then. With `transport: 'batched'` also what
 *   loading the addon throws.
 */
export const createSrtlaShell = async (options: SrtlaShellOptions): Promise<SrtlaReceiver> => {
  const { transport = 'auto', addon = loadAddon, logger } = options;
  if (transport === 'dgram') return said(await DgramShell.open(options), logger);
  const create = findUdpEngine(addon);
  if (typeof create !== 'string') {
    try {
      return said(await BatchedShell.open(options, create), logger);
    } catch (error) {
      const reason = transport === 'auto' ? reasonToFallBack(error) : undefined;
      if (reason === undefined) throw error;
      return said(await DgramShell.open(options, reason), logger);
    }
  }
  if (transport === 'batched') {
    addon();
    throw new TributaryError('TRIBUTARY_ADDON_MISSING', create, 'run `npm run build:native`');
  }
  return said(await DgramShell.open(options, create), logger);
};

const said = (shell: SrtlaReceiver, logger: SrtlaShellOptions['logger']): SrtlaReceiver => {
  const { transport, transportNote: note, ports } = shell;
  const where = { transport, ports: ports.join(',') };
  if (note === undefined) logger.info('SRTLA is listening', where);
  else logger.warn('SRTLA is listening without batched UDP, which costs CPU', { ...where, reason: note });
  return shell;
};
