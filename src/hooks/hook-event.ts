import { maskedAddress } from '../shared/masked-address.ts';
import { type AddressView, publicStreamName } from '../shared/redact.ts';
import type { StreamEvent, StreamEventType } from '../sls-bridge/stream-event.ts';

/** What receivers may ask for, in their own words. */
export const HOOK_TYPES = [
  'publish',
  'unpublish',
  'play',
  'stop',
  'link-up',
  'link-down',
  'refused',
  'quality',
] as const;
export type HookType = (typeof HOOK_TYPES)[number];

/** Events of a stream that are told outside; the others stay in the history. */
const TYPES: Partial<Record<StreamEventType, HookType>> = {
  'publisher-up': 'publish',
  'publisher-down': 'unpublish',
  'player-up': 'play',
  'player-down': 'stop',
  'link-joined': 'link-up',
  'link-left': 'link-down',
  'publisher-refused': 'refused',
  'session-rejected': 'refused',
  quality: 'quality',
};

export const hookTypeOf = (type: StreamEventType): HookType | undefined => TYPES[type];

/** What of a stream is told. */
export interface EventScope {
  /** Publisher ids and player ids: capabilities. */
  readonly ids: boolean;
  readonly addresses: AddressView;
}

/**
 * What happened, as it is told outside: `type`, `event` (its type in docs/events.md), `atMs` (Unix ms), `stream` (the public name), the
 * words of its type; with ids also `publisherId`, and `playerId` of a player.
 */
export const eventFacts = (event: StreamEvent, { ids, addresses }: EventScope): Record<string, unknown> => {
  // `atMs` is of a clock that means nothing outside.
  const { atMs: _, wallMs, publisherId, type: name, ...words } = event;
  const { playerId, address, ...others } = words as typeof words & { playerId?: string; address?: string };
  return {
    ...{ type: hookTypeOf(name), event: name, atMs: wallMs, stream: publicStreamName(publisherId) },
    ...(ids ? { publisherId, ...(playerId === undefined ? {} : { playerId }) } : {}),
    ...others,
    ...(address === undefined ? {} : { address: maskedAddress(address, addresses) }),
  };
};
