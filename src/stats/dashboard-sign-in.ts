import { createHash } from 'node:crypto';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { actAs, type Hook } from './access.ts';
import { errorAnswer, successAnswer } from './compat-sls.ts';
import type { DashboardDeps } from './dashboard-deps.ts';
import { DashboardSessions } from './dashboard-sessions.ts';
import type { SessionView } from './dashboard-types.ts';
import { sendJson } from './http-app.ts';
import { parseBody } from './json-body.ts';
import type { ApiKey } from './key-store.ts';
import { isEncrypted, SESSION_COOKIE } from './plain-http-warning.ts';
import { type RouteContext, refuseKeyless } from './routes/context.ts';

/** The browser's memory of a session; the node ends it by itself much earlier, unless it is used. */
const COOKIE_S = 30 * 86_400;

/** Of one that is sent over TLS alone: a page without it could not put its own in that place. */
const SECURE = '_s';

const SAFE = new Set(['GET', 'HEAD', 'OPTIONS']);

const hostOf = (origin: string): string | undefined => {
  try {
    return new URL(origin).host;
  } catch {
    return undefined;
  }
};

/**
 * Refuses what another site's page sends. Browsers say of every such request where it comes from; over plain HTTP they leave
 * `Sec-Fetch-Site` out, and `Origin` is there.
 */
export const sameOriginOnly: Hook = async (request, reply) => {
  if (SAFE.has(request.method)) return undefined;
  const { origin, host } = request.headers;
  const site = request.headers['sec-fetch-site'];
  const isSame =
    site === undefined ? origin !== undefined && host !== undefined && hostOf(origin) === host : site === 'same-origin';
  return isSame ? undefined : sendJson(reply, 403, errorAnswer('Only the pages of this node may do this'));
};

/** Signing in with an API key, for a cookie that scripts cannot read and other sites cannot use. */
export class SignIn {
  readonly sessions: DashboardSessions;
  readonly #deps: DashboardDeps;
  readonly #context: RouteContext;
  /** Cookies are shared by all ports of a host: nodes beside each other must not sign each other out. */
  readonly #cookie: string;

  constructor(deps: DashboardDeps, context: RouteContext) {
    this.#deps = deps;
    this.#context = context;
    this.sessions = new DashboardSessions(deps.keys);
    const node = createHash('sha256').update(deps.settings.dataDir).digest('hex').slice(0, 8);
    this.#cookie = `${SESSION_COOKIE}${node}`;
  }

  tokenOf({ cookies }: FastifyRequest): string | undefined {
    return cookies[`${this.#cookie}${SECURE}`] ?? cookies[this.#cookie];
  }

  keyOf(request: FastifyRequest): ApiKey | undefined {
    return this.sessions.keyOf(this.tokenOf(request), this.#deps.clock());
  }

  /** Whether there still is a session; what lasts longer than a request asks now and then, and counts as use. */
  isOpen(token: string | undefined): boolean {
    return this.sessions.keyOf(token, this.#deps.clock()) !== undefined;
  }

  /** Lets a request pass that belongs to a session: it has the rights of the session's key, and no others. */
  readonly required: Hook = async (request, reply) => {
    delete request.headers.authorization;
    const key = this.keyOf(request);
    if (!key) return refuseKeyless(this.#context, request, reply, 'Sign in first');
    actAs(request, key);
    return undefined;
  };

  routes(app: FastifyInstance): void {
    app.get('/session', async (request, reply) => sendJson(reply, 200, this.#view(this.keyOf(request))));
    app.post('/session', async (request, reply) => this.#open(request, reply));
    app.delete('/session', async (request, reply) => {
      const token = this.tokenOf(request);
      if (token !== undefined) this.sessions.close(token);
      for (const name of [this.#cookie, `${this.#cookie}${SECURE}`]) reply.clearCookie(name, { path: '/' });
      return sendJson(reply, 200, successAnswer('Signed out'));
    });
  }

  #open(request: FastifyRequest, reply: FastifyReply): FastifyReply {
    const { keys, clock, logger } = this.#deps;
    const given = parseBody(request)?.key;
    // Counted before the key is looked at: a right guess behind too many wrong ones must look like them.
    const isSpent = this.#context.keyless.isSpent(this.#context.callers.addressOf(request), clock());
    const key = typeof given === 'string' && !isSpent ? keys.verify(given.trim()) : undefined;
    if (!key) return refuseKeyless(this.#context, request, reply, 'This is no key of this node');
    const before = this.tokenOf(request);
    if (before !== undefined) this.sessions.close(before);
    const token = this.sessions.open(key, clock());
    const secure = isEncrypted(request.raw) || request.headers['x-forwarded-proto'] === 'https';
    reply.setCookie(secure ? `${this.#cookie}${SECURE}` : this.#cookie, token, {
      path: '/',
      httpOnly: true,
      sameSite: 'strict',
      secure,
      maxAge: COOKIE_S,
    });
    logger.info('signed in to the dashboard', { key: key.id });
    return sendJson(reply, 200, this.#view(key));
  }

  #view(key: ApiKey | undefined): SessionView {
    if (!key) return { signedIn: false };
    const { version, publicHost, carriers } = this.#deps;
    const attributions = [...new Set(carriers.databases.map(({ attribution }) => attribution))];
    return { signedIn: true, permissions: key.permissions, version, node: publicHost, attributions };
  }
}
