import type { FastifyInstance, FastifyReply } from 'fastify';
import { pathRest } from '../http-app.ts';
import { SECURITY_HEADERS } from '../security-headers.ts';
import { type DocsLibrary, INDEX } from './library.ts';
import { framedPage } from './page.ts';
import { STYLE } from './style.ts';

/** Nothing runs in a page but, beside the dashboard, the script that knows the theme chosen there. */
const policy = (besideDashboard: boolean): string =>
  [
    "default-src 'none'",
    ...(besideDashboard ? ["script-src 'self'"] : []),
    "style-src 'self'",
    "img-src 'self' data:",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join('; ');

/** A picture of ours needs styles of its own where it is looked at by itself, and nothing else. */
const POLICY_OF_FILES = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'";

export interface DocsRoutes {
  library: DocsLibrary;
  /** Of Tributary. */
  version: string;
  besideDashboard: boolean;
}

/** `/docs` and what is below it, for everybody: the documentation of this very version. */
export const docsRoutes = (app: FastifyInstance, { library, version, besideDashboard }: DocsRoutes): void => {
  const ofPages = policy(besideDashboard);
  const send = (reply: FastifyReply, type: string, policyOfIt: string, body: string | Buffer): FastifyReply =>
    reply
      .headers({ ...SECURITY_HEADERS, 'content-security-policy': policyOfIt, 'cache-control': 'no-cache' })
      .type(type)
      .send(body);
  const sendPage = (reply: FastifyReply, name: string): FastifyReply => {
    const page = library.page(name);
    if (!page) return reply.callNotFound() as unknown as FastifyReply;
    const html = framedPage({ name, page, parts: library.parts, version, besideDashboard });
    return send(reply, 'text/html; charset=utf-8', ofPages, html);
  };

  app.get('/docs', async (_request, reply) => sendPage(reply, INDEX));
  app.get('/docs/style.css', async (_request, reply) => send(reply, 'text/css; charset=utf-8', ofPages, STYLE));
  app.get('/docs/*', async (request, reply) => {
    const name = pathRest(request);
    if (name === '' || name === INDEX) return reply.redirect('/docs', 301);
    const file = library.attachment(name);
    if (file) return send(reply, file.type, POLICY_OF_FILES, file.bytes);
    // Links of the repository, typed by hand.
    if (name.endsWith('.md') && library.page(name.slice(0, -3)))
      return reply.redirect(name === `${INDEX}.md` ? '/docs' : `/docs/${name.slice(0, -3)}`, 301);
    return sendPage(reply, name);
  });
};
