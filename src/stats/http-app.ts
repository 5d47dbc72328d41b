import fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify';
import { messageOf } from '../shared/errors.ts';
import type { Logger } from '../shared/logger.ts';
import { errorAnswer } from './compat-sls.ts';

/** Longest request body, bytes. */
export const MAX_BODY_BYTES = 64 * 1024;

export interface HttpAppOptions {
  logger: Logger;
  /** What an unknown path gets. */
  notFound: (reply: FastifyReply) => FastifyReply;
  /** Headers of every answer that is not `notFound`. */
  headers?: Readonly<Record<string, string>>;
}

/** Sends compact JSON. `Content-Type` is without a charset, as the readers of these pages know it. */
export const sendJson = (reply: FastifyReply, status: number, body: object): FastifyReply =>
  reply
    .code(status)
    .headers({ 'content-type': 'application/json', 'cache-control': 'no-store' })
    .send(Buffer.from(JSON.stringify(body)));

/** The first value of a query parameter. */
export const queryValue = (request: FastifyRequest, name: string): string | undefined => {
  const value = (request.query as Record<string, string | string[] | undefined>)[name];
  return Array.isArray(value) ? value[0] : value;
};

/** The rest of the path behind a route's `*`, percent-decoded, slashes included. */
export const pathRest = (request: FastifyRequest): string => (request.params as { '*': string })['*'];

/** A fastify application that both HTTP servers of a node begin with. Logs no URLs: ids are in them. */
export const createHttpApp = ({ logger, notFound, headers = {} }: HttpAppOptions): FastifyInstance => {
  const fail = (error: unknown, route: string, reply: FastifyReply): void => {
    const status = (error as { statusCode?: number }).statusCode ?? 500;
    reply.headers(headers);
    if (status === 413)
      sendJson(reply, 413, errorAnswer(`Request body too large (limit ${MAX_BODY_BYTES} bytes)`)).header(
        'connection',
        'close',
      );
    else if (status < 500) sendJson(reply, status, errorAnswer('Bad request'));
    else {
      logger.error('request failed', { route, error: messageOf(error) });
      sendJson(reply, 500, errorAnswer('Internal error'));
    }
  };
  const app = fastify({
    bodyLimit: MAX_BODY_BYTES,
    routerOptions: { maxParamLength: 4_096 },
    frameworkErrors: (error, _request, reply) => fail(error, 'unknown', reply as unknown as FastifyReply),
  });
  // Every body is read as text, whatever its declared type: clients of SLS send JSON under any.
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('*', { parseAs: 'string' }, (_request, body, done) => done(null, body));
  app.setErrorHandler((error, request, reply) => fail(error, request.routeOptions.url ?? 'unknown', reply));
  app.setNotFoundHandler((_request, reply) => notFound(reply));
  return app;
};
