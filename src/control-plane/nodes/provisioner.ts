import type { Millis } from '../../shared/clock.ts';

/** A stream on a node: a row of `assignments` that is not removed. */
export interface AssignedStream {
  readonly assignmentId: string;
  readonly streamToken: string;
  readonly label: string;
  /** Of the list that has it. */
  readonly generation: number;
}

/**
 * `admitted`: an SRT handshake of the stream is accepted from now on. `waiting`: not yet, and the node will do it by itself.
 * `refused`: it will not; another node is to be tried.
 */
export type Provisioned = 'admitted' | 'waiting' | 'refused';

/** `release`: its time is over. `revoke`: publisher and players are cut at once. */
export type Removal = 'release' | 'revoke';

/**
 * Makes nodes of one kind follow the assignments in the database. What is asked for is stored there first; a provisioner that fails is asked
 * again.
 */
export interface Provisioner {
  /** Waits no longer than `waitMs`. */
  provision(serverId: string, stream: AssignedStream, waitMs: Millis): Promise<Provisioned>;
  /** Takes streams off the node, and off its list once that is done. Idempotent; what fails stays on the list for another try. */
  deprovision(serverId: string, assignmentIds: readonly string[], how: Removal): Promise<void>;
  /** Tokens of the streams on its list that are sending now, as far as is known. */
  ingesting(serverId: string): Promise<ReadonlySet<string>>;
}
