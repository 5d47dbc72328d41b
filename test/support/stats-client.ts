import type { InjectOptions } from 'fastify';
import { createStatsServer } from '../../src/stats/stats-server.ts';
import { statsDeps } from './stats-deps.ts';

/** What SLS sends with every handled answer. */
export const CORS = {
  'access-control-allow-origin': '*',
  'access-control-allow-methods': 'GET, POST, DELETE, OPTIONS',
  'access-control-allow-headers': 'Content-Type, Authorization',
};
export const ROWS = [
  { publisher: 'live_a', player: 'play_a', description: 'first' },
  { publisher: 'live_b', player: 'play/bb' },
];

/** The server of port 8090 with `ROWS` in its directory, and a client that needs no socket. */
export const statsClient = async (env: Record<string, string> = {}) => {
  const deps = await statsDeps(ROWS, env);
  const { app, watch, reports } = createStatsServer(deps);
  const call = async (
    method: InjectOptions['method'],
    url: string,
    more: Omit<InjectOptions, 'method' | 'url'> = {},
  ) => {
    const answer = await app.inject({ method: method!, url, ...more });
    return { status: answer.statusCode, body: answer.body, headers: answer.headers };
  };
  const withKey = (key: string, body?: unknown): Omit<InjectOptions, 'method' | 'url'> => ({
    headers: { authorization: `Bearer ${key}` },
    ...(body === undefined ? {} : { payload: typeof body === 'string' ? body : JSON.stringify(body) }),
  });
  return { app, deps, call, withKey, watch, reports };
};
