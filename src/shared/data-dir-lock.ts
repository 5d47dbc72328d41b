import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { realpath } from 'node:fs/promises';
import { createServer } from 'node:net';
import { codeOf, TributaryError } from './errors.ts';

/** Held until `release`, or the end of the process. */
export interface DataDirLock {
  release(): void;
}

/**
 * One node a data folder: two would overwrite each other's ids. One control plane likewise, which may share it with a node. An abstract socket of the kernel is the lock, which no crash can leave
 * behind; it does not reach across containers. Where the system has none (not Linux) there is no lock.
 * @throws TributaryError TRIBUTARY_DATA_DIR_IN_USE
 */
export const lockDataDir = async (dataDir: string, who: 'node' | 'control plane' = 'node'): Promise<DataDirLock> => {
  if (process.platform !== 'linux') return { release: () => {} };
  const name = createHash('sha256')
    .update((await realpath(dataDir)) + (who === 'node' ? '' : `\0${who}`))
    .digest('hex');
  const server = createServer((socket) => socket.destroy()).unref();
  try {
    await once(server.listen(`\0tributary-${name}`), 'listening');
  } catch (error) {
    if (codeOf(error) !== 'EADDRINUSE') return { release: () => {} };
    throw new TributaryError(
      'TRIBUTARY_DATA_DIR_IN_USE',
      `another ${who} is running with the data folder ${dataDir}`,
      'stop it, or set DATA_DIR to another folder',
      error,
    );
  }
  return { release: () => void server.close() };
};
