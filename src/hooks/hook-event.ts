import { maskedAddress } from '../shared/masked-address.ts';
import { publicStreamName } from '../shared/redact.ts';
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
  'publisher-takeover': 'publish',
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

/** `public`: no ids, addresses as `privacy.addresses` has them. `full`: everything, for the operator's own receiver. */
export type HookDetails = 'public' | 'full';

/**
 * The body of one event, JSON: `id` and `sequence` (the same at each try), `type`, `event` (its type in docs/events.md), `atMs`
 * (Unix ms), `stream` (the public name), then the words of its type; with `full` also `publisherId`, and `playerId` of a player.
 */
export const hookBody = (event: StreamEvent, id: string, sequence: number, details: HookDetails): string => {
  // `atMs` is of a clock that means nothing outside.
  const { atMs: _, wallMs, publisherId, type: name, ...words } = event;
  const head = {
    id,
    sequence,
    type: hookTypeOf(name),
    event: name,
    atMs: wallMs,
    stream: publicStreamName(publisherId),
  };
  if (details === 'full') return JSON.stringify({ ...head, publisherId, ...words });
  const { playerId: _playerId, ...shown } = words as typeof words & { playerId?: string; address?: string };
  if (shown.address !== undefined) shown.address = maskedAddress(shown.address);
  return JSON.stringify({ ...head, ...shown });
};
