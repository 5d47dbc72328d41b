import type { Slot } from '../slots/slots.ts';
import type { AccountsContext } from './context.ts';
import type { Entitlement } from './entitlement.ts';
import { effectiveEntitlement, type User } from './users.ts';

/** A slot as the OBS plugin knows it; `dns_slug` is more than it reads. */
export interface SlotAnswer {
  readonly slot_number: number;
  readonly label: string;
  readonly stream_token: string;
  readonly dns_slug: string;
}

export const slotAnswer = ({ slotNumber, label, streamToken, dnsSlug }: Slot): SlotAnswer => ({
  slot_number: slotNumber,
  label,
  stream_token: streamToken,
  dns_slug: dnsSlug,
});

/** The slots that can be started: the plugin offers whatever is in its list. */
export const slotAnswers = (slots: readonly Slot[]): SlotAnswer[] =>
  slots.filter(({ isDisabled }) => !isDisabled).map(slotAnswer);

export interface EntitlementAnswer {
  readonly relay_access_status: string;
  readonly reason_code: string;
  readonly plan_tier: string;
  readonly plan_status: string;
  readonly max_concurrent_conns: number;
}

export const entitlementAnswer = (entitlement: Entitlement): EntitlementAnswer => ({
  relay_access_status: entitlement.relayAccess,
  reason_code: entitlement.reasonCode,
  plan_tier: entitlement.planTier,
  plan_status: entitlement.planStatus,
  max_concurrent_conns: entitlement.maxConcurrentConns,
});

/** What a signed-in client is told of its user (telemy.md §3.2, `GET /auth/session`). */
export const sessionAnswer = async ({ slots, relays }: AccountsContext, user: User): Promise<object> => {
  const [own, active, usage] = await Promise.all([
    slots.forUser(user.id),
    relays.activeSessions(user.id),
    relays.usage(user.id),
  ]);
  const newest = active[0];
  return {
    user: { id: user.id, email: user.email, display_name: user.displayName },
    entitlement: { ...entitlementAnswer(effectiveEntitlement(user)), active_managed_conns: active.length },
    usage,
    active_relay: newest ? { session_id: newest.session_id, status: newest.status } : null,
    active_sessions: active,
    stream_slots: slotAnswers(own),
    linked_accounts: [],
  };
};
