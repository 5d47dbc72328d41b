import type { LogFields, Logger } from '../shared/logger.ts';
import { maskedAddress } from '../shared/masked-address.ts';
import { publicStreamName, shortenId } from '../shared/redact.ts';
import type { StreamEvent, StreamEventType } from '../sls-bridge/stream-event.ts';

/** What somebody may have to do something about. */
const WARNINGS: ReadonlySet<StreamEventType> = new Set([
  'bitrate-exceeded',
  'bitrate-closed',
  'latency-short',
  'player-dropped',
]);

/** Writes an event to the log, in its own words but without the ids, which are secrets, and with addresses masked. */
export const logStreamEvent = (logger: Logger, event: StreamEvent): void => {
  const { type, publisherId, atMs: _atMs, wallMs: _wallMs, ...words } = event;
  const fields: LogFields = { stream: publicStreamName(publisherId), ...words };
  const shown = {
    ...fields,
    ...('playerId' in words && words.playerId !== undefined ? { playerId: shortenId(words.playerId) } : {}),
    ...('address' in words ? { address: maskedAddress(words.address) } : {}),
  };
  if (WARNINGS.has(type)) logger.warn(type, shown);
  else logger.info(type, shown);
};
