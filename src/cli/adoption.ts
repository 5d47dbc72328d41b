import { isStreamToken } from '../control-plane/slots/stream-token.ts';
import { LOCAL_OWNER, type Row } from '../sls-bridge/directory-rules.ts';

/** A row of the node's own that can be a slot. */
export interface Adoptable {
  readonly row: Row;
  readonly streamToken: string;
}

export interface Adoption {
  readonly adopt: readonly Adoptable[];
  /** Rows that stay the node's own, and why. */
  readonly stay: readonly { readonly row: Row; readonly why: string }[];
  /** Of the chosen ids: those of no row of the node's own. */
  readonly unknown: readonly string[];
}

/** What a slot has no place for; a stream that is protected by it must not go on without. */
const LIMITS = ['passphrase', 'maxPlayers', 'maxBitrateKbps', 'latencyMs', 'playerLatencyMs', 'expiresAt'] as const;

const obstacle = (row: Row, rows: readonly Row[]): string | undefined => {
  const token = row.publisher.startsWith('live_') ? row.publisher.slice('live_'.length) : '';
  if (!isStreamToken(token) || row.player !== `play_${token}`)
    return 'a slot has the ids live_TOKEN and play_TOKEN, with a token of 26 characters of base32 or 8 hex digits';
  if (rows.some((other) => other !== row && other.publisher === row.publisher))
    return 'its publisher id has further player ids, and a slot has one';
  const limit = LIMITS.find((name) => row[name] !== undefined);
  return limit && `it has ${limit} of its own, which a slot cannot have`;
};

/** Which of a node's rows become slots of its control plane. @param chosen publisher or player ids; empty: all rows of the node's own */
export const planAdoption = (rows: readonly Row[], chosen: readonly string[]): Adoption => {
  const [adopt, stay]: [Adoptable[], { row: Row; why: string }[]] = [[], []];
  const unknown = new Set(chosen);
  for (const row of rows) {
    if ((row.owner ?? LOCAL_OWNER) !== LOCAL_OWNER) continue;
    if (chosen.length > 0 && !chosen.includes(row.publisher) && !chosen.includes(row.player)) continue;
    for (const id of [row.publisher, row.player]) unknown.delete(id);
    const why = obstacle(row, rows);
    if (why === undefined) adopt.push({ row, streamToken: row.publisher.slice('live_'.length) });
    else stay.push({ row, why });
  }
  return { adopt, stay, unknown: [...unknown] };
};
