import type { Notice } from '../pages/layout.ts';

/** What a page says after a form was taken; the address holds only the key. */
const TEXTS = new Map(
  Object.entries({
    'node-active': 'The node gets new sessions again.',
    'node-draining': 'The node gets no new sessions; those that run go on.',
    'node-inactive': 'The node is taken out.',
    'session-moved': 'The session is on another node; its stream is read from the old one for ten minutes.',
    'session-ended': 'The session is ended.',
    withdrawn: 'The invitation is withdrawn.',
    entitlement: 'The entitlement is changed.',
    disabled: 'The user is disabled: signed out everywhere, and what streamed is cut off.',
    enabled: 'The user is enabled.',
    admin: 'The user is an administrator now.',
    'no-admin': 'The user is no administrator any more.',
    'signed-out': 'The user is signed out everywhere.',
    'sign-in-ended': 'That sign-in is ended.',
    removed: 'The user is removed.',
    'slot-added': 'There is a new slot.',
    'slot-renamed': 'The slot is renamed.',
    'slot-regenerated': 'The slot has a new token; what used the old one is cut off.',
    'slot-disabled': 'The slot is disabled, and what streamed on it is cut off.',
    'slot-enabled': 'The slot is enabled.',
    'slot-removed': 'The slot is removed, and what streamed on it is cut off.',
  }),
);

export const adminNotice = (key: string | undefined): Notice | undefined => {
  const text = TEXTS.get(key ?? '');
  return text === undefined ? undefined : { kind: 'good', text };
};
