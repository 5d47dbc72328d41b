import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { codeOf, messageOf, type TributaryError } from '../../shared/errors.ts';
import { publicStreamName } from '../../shared/redact.ts';
import type { Row } from '../../sls-bridge/directory.ts';
import { addressViewOf, guards, type Hook, keyOf } from '../access.ts';
import { errorAnswer } from '../compat-sls.ts';
import { queryValue, sendJson } from '../http-app.ts';
import { parseBody } from '../json-body.ts';
import {
  addStreamId,
  DELETE_MODES,
  deleteStreamId,
  disconnectPublisher,
  makeKey,
  shownEvents,
} from '../routes/changes.ts';
import { actor, publisherOf, type RouteContext, refuseChange } from '../routes/context.ts';
import { readNewRow, readRowChange } from '../row-body.ts';
import { openApiDocument } from './openapi.ts';
import { type Access, OPERATIONS, type Operation, PageQuery } from './operations.ts';
import { apiPage, PAGE_HEADERS } from './page.ts';
import { NewKey } from './schemas.ts';
import { groupView, keyView, nodeView, streamIdView, streamView } from './views.ts';

const DONE = { status: 'success' };
const bad = (reply: FastifyReply, message: string): FastifyReply => sendJson(reply, 400, errorAnswer(message));
const missing = (reply: FastifyReply, what: string): FastifyReply =>
  sendJson(reply, 404, errorAnswer(`${what} not found`));

const parameter = (request: FastifyRequest, name: 'id' | 'key'): string =>
  (request.params as Record<string, string>)[name] ?? '';

/** A page of what is sorted by `nameOf`; undefined where it has been answered. */
const paged = <T>(
  request: FastifyRequest,
  reply: FastifyReply,
  all: readonly T[],
  nameOf: (one: T) => string,
): { items: readonly T[]; next: string | null } | undefined => {
  const query = PageQuery.safeParse(request.query);
  if (!query.success) {
    bad(
      reply,
      `Invalid ${query.error.issues[0]?.path.join('.') || 'query'}: give limit from 1 to 500, and after from next`,
    );
    return undefined;
  }
  const { limit, after } = query.data;
  const byName = [...all].sort((a, b) => (nameOf(a) < nameOf(b) ? -1 : 1));
  const rest = after === undefined ? byName : byName.filter((one) => nameOf(one) > after);
  const items = rest.slice(0, limit);
  return { items, next: rest.length > limit ? nameOf(items.at(-1)!) : null };
};

type Handler = (request: FastifyRequest, reply: FastifyReply) => FastifyReply | Promise<FastifyReply>;

/** What each operation does; those that are not here have routes of their own. */
const handlersOf = (context: RouteContext): Readonly<Record<string, Handler>> => {
  const { deps, watch } = context;
  const { directory, store, keys, control, events, logger, snapshot, unixNow } = deps;
  const addresses = (request: FastifyRequest) => addressViewOf(keyOf(request, keys));
  /** The stream of the path, or it has been answered. */
  const stream = (request: FastifyRequest, reply: FastifyReply): string | undefined => {
    const id = publisherOf(deps, parameter(request, 'id'));
    if (id === undefined) missing(reply, 'Stream');
    return id;
  };
  const ofStream =
    (answer: (id: string, request: FastifyRequest, reply: FastifyReply) => object | undefined): Handler =>
    (request, reply) => {
      const id = stream(request, reply);
      if (id === undefined) return reply;
      const body = answer(id, request, reply);
      return body === undefined ? reply : sendJson(reply, 200, body);
    };
  const rows = (list: readonly Row[]) => list.map((row) => streamIdView(row, unixNow()));

  return {
    getNode: (_request, reply) => sendJson(reply, 200, nodeView(deps, watch)),
    listStreams: (request, reply) => {
      const { publishers, players } = snapshot();
      const ids = [...new Set([...publishers, ...players].map(({ publisherId }) => publisherId))];
      const page = paged(request, reply, ids, (id) => id);
      if (!page) return reply;
      const items = page.items.map((id) => streamView(id, deps, addresses(request)));
      return sendJson(reply, 200, { items, next: page.next });
    },
    getStream: ofStream((id, request) => streamView(id, deps, addresses(request))),
    getLinks: ofStream((id, request) => ({
      items: streamView(id, deps, addresses(request)).publishers.flatMap(({ links }) => links),
    })),
    getPlayers: ofStream((id, request) => ({ items: streamView(id, deps, addresses(request)).players })),
    getEvents: ofStream((id, request) => ({ items: shownEvents(events.of(id), addresses(request)) })),
    getHistory: ofStream((id, _request, reply) => {
      const history = deps.historyOf?.(id);
      if (!history) missing(reply, 'History');
      return history;
    }),
    disconnectPublisher: ofStream((id, request, reply) => {
      if (disconnectPublisher(context, request, id)) return DONE;
      missing(reply, 'Publisher');
      return undefined;
    }),
    disconnectPlayer: ofStream((id, request, reply) => {
      const key = parameter(request, 'key');
      if (!snapshot().players.some((one) => one.publisherId === id && one.key === key)) {
        missing(reply, 'Player');
        return undefined;
      }
      control.kickSocket(key);
      logger.info('players disconnected', { stream: publicStreamName(id), players: 1, key: actor(request, deps) });
      return DONE;
    }),
    listGroups: (request, reply) => {
      const page = paged(request, reply, snapshot().srtla.groups, ({ id }) => id);
      if (!page) return reply;
      const items = page.items.map((group) => groupView(group, deps, addresses(request)));
      return sendJson(reply, 200, { items, next: page.next });
    },
    listStreamIds: (request, reply) => {
      const page = paged(request, reply, directory.rows(), ({ player }) => player);
      return page ? sendJson(reply, 200, { items: rows(page.items), next: page.next }) : reply;
    },
    addStreamId: async (request, reply) => {
      const wanted = readNewRow(parseBody(request));
      if ('problem' in wanted) return bad(reply, wanted.problem);
      try {
        return sendJson(reply, 201, streamIdView(await addStreamId(context, request, wanted), unixNow()));
      } catch (error) {
        return refuseChange(reply, deps, error, 'row' in wanted ? wanted.row.player : '');
      }
    },
    changeStreamId: async (request, reply) => {
      const wanted = readRowChange(parseBody(request));
      if ('problem' in wanted) return bad(reply, wanted.problem);
      try {
        const changed = await store.update(parameter(request, 'id'), wanted.change);
        if (changed.length === 0) return missing(reply, 'Stream id');
        logger.info('stream id changed', {
          stream: publicStreamName(changed[0]!.publisher),
          key: actor(request, deps),
        });
        return sendJson(reply, 200, { items: rows(changed), next: null });
      } catch (error) {
        return refuseChange(reply, deps, error);
      }
    },
    deleteStreamId: async (request, reply) => {
      const asked = queryValue(request, 'mode') ?? 'soft';
      const mode = DELETE_MODES.find((known) => known === asked);
      if (!mode) return bad(reply, 'Invalid mode: give soft or revoke');
      try {
        const gone = await deleteStreamId(context, request, parameter(request, 'id'), mode);
        return gone.length === 0 ? missing(reply, 'Stream id') : sendJson(reply, 200, DONE);
      } catch (error) {
        return refuseChange(reply, deps, error);
      }
    },
    listKeys: (_request, reply) => sendJson(reply, 200, { items: keys.list().map(keyView) }),
    makeKey: async (request, reply) => {
      const body = NewKey.safeParse(parseBody(request));
      if (!body.success)
        return bad(
          reply,
          `Invalid ${body.error.issues[0]?.path.join('.') || 'JSON body'}: give a name of at most 200 characters, and admin, write or read`,
        );
      const { name = 'New API Key', permissions = 'read' } = body.data;
      try {
        return sendJson(reply, 201, { key: await makeKey(context, request, name, permissions) });
      } catch (error) {
        if (codeOf(error) === 'TRIBUTARY_KEY_LIMIT') return bad(reply, (error as TributaryError).line);
        logger.error('an API key was not stored', { error: messageOf(error) });
        return sendJson(reply, 500, errorAnswer('The key could not be stored'));
      }
    },
    revokeKey: async (request, reply) => {
      try {
        const gone = await keys.revoke(parameter(request, 'id'));
        if (!gone) return missing(reply, 'API key');
        logger.info('an API key was revoked', { revoked: gone.id, key: actor(request, deps) });
        return sendJson(reply, 200, DONE);
      } catch (error) {
        return codeOf(error) === 'TRIBUTARY_KEY_NEEDED'
          ? sendJson(reply, 409, errorAnswer((error as TributaryError).line))
          : refuseChange(reply, deps, error);
      }
    },
  };
};

/** The routes of `/v1` that its document tells of, but for the stream of events. */
export const v1Routes = (
  app: FastifyInstance,
  context: RouteContext,
  limits: { api: Hook; keys: Hook; open: Hook },
): void => {
  const may = guards(context.deps.keys);
  const guardOf: Readonly<Record<Exclude<Access, 'open'>, Hook>> = {
    read: may.any,
    write: may.writers,
    admin: may.admins,
  };
  const document = openApiDocument(context.deps.version);
  const page = apiPage(document);
  const handlers: Readonly<Record<string, Handler>> = {
    ...handlersOf(context),
    getDocument: (_request, reply) => sendJson(reply, 200, document),
    getPage: (_request, reply) => reply.headers(PAGE_HEADERS).send(page),
  };
  const limitOf = ({ access, part }: Operation): Hook =>
    access === 'open' ? limits.open : part === 'API keys' ? limits.keys : limits.api;
  app.get('/v1', { onRequest: limits.open }, async (_request, reply) => reply.redirect('/v1/', 308));
  for (const operation of OPERATIONS) {
    const handler = handlers[operation.id];
    if (!handler) continue;
    const { access } = operation;
    app.route({
      method: operation.method.toUpperCase() as 'GET',
      url: operation.path.replace(/\{(\w+)\}/g, ':$1'),
      onRequest: access === 'open' ? [limitOf(operation)] : [limitOf(operation), guardOf[access]],
      handler: async (request, reply) => handler(request, reply),
    });
  }
};
