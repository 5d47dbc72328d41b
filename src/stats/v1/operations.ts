import { z } from 'zod';
import { HOOK_TYPES } from '../../hooks/hook-event.ts';
import { DELETE_MODES } from '../routes/changes.ts';
import type { SchemaName } from './schemas.ts';

/** Who may: everybody, a key with any permission, one that may change streams, an admin key. */
export type Access = 'open' | 'read' | 'write' | 'admin';

export interface Operation {
  readonly id: string;
  readonly method: 'get' | 'post' | 'patch' | 'delete';
  /** With the parameters of the path in braces. */
  readonly path: string;
  readonly part: 'Node' | 'Streams' | 'Stream ids' | 'API keys' | 'This document';
  readonly summary: string;
  readonly access: Access;
  readonly query?: z.ZodObject;
  readonly body?: SchemaName;
  /** Another content type where it is no JSON. */
  readonly answer: SchemaName | { readonly type: string; readonly about: string };
  readonly status?: 200 | 201;
  /** Statuses of failures beside those that its access has. */
  readonly failures?: readonly (400 | 404 | 409 | 429 | 500)[];
}

export const MOST_ITEMS = 500;

/** Of a list that may be long. */
export const PageQuery = z.object({
  limit: z.coerce.number().int().min(1).max(MOST_ITEMS).default(100).describe('How many at most.'),
  after: z.string().max(512).optional().describe('next of the page before.'),
});

const EventsQuery = z.object({
  id: z.string().optional().describe('A player or publisher id: of that stream only.'),
  types: z
    .string()
    .optional()
    .describe(`Some of ${HOOK_TYPES.join(', ')}, separated by commas.`),
});

const DeleteQuery = z.object({
  mode: z
    .enum(DELETE_MODES)
    .default('soft')
    .describe('soft: a stream that is live may end in its own time; revoke: at once.'),
});

/** Everything that `/v1` offers to people, in the order of the document. What the programs of this machine use among themselves is not in it. */
export const OPERATIONS: readonly Operation[] = [
  {
    ...{ id: 'getNode', method: 'get', path: '/v1/node', part: 'Node', access: 'read', answer: 'Node' },
    summary: 'How the node is doing.',
  },
  {
    ...{ id: 'listStreams', method: 'get', path: '/v1/streams', part: 'Streams', access: 'read', answer: 'StreamList' },
    ...{ summary: 'Streams with somebody on them.', query: PageQuery, failures: [400] },
  },
  {
    ...{ id: 'getStream', method: 'get', path: '/v1/streams/{id}', part: 'Streams', access: 'read', answer: 'Stream' },
    ...{ summary: 'One stream, by its publisher id or a player id of it.', failures: [404] },
  },
  {
    ...{ id: 'getLinks', method: 'get', path: '/v1/streams/{id}/links', part: 'Streams', access: 'read' },
    ...{ answer: 'LinkList', summary: 'Its links, with their carriers.', failures: [404] },
  },
  {
    ...{ id: 'getPlayers', method: 'get', path: '/v1/streams/{id}/players', part: 'Streams', access: 'read' },
    ...{ answer: 'PlayerList', summary: 'Its players.', failures: [404] },
  },
  {
    ...{ id: 'getEvents', method: 'get', path: '/v1/streams/{id}/events', part: 'Streams', access: 'read' },
    ...{ answer: 'EventList', summary: 'What has happened to it.', failures: [404] },
  },
  {
    ...{ id: 'getHistory', method: 'get', path: '/v1/streams/{id}/history', part: 'Streams', access: 'read' },
    ...{ answer: 'History', summary: 'Its last 30 minutes; kept while the dashboard is served.', failures: [404] },
  },
  {
    ...{ id: 'disconnectPublisher', method: 'delete', path: '/v1/streams/{id}/publisher', part: 'Streams' },
    ...{
      access: 'write',
      answer: 'Done',
      summary: 'Ends the session of its encoder, which may come back.',
      failures: [404],
    },
  },
  {
    ...{ id: 'disconnectPlayer', method: 'delete', path: '/v1/streams/{id}/players/{key}', part: 'Streams' },
    ...{ access: 'write', answer: 'Done', summary: 'Ends one player.', failures: [404] },
  },
  {
    ...{ id: 'listGroups', method: 'get', path: '/v1/groups', part: 'Streams', access: 'read', answer: 'GroupList' },
    ...{ summary: 'Bonds of SRTLA senders, those that were not let in too.', query: PageQuery, failures: [400] },
  },
  {
    ...{ id: 'followEvents', method: 'get', path: '/v1/events', part: 'Streams', access: 'read', query: EventsQuery },
    summary: 'What happens to streams, as it happens; Last-Event-ID goes on from there.',
    answer: { type: 'text/event-stream', about: 'Server-sent events (docs/api.md).' },
    failures: [400, 404, 429],
  },
  {
    ...{ id: 'listStreamIds', method: 'get', path: '/v1/stream-ids', part: 'Stream ids', access: 'read' },
    ...{ answer: 'StreamIdList', summary: 'Who may publish and play.', query: PageQuery, failures: [400] },
  },
  {
    ...{ id: 'addStreamId', method: 'post', path: '/v1/stream-ids', part: 'Stream ids', access: 'write' },
    ...{ body: 'NewStreamId', answer: 'StreamId', status: 201, summary: 'Adds one.', failures: [400, 409, 500] },
  },
  {
    ...{ id: 'changeStreamId', method: 'patch', path: '/v1/stream-ids/{id}', part: 'Stream ids', access: 'write' },
    ...{ body: 'StreamIdChange', answer: 'StreamIdList', failures: [400, 404, 409, 500] },
    summary: 'Changes a player id, or with a publisher id all of its rows.',
  },
  {
    ...{ id: 'deleteStreamId', method: 'delete', path: '/v1/stream-ids/{id}', part: 'Stream ids', access: 'admin' },
    ...{ answer: 'Done', summary: 'Takes it away.', query: DeleteQuery, failures: [400, 404, 500] },
  },
  {
    ...{ id: 'listKeys', method: 'get', path: '/v1/keys', part: 'API keys', access: 'admin', answer: 'KeyList' },
    summary: 'API keys, without the keys themselves.',
  },
  {
    ...{ id: 'makeKey', method: 'post', path: '/v1/keys', part: 'API keys', access: 'admin', body: 'NewKey' },
    ...{ answer: 'MadeKey', status: 201, summary: 'Makes one.', failures: [400, 500] },
  },
  {
    ...{ id: 'revokeKey', method: 'delete', path: '/v1/keys/{id}', part: 'API keys', access: 'admin', answer: 'Done' },
    ...{ summary: 'Ends one. The last admin key stays.', failures: [404, 409, 500] },
  },
  {
    ...{ id: 'getDocument', method: 'get', path: '/v1/openapi.json', part: 'This document', access: 'open' },
    ...{ summary: 'This document.', answer: { type: 'application/json', about: 'OpenAPI 3.1.' } },
  },
  {
    ...{ id: 'getPage', method: 'get', path: '/v1/', part: 'This document', access: 'open' },
    ...{ summary: 'The same, to be read.', answer: { type: 'text/html', about: 'A page.' } },
  },
];
