import type { Readable } from 'node:stream';
import type { FastifyInstance } from 'fastify';
import type { Millis } from '../shared/clock.ts';
import { messageOf } from '../shared/errors.ts';
import { publicStreamName } from '../shared/redact.ts';
import { guards } from './access.ts';
import { errorAnswer } from './compat-sls.ts';
import type { DashboardDeps } from './dashboard-deps.ts';
import type { SignIn } from './dashboard-sign-in.ts';
import type { DashboardState } from './dashboard-state.ts';
import { sendJson } from './http-app.ts';
import { actor } from './routes/context.ts';
import { revealsPublisher } from './stream-urls.ts';

/** A stream as a player gets it. */
export interface PreviewSource {
  /**
   * Connects as a player on this player id.
   * @returns MPEG-TS from a clean point on, to be destroyed by its reader; undefined where there are viewers enough
   * @throws TributaryError TRIBUTARY_SRT_CONNECT_FAILED
   */
  open(player: { readonly player: string; readonly passphrase?: string }): Promise<Readable | undefined>;
  close(): void;
}

/** How often a viewer's right to watch is looked at. */
const RIGHTS_EVERY_MS: Millis = 1_000;

/** `GET /preview/{name}`: the stream as it is, for the player in the page. */
export const previewRoutes = (
  app: FastifyInstance,
  deps: DashboardDeps,
  state: DashboardState,
  signIn: SignIn,
): void => {
  const { preview, directory, keys, logger } = deps;
  if (!preview) return;
  app.get('/preview/:name', { onRequest: guards(keys).any }, async (request, reply) => {
    const { name = '' } = request.params as { name?: string };
    const publisherId = state.index.named(name);
    const rows = publisherId === undefined ? [] : directory.listedOf(publisherId);
    const row = rows.find((one) => !revealsPublisher(one)) ?? rows[0];
    if (publisherId === undefined || !row) return sendJson(reply, 404, errorAnswer('There is no such stream'));
    try {
      const media = await preview.open(row);
      if (!media) return sendJson(reply, 429, errorAnswer('Two others are watching already'));
      const stream = publicStreamName(publisherId);
      logger.info('preview begun', { stream, key: actor(request, deps) });
      const token = signIn.tokenOf(request);
      const rights = setInterval(() => signIn.isOpen(token) || reply.raw.destroy(), RIGHTS_EVERY_MS).unref();
      const end = (): void => {
        clearInterval(rights);
        media.destroy();
      };
      // Who has left while the player was connecting has closed already.
      if (reply.raw.destroyed) end();
      else reply.raw.once('close', end);
      return reply.headers({ 'content-type': 'video/mp2t', 'cache-control': 'no-store' }).send(media);
    } catch (error) {
      logger.warn('preview not possible', { error: messageOf(error) });
      return sendJson(reply, 502, errorAnswer('The stream cannot be played now'));
    }
  });
};
