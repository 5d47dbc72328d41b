import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { messageOf, TributaryError } from '../../shared/errors.ts';
import { RequestBudget } from '../../stats/request-budget.ts';
import type { AccountsContext } from '../accounts/context.ts';
import { isRightCsrf, type WebSession } from '../accounts/web-sessions.ts';
import { ApiError } from '../api-error.ts';
import { DatabaseAwayError } from '../database/database.ts';
import { type Html, html } from './html.ts';
import { type PageOptions, page, STYLE_PATH } from './layout.ts';
import { STYLE } from './style.ts';

/** Longest form, bytes. */
const MAX_FORM_BYTES = 16 * 1_024;

/** Nothing but the style sheet and forms that come back here: what got into a page by mistake would not run. */
const HEADERS = {
  'content-security-policy':
    "default-src 'none'; style-src 'self'; img-src 'self' data:; form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
  // Links hold tokens; the origin of our own forms is still wanted.
  'referrer-policy': 'same-origin',
  'cross-origin-opener-policy': 'same-origin',
  'permissions-policy': 'camera=(), microphone=(), geolocation=()',
  'cache-control': 'no-store',
};

/** One request for a page. */
export interface Visit {
  readonly request: FastifyRequest;
  readonly reply: FastifyReply;
  readonly session: WebSession | undefined;
  /** For the forms of this page. */
  readonly csrf: string;
  readonly form: URLSearchParams;
  readonly address: string;
  param(name: string): string;
  query(name: string): string | undefined;
  /** Of a form; empty where it is missing. */
  field(name: string): string;
}

/** A visit of somebody who is signed in. */
export interface SignedIn extends Visit {
  readonly session: WebSession;
}

/** What a route answers: a page, or where to go on. */
export type Answer = Html | { readonly to: string; readonly cookie?: string };

const isHtml = (answer: Answer): answer is Html => !('to' in answer);

/** The page of a failure, in words for a person. */
const problemPage = (status: number, text: string, options: Partial<PageOptions> = {}): Html =>
  page(
    { title: TITLES[status] ?? 'That did not work', narrow: true, ...options },
    html`<p class="card notice bad" role="alert">${text}</p><p><a href="/">Go to the start</a></p>`,
  );

const TITLES: Readonly<Record<number, string>> = {
  403: 'Not allowed',
  404: 'Not found',
  410: 'Too late',
  429: 'Too many tries',
  503: 'Out of order',
};

/** A local path to go on to after signing in; anything else is the start page. */
export const safeNext = (next: string | undefined): string =>
  next !== undefined && next.length <= 200 && /^\/(?:[\w-]+(?:\/[\w-]+)*)?$/.test(next) ? next : '/';

/** Server-rendered pages: who may see which, forms that no other site can send, headers, failures as pages. */
export class Site {
  readonly #app: FastifyInstance;
  readonly #context: AccountsContext;

  /** @param app a scope of its own: parsers and handlers of failures are set on it */
  constructor(app: FastifyInstance, context: AccountsContext) {
    this.#app = app;
    this.#context = context;
    app.removeAllContentTypeParsers();
    app.addContentTypeParser(
      'application/x-www-form-urlencoded',
      { parseAs: 'string', bodyLimit: MAX_FORM_BYTES },
      (_request, body, done) => done(null, new URLSearchParams(body as string)),
    );
    app.addHook('onRequest', async (_request, reply) => void reply.headers(HEADERS));
    app.setErrorHandler((error, request, reply) => this.#fail(error, request, reply));
    app.get(STYLE_PATH, (_request, reply) =>
      reply
        .headers({ 'content-type': 'text/css; charset=utf-8', 'cache-control': 'public, max-age=31536000, immutable' })
        .send(STYLE),
    );
  }

  /** A page that everybody may see. */
  open(path: string, show: (visit: Visit) => Promise<Answer>): void {
    this.#app.get(path, async (request, reply) => {
      const visit = await this.#visit(request, reply);
      return this.#send(reply, await show(visit));
    });
  }

  /** A form that everybody may send. */
  openForm(path: string, take: (visit: Visit) => Promise<Answer>): void {
    this.#app.post(path, async (request, reply) => {
      const visit = await this.#visit(request, reply);
      this.#checkForm(visit);
      return this.#send(reply, await take(visit));
    });
  }

  /** A page for who is signed in; others are asked to, and come back. */
  page(path: string, who: 'user' | 'admin', show: (visit: SignedIn) => Promise<Answer>): void {
    this.open(path, async (visit) => {
      const { session, request } = visit;
      if (!session) return { to: `/sign-in?next=${encodeURIComponent(request.url.split('?')[0]!)}` };
      return show(this.#checkAdmin({ ...visit, session }, who));
    });
  }

  /** A form for who is signed in. */
  form(path: string, who: 'user' | 'admin', take: (visit: SignedIn) => Promise<Answer>): void {
    this.openForm(path, async (visit) => {
      if (!visit.session) throw new ApiError(403, 'unauthorized', 'You are signed out. Sign in and try again.');
      return take(this.#checkAdmin({ ...visit, session: visit.session }, who));
    });
  }

  async #visit(request: FastifyRequest, reply: FastifyReply): Promise<Visit> {
    const { webSessions, addressOf } = this.#context;
    const session = await webSessions.of(request);
    const visitor = session ? undefined : webSessions.visitor(request);
    const cookie = session ? await webSessions.renew(request, session) : visitor?.cookie;
    if (cookie !== undefined) reply.header('set-cookie', cookie);
    const form = request.body instanceof URLSearchParams ? request.body : new URLSearchParams();
    const query = new URLSearchParams(request.url.split('?')[1] ?? '');
    return {
      request,
      reply,
      session,
      csrf: session?.csrf ?? visitor?.csrf ?? '',
      form,
      address: addressOf(request),
      param: (name) => (request.params as Record<string, string | undefined>)[name] ?? '',
      query: (name) => query.get(name) || undefined,
      field: (name) => form.get(name) ?? '',
    };
  }

  #checkForm({ request: { headers }, form, csrf }: Visit): void {
    const site = headers['sec-fetch-site'];
    const isForeign = site !== undefined && site !== 'same-origin' && site !== 'none';
    if (isForeign || !isRightCsrf(form.get('csrf'), csrf))
      throw new ApiError(403, 'csrf', 'This form is out of date. Go back, load the page again and repeat it.');
  }

  #checkAdmin(visit: SignedIn, who: 'user' | 'admin'): SignedIn {
    if (who === 'admin' && !visit.session.user.isAdmin)
      throw new ApiError(403, 'forbidden', 'This page is for administrators.');
    return visit;
  }

  #send(reply: FastifyReply, answer: Answer): FastifyReply {
    if (isHtml(answer)) return reply.type('text/html; charset=utf-8').send(answer.text);
    if (answer.cookie !== undefined) reply.header('set-cookie', answer.cookie);
    return reply.code(303).header('location', answer.to).send();
  }

  async #fail(error: unknown, request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
    const { logger, clock } = this.#context;
    const [status, text] = problemOf(error);
    if (status === 500)
      logger.error('page failed', { route: request.routeOptions.url ?? 'unknown', error: messageOf(error) });
    if (status === 429) reply.header('retry-after', RequestBudget.retryAfterS(clock()));
    if (status === 413) reply.header('connection', 'close');
    return this.#send(reply.code(status), problemPage(status, text));
  }
}

const problemOf = (error: unknown): [status: number, text: string] => {
  if (error instanceof ApiError) return [error.status, error.message];
  if (error instanceof DatabaseAwayError) return [503, 'The database does not answer. Try again in a moment.'];
  if (error instanceof TributaryError && error.code === 'TRIBUTARY_BUSY')
    return [503, 'Too many people are signing in at this moment. Try again in a minute.'];
  const status = (error as { statusCode?: number } | null)?.statusCode ?? 500;
  if (status === 413) return [413, 'The form is too long.'];
  return status < 500 ? [status, 'The request cannot be understood.'] : [500, 'Something went wrong on our side.'];
};

/** Does what a form wants; what a person can mend is shown on the page again, anything else is thrown on. */
export const orShowAgain = async (
  { reply }: Visit,
  work: () => Promise<Answer>,
  again: (fault: string) => Answer | Promise<Answer>,
): Promise<Answer> => {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof ApiError) || ![400, 403, 409, 429].includes(error.status)) throw error;
    reply.code(error.status);
    return again(error.message);
  }
};
