import type { Millis } from '../shared/clock.ts';

/** How the node stands with its control plane. */
export interface ControlStatus {
  state: 'enrolling' | 'online' | 'degraded' | 'offline';
  /** Why, where it is not online. */
  problem: string | undefined;
  /** Undefined until the plane was heard for the first time, restarts included. */
  planeId: string | undefined;
  /** Of the last list of stream ids that was applied. */
  generation: number | undefined;
  /** As the plane sees the node: `active`, `draining`, `inactive`. */
  nodeStatus: string | undefined;
  /** Rows that the plane has left out, and that are kept until it confirms. */
  held: number;
  /** Lists that would have removed too many rows at once. */
  refusedRemovals: number;
  appliedLists: number;
  /** Lists that were no newer, or another plane's. */
  ignoredLists: number;
  /** Since the plane was heard. */
  silentMs: Millis | undefined;
}
