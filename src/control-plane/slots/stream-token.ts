import { randomInt } from 'node:crypto';

const SLUG_LENGTH = 8;
const BASE36 = '0123456789abcdefghijklmnopqrstuvwxyz';

/** 26 characters of base32, or the 8 hex digits of deployments before. */
const TOKEN = /^(?:[a-z2-7]{26}|[0-9a-f]{8})$/;
const EIGHT_HEX = /^[0-9a-f]{8}$/;

/** True for the form of a stream token; slugs and host names never have it. */
export const isStreamToken = (text: string): boolean => TOKEN.test(text);

/**
 * The host name of a slot: 8 characters of base36 from the system's random source, none favoured. One that could be a token of 8 hex
 * digits is drawn again, so that the two can never be taken for each other.
 */
export const newSlug = (draw: (below: number) => number = randomInt): string => {
  for (;;) {
    const slug = Array.from({ length: SLUG_LENGTH }, () => BASE36[draw(BASE36.length)]).join('');
    if (!EIGHT_HEX.test(slug)) return slug;
  }
};

/** What people paste for a token: `live_…` and `play_…` of it, with spaces around, in any case. */
export const bareToken = (text: string): string =>
  text
    .trim()
    .toLowerCase()
    .replace(/^(?:live|play)_/, '');

/** How the refusal begins of a token that a slot of the same user has: whoever wants that slot has it. */
export const SLOT_IS_THERE = 'stream_token: the user has this slot already';
