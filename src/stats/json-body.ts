import type { FastifyRequest } from 'fastify';

/** The body as a JSON object, or undefined where it is none. */
export const parseBody = (request: FastifyRequest): Readonly<Record<string, unknown>> | undefined => {
  if (typeof request.body !== 'string') return undefined;
  try {
    const value: unknown = JSON.parse(request.body);
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : undefined;
  } catch {
    return undefined;
  }
};
