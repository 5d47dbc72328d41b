import { randomBytes } from 'node:crypto';
import type { Row } from './directory.ts';

const TOKEN_BYTES = 16;

const newToken = (): string => randomBytes(TOKEN_BYTES).toString('hex');

/**
 * A new pair of ids, `live_` and `play_` with 32 hex digits each.
 * @param forPlugin the same digits in both, which is what the OBS plugin expects; the player id gives the publisher id away then
 */
export const newPair = (forPlugin: boolean): { publisher: string; player: string } => {
  const token = newToken();
  return { publisher: `live_${token}`, player: `play_${forPlugin ? token : newToken()}` };
};

/** What a new node starts with: one publisher id, a player id for the OBS plugin and an independent one. */
export const firstRows = (): Row[] => {
  const { publisher, player } = newPair(true);
  return [
    { publisher, player, description: 'for the OBS plugin; gives away the publisher id' },
    { publisher, player: newPair(false).player, description: 'the one to share' },
  ];
};
