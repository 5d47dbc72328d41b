/** A numbered place of a user with a stream token of its own. Publisher `live_{token}`, player `play_{token}`. */
export interface Slot {
  readonly userId: string;
  /** From 1. */
  readonly slotNumber: number;
  readonly label: string;
  /** 26 characters of lower-case base32 (128 bits), or 8 hex digits of a deployment that was taken over. A secret. */
  readonly streamToken: string;
  /** 8 characters of lower-case base36: the host name of the slot. It routes, and authorises nothing. */
  readonly dnsSlug: string;
  /** A disabled slot is listed and cannot be started. */
  readonly isDisabled: boolean;
}

/** Streams that must end at once, and the reason for the log and the events. */
export interface Revocation {
  readonly streamTokens: readonly string[];
  readonly reason: 'token_regenerated' | 'slot_disabled' | 'slot_removed' | 'user_disabled' | 'entitlement';
}

/**
 * Takes streams off their nodes for good: open sessions of these tokens end, the ids leave the desired lists as *revoked* (publisher and
 * players are cut), and the waiting long-polls are woken. Called once the change itself is stored. Idempotent.
 */
export interface StreamRevoker {
  revoke(revocation: Revocation): Promise<void>;
}

/** What `relay/start` may do with a token. */
export type SlotChoice =
  | { readonly slot: Slot }
  /** `unknown`: not a token of this user (a slug or a host name never is one). `none`: the user has no enabled slot that is free. */
  | { readonly refused: 'unknown' | 'disabled' | 'none' };

export interface Slots {
  /** In the order of their numbers. */
  forUser(userId: string): Promise<readonly Slot[]>;
  get(userId: string, slotNumber: number): Promise<Slot | undefined>;
  /** Whoever it belongs to. */
  byToken(streamToken: string): Promise<Slot | undefined>;
  bySlug(dnsSlug: string): Promise<Slot | undefined>;
  /** The slot of this token, or without one the user's first enabled slot that is not among `taken`. */
  toStart(userId: string, streamToken: string | undefined, taken?: readonly number[]): Promise<SlotChoice>;
  /**
   * A new slot with the lowest free number.
   * @param streamToken one that senders know already, where a user is taken over
   */
  create(userId: string, label?: string, streamToken?: string): Promise<Slot>;
  /** Undefined: there is no such slot. */
  rename(userId: string, slotNumber: number, label: string): Promise<Slot | undefined>;
  /** A new token; the old one is revoked. */
  regenerate(userId: string, slotNumber: number): Promise<Slot | undefined>;
  /** Disabling revokes. */
  setDisabled(userId: string, slotNumber: number, isDisabled: boolean): Promise<Slot | undefined>;
  /** The slot and its slug are gone; its token is revoked. */
  remove(userId: string, slotNumber: number): Promise<boolean>;
}
