import type { FastifyRequest } from 'fastify';
import { maskedAddress } from '../../shared/masked-address.ts';
import { type AddressView, publicStreamName } from '../../shared/redact.ts';
import type { Row } from '../../sls-bridge/directory.ts';
import type { StreamEventView } from '../deps.ts';
import type { Permission } from '../key-store.ts';
import type { NewRow } from '../row-body.ts';
import { actor, type RouteContext } from './context.ts';

/*
 * What the routes of SLS and those of `/v1` do alike, whatever they answer. All of it throws what the stores throw: see `refuseChange`.
 */

export const addStreamId = async (
  { deps }: RouteContext,
  request: FastifyRequest,
  wanted: Exclude<NewRow, { problem: string }>,
): Promise<Row> => {
  const { store, logger } = deps;
  const row = 'row' in wanted ? await store.add(wanted.row) : await store.create(wanted.generate);
  logger.info('stream id added', { stream: publicStreamName(row.publisher), key: actor(request, deps) });
  return row;
};

export const DELETE_MODES = ['soft', 'revoke'] as const;
export type DeleteMode = (typeof DELETE_MODES)[number];

/** @returns the rows that are gone, or that leave */
export const deleteStreamId = async (
  { deps, watch }: RouteContext,
  request: FastifyRequest,
  id: string,
  mode: DeleteMode,
): Promise<readonly Row[]> => {
  const { directory, store, settings, logger, unixNow } = deps;
  const graceMs = settings.streams.deleteGraceSeconds * 1_000;
  const leaveUntil = (row: Row): number | undefined =>
    graceMs > 0 && watch.mayBeLive(row.publisher) ? unixNow() + graceMs : undefined;
  const gone = mode === 'revoke' ? await store.remove(id) : await store.remove(id, leaveUntil);
  for (const { publisher, player } of gone)
    logger.info('stream id deleted', {
      stream: publicStreamName(publisher),
      mode,
      graceMs: directory.leavingUntil(player) === undefined ? 0 : graceMs,
      key: actor(request, deps),
    });
  return gone;
};

/** @returns the key, which is shown this once */
export const makeKey = async (
  { deps }: RouteContext,
  request: FastifyRequest,
  name: string,
  permission: Permission,
): Promise<string> => {
  const key = await deps.keys.create(name, permission);
  deps.logger.info('an API key was made', { permission, key: actor(request, deps) });
  return key;
};

/** @returns whether there was such a publisher */
export const disconnectPublisher = ({ deps }: RouteContext, request: FastifyRequest, id: string): boolean => {
  if (!deps.snapshot().publishers.some(({ publisherId }) => publisherId === id)) return false;
  deps.control.kickPublisher(id);
  deps.logger.info('publisher disconnected', { stream: publicStreamName(id), key: actor(request, deps) });
  return true;
};

/** As somebody who sees addresses in this way sees them. */
export const shownEvents = (events: readonly StreamEventView[], view: AddressView): StreamEventView[] =>
  events.map((event) =>
    'address' in event && typeof event.address === 'string'
      ? { ...event, address: maskedAddress(event.address, view) }
      : event,
  );
