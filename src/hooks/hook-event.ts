import { publicStreamName } from '../shared/redact.ts';
import type { StreamEvent } from '../sls-bridge/stream-event.ts';

/** What a receiver can be told of. */
export const HOOK_EVENTS = ['publish', 'unpublish', 'play', 'stop', 'link_up', 'link_down', 'refused'] as const;
export type HookEventName = (typeof HOOK_EVENTS)[number];

/** What happened, as a receiver reads it; the meaning of `details` is that of the same event in docs/events.md. */
export interface HookEvent {
  readonly event: HookEventName;
  /** Unix ms. */
  readonly atMs: number;
  /** Public name of the stream: its publisher id is a secret. */
  readonly stream: string;
  /** The event's own name in the history of the stream. */
  readonly type: StreamEvent['type'];
  readonly details: Readonly<Record<string, string | number | boolean>>;
}

const NAMES: Partial<Record<StreamEvent['type'], HookEventName>> = {
  'publisher-up': 'publish',
  'publisher-down': 'unpublish',
  'player-up': 'play',
  'player-down': 'stop',
  'link-joined': 'link_up',
  'link-left': 'link_down',
  'publisher-refused': 'refused',
  'session-rejected': 'refused',
};

/** Capabilities, and what is told elsewhere in the event. */
const KEPT_BACK: ReadonlySet<string> = new Set(['playerId', 'publisherId', 'atMs', 'wallMs', 'type']);

/** @param mask of an address, as the privacy settings want it @returns undefined where receivers are not told of it */
export const hookEventOf = (event: StreamEvent, mask: (address: string) => string): HookEvent | undefined => {
  const name = NAMES[event.type];
  if (name === undefined) return undefined;
  const details = Object.entries(event)
    .filter(([key]) => !KEPT_BACK.has(key))
    .map(([key, value]) => [key, key === 'address' ? mask(String(value)) : value] as const);
  return {
    event: name,
    atMs: event.wallMs,
    stream: publicStreamName(event.publisherId),
    type: event.type,
    details: Object.fromEntries(details) as HookEvent['details'],
  };
};
