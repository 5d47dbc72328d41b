import type { FastifyRequest } from 'fastify';
import { bearer, isSameSecret } from '../../stats/access.ts';
import { ApiError, unauthorized } from '../api-error.ts';
import type { Queries } from '../database/database.ts';
import { ERROR_STATUS, INSTANCE_HEADER, INSTANCE_HOLD_MS, instanceSchema, type NodeErrorCode } from '../protocol.ts';
import type { RelayCore } from '../relay-context.ts';
import { isKeyOf, keyHash, type NodeRow, nodeById } from './node-rows.ts';

export const nodeError = (code: NodeErrorCode, message: string): ApiError =>
  new ApiError(ERROR_STATUS[code], code, message);

/** The key that a node brings. @throws ApiError 401 without one */
export const nodeKeyOf = (request: FastifyRequest): string => {
  const key = bearer(request);
  if (key === undefined || key === '') throw unauthorized('the key of a node is needed');
  return key;
};

/** @throws ApiError 400 */
export const instanceOf = (request: FastifyRequest): string => {
  const result = instanceSchema.safeParse(request.headers[INSTANCE_HEADER]);
  if (!result.success) throw nodeError('invalid_request', `the header ${INSTANCE_HEADER} is missing or malformed`);
  return result.data;
};

/** What to say to a key that is not this node's. */
export const wrongKey = async (db: Queries, key: string): Promise<ApiError> => {
  const other = await db.first('SELECT server_id FROM nodes WHERE key_hash = ?', [keyHash(key)]);
  return other ? nodeError('node_key_mismatch', 'this is the key of another node') : unauthorized('an unknown key');
};

/** Whoever registers brings the key of a node, or the one for enrolment. @throws ApiError 401 */
export const checkKnownKey = async ({ db, settings }: RelayCore, key: string): Promise<void> => {
  const { enrolKey } = settings.controlPlane;
  if (enrolKey !== undefined && isSameSecret(enrolKey, key)) return;
  const known = await db.first('SELECT 1 AS found FROM nodes WHERE key_hash = ?', [keyHash(key)]);
  if (!known) throw unauthorized('an unknown key, and nodes are not taken in by it');
};

/** Another instance has been heard so lately that it must be alive. */
export const isHeldByOther = ({ instance, last_seen_ms }: NodeRow, asking: string, unixMs: number): boolean =>
  instance !== null &&
  instance !== asking &&
  last_seen_ms !== null &&
  // A clock that was put back must not hold an id for as long.
  Math.abs(unixMs - last_seen_ms) < INSTANCE_HOLD_MS;

/**
 * The node that asks, registered as this instance.
 * @throws ApiError 401, 403 wrong key; 404 it has to register; 409 another instance has the id
 */
export const askingNode = async (core: RelayCore, request: FastifyRequest): Promise<NodeRow> => {
  const { db } = core;
  const { enrolKey } = core.settings.controlPlane;
  const key = nodeKeyOf(request);
  const instance = instanceOf(request);
  const { id = '' } = request.params as { id?: string };
  const node = await nodeById(db, id);
  if (!node) {
    // Whoever has a key of a node, or the one for enrolment, may know that there is no such node.
    const error = enrolKey !== undefined && isSameSecret(enrolKey, key) ? undefined : await wrongKey(db, key);
    throw error?.status === 401 ? error : nodeError('node_unknown', 'the node has to register first');
  }
  if (node.kind !== 'tributary' || !isKeyOf(node, key)) throw await wrongKey(db, key);
  if (node.instance === instance) return node;
  throw isHeldByOther(node, instance, core.unixNow())
    ? nodeError('node_id_in_use', 'another node with this SERVER_ID is alive: give each its own')
    : nodeError('node_unknown', 'the node has to register first');
};
