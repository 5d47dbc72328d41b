import type { PlacedSession } from './session-rows.ts';

/** The steps that clients of the old control plane know, in their order. */
export const PROVISION_STEPS = [
  'launching_instance',
  'waiting_for_instance',
  'starting_docker',
  'starting_containers',
  'creating_stream',
  'ready',
] as const;
export type ProvisionStep = (typeof PROVISION_STEPS)[number];

/**
 * How far a session has come. Where the first node took part, one waits for nothing but the stream on it; one whose node was lost before
 * anything was sent has all of it before it: a node, its first word, its data plane, its first list, the stream.
 */
export const provisionStep = (session: PlacedSession): ProvisionStep => {
  if (session.status !== 'provisioning') return 'ready';
  if (session.provision_step === 'creating_stream') return 'creating_stream';
  if (session.server_id === null || session.assigned_ms === null) return 'launching_instance';
  if (session.kind === 'sls') return 'creating_stream';
  if ((session.last_seen_ms ?? 0) < session.assigned_ms) return 'waiting_for_instance';
  if (session.not_ready !== null) return 'starting_docker';
  return session.applied_generation === 0 ? 'starting_containers' : 'creating_stream';
};
