export const RELAY_ACCESS = ['enabled', 'disabled', 'subscription_required'] as const;
export type RelayAccess = (typeof RELAY_ACCESS)[number];

/** What a user may do. The control plane is authoritative for it; billing, where there is any, tells it by the hook (docs/accounts.md). */
export interface Entitlement {
  /** Anything but `enabled`: `relay/start` answers 403 `entitlement_denied`, and what runs is cut. */
  readonly relayAccess: RelayAccess;
  /** Why it is so, a word for programs (`ok`, `admin_disabled`, `payment_failed`); goes into `reason_code`. */
  readonly reasonCode: string;
  /** Never `free`: the OBS plugin offers no managed relay then. */
  readonly planTier: string;
  readonly planStatus: string;
  /** Sessions at once; one more is refused with 403 `connection_limit_reached`. */
  readonly maxConcurrentConns: number;
}

export interface Entitlements {
  /** The user's entitlement; a user that is unknown or disabled has a disabled one. */
  of(userId: string): Promise<Entitlement>;
}
