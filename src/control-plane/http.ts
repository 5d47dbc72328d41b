import { randomUUID } from 'node:crypto';
import fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify';
import type { z } from 'zod';
import { messageOf } from '../shared/errors.ts';
import type { Logger } from '../shared/logger.ts';
import { ApiError, invalidRequest } from './api-error.ts';
import { DatabaseAwayError } from './database/database.ts';

/** Longest request body, bytes. */
export const MAX_BODY_BYTES = 2 ** 20;

export const sendJson = (reply: FastifyReply, status: number, body: object): FastifyReply =>
  reply
    .code(status)
    .headers({ 'content-type': 'application/json', 'cache-control': 'no-store' })
    .send(JSON.stringify(body));

export const sendError = (
  reply: FastifyReply,
  { status, code, message, reasonCode }: Pick<ApiError, 'status' | 'code' | 'message' | 'reasonCode'>,
): FastifyReply =>
  sendJson(reply, status, {
    error: {
      code,
      message,
      ...(reasonCode === undefined ? {} : { reason_code: reasonCode }),
      request_id: reply.request.id,
    },
  });

const SAFE_ID = /^[\w.-]{1,64}$/;

/** The error of whatever a route throws. What is nobody's fault but ours is logged; texts of clients are not. */
const problemOf = (error: unknown, route: string, logger: Logger): ApiError => {
  if (error instanceof ApiError) return error;
  if (error instanceof DatabaseAwayError) {
    logger.warn('the database does not answer', { route, error: messageOf(error.cause) });
    return new ApiError(503, 'database_unavailable', 'the database does not answer; try again');
  }
  const status = (error as { statusCode?: number }).statusCode ?? 500;
  if (status === 413) return new ApiError(413, 'request_too_large', 'the body is too long');
  if (status < 500) return invalidRequest('bad request');
  logger.error('request failed', { route, error: error instanceof Error ? (error.stack ?? error.message) : '' });
  return new ApiError(500, 'internal_error', 'internal error');
};

/** The fastify application that every route of the control plane is added to. Logs no URLs: tokens may be in them. */
export const createPlaneApp = (logger: Logger): FastifyInstance => {
  const fail = (error: unknown, route: string, reply: FastifyReply): void => {
    const problem = problemOf(error, route, logger);
    if (problem.status === 503) reply.header('retry-after', '2');
    if (problem.status === 413) reply.header('connection', 'close');
    sendError(reply, problem);
  };
  const app = fastify({
    bodyLimit: MAX_BODY_BYTES,
    routerOptions: { maxParamLength: 512 },
    genReqId: ({ headers: { 'x-request-id': given } }) =>
      typeof given === 'string' && SAFE_ID.test(given) ? given : randomUUID(),
    frameworkErrors: (error, _request, reply) => fail(error, 'unknown', reply as unknown as FastifyReply),
  });
  // Every body is read as text, whatever its declared type; routes parse what they want.
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('*', { parseAs: 'string' }, (_request, body, done) => done(null, body));
  app.setErrorHandler((error, request, reply) => fail(error, request.routeOptions.url ?? 'unknown', reply));
  app.setNotFoundHandler((_request, reply) => sendError(reply, new ApiError(404, 'not_found', 'no such path')));
  return app;
};

/**
 * The JSON body, checked. Unknown fields are ignored; an empty body is an empty object.
 * @throws ApiError 400
 */
export const bodyOf = <T extends z.ZodType>(request: FastifyRequest, schema: T): z.output<T> => {
  const { body } = request;
  let value: unknown = {};
  if (typeof body === 'string' && body.trim() !== '') {
    try {
      value = JSON.parse(body);
    } catch {
      throw invalidRequest('the body is no JSON');
    }
  }
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const issue = result.error.issues[0];
  throw invalidRequest(`${issue?.path.join('.') || 'body'}: ${issue?.message ?? 'not as it should be'}`);
};

/** The first value of a query parameter; an empty one is none. */
export const queryOf = (request: FastifyRequest, name: string): string | undefined => {
  const value = (request.query as Record<string, string | string[] | undefined>)[name];
  return (Array.isArray(value) ? value[0] : value) || undefined;
};

/** A parameter of the path. */
export const paramOf = (request: FastifyRequest, name: string): string =>
  (request.params as Record<string, string | undefined>)[name] ?? '';
