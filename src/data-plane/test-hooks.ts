import type { Millis } from '../shared/clock.ts';
import type { DataPlaneHost } from './host.ts';
import { THREAD_FAULTS, type ThreadFault } from './messages.ts';

/** What a test may ask of a node that it has started as a child process with an IPC channel. */
export type TestHook = { hook: 'data-plane'; fault: ThreadFault } | { hook: 'block-main'; forMs: Millis };

/** Longer than any test wants main to stand still. */
const LONGEST_BLOCK_MS: Millis = 10_000;

const isHook = (message: unknown): message is TestHook => {
  if (typeof message !== 'object' || message === null || !('hook' in message)) return false;
  if (message.hook === 'data-plane') return 'fault' in message && THREAD_FAULTS.includes(message.fault as ThreadFault);
  return message.hook === 'block-main' && 'forMs' in message && typeof message.forMs === 'number';
};

/** Obeys hooks that come from the parent process. Returns what ends that. */
export const obeyTestHooks = (host: DataPlaneHost): (() => void) => {
  const onMessage = (message: unknown): void => {
    if (!isHook(message)) return;
    if (message.hook === 'data-plane') host.fault(message.fault);
    else Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, Math.min(LONGEST_BLOCK_MS, message.forMs));
  };
  process.on('message', onMessage);
  return () => process.off('message', onMessage);
};
