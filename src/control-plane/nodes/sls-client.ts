import { z } from 'zod';
import type { Millis } from '../../shared/clock.ts';
import { limitedText } from '../../shared/limited-text.ts';
import { linkReportSchema } from '../protocol.ts';

export type Fetch = (url: string, init: RequestInit) => Promise<Response>;

export interface SlsAccess {
  /** `http://host:8090`, without a slash at the end. */
  readonly apiUrl: string;
  readonly apiKey: string;
}

const rowsSchema = z.object({ data: z.array(z.object({ publisher: z.string(), player: z.string() })) });
const healthSchema = z.object({
  status: z.string().optional(),
  score: z.number().min(0).max(100).optional(),
  version: z.string().optional(),
});
const statsSchema = z.object({ publishers: z.record(z.string(), z.unknown()) });
/** Counters of old receivers may be fractions or too large: what does not fit is left out, not the whole answer. */
const groupsSchema = z.object({
  groups: z.array(z.object({ stream_id: z.string().optional(), connections: z.array(z.unknown()).optional() })),
});

export type SlsStream = z.infer<typeof rowsSchema>['data'][number];

/** The node was reached and said no, or not as SLS would. */
export class SlsAnswerError extends Error {
  readonly status: number;

  constructor(status: number, what: string) {
    super(`${what}: status ${status}`);
    this.name = 'SlsAnswerError';
    this.status = status;
  }
}

const PROBE_MS: Millis = 3_000;
const CALL_MS: Millis = 5_000;
/** 20,000 stream ids, and some. */
const MAX_ANSWER_BYTES = 8 * 1024 * 1024;
/** Where per-link statistics are served, beside the API. */
const LINKS_PORT = '5080';

/** The API of SLS on port 8090, as any node of the old stack, or a Tributary node, speaks it. */
export class SlsClient {
  readonly #access: SlsAccess;
  readonly #fetch: Fetch;

  constructor(access: SlsAccess, fetcher: Fetch = fetch) {
    this.#access = access;
    this.#fetch = fetcher;
  }

  /** Its health score, 0 to 100; a node that has none is well when it answers. @throws whatever keeps it from answering */
  async health(): Promise<{ score: number; version: string | undefined }> {
    const { status, body } = await this.#call('GET', '/health', PROBE_MS);
    if (status < 200 || status > 299) throw new SlsAnswerError(status, 'GET /health');
    const { score = 100, version } = healthSchema.safeParse(body).data ?? {};
    return { score: Math.round(score), version };
  }

  async list(): Promise<SlsStream[]> {
    const { status, body } = await this.#call('GET', '/api/stream-ids', CALL_MS);
    const rows = rowsSchema.safeParse(body);
    if (status !== 200 || !rows.success) throw new SlsAnswerError(status, 'GET /api/stream-ids');
    return rows.data.data;
  }

  /** False: the player id exists already, perhaps with another publisher. */
  async add(publisher: string, player: string, description: string): Promise<boolean> {
    const { status } = await this.#call('POST', '/api/stream-ids', CALL_MS, { publisher, player, description });
    if (status === 200 || status === 201) return true;
    if (status === 409) return false;
    throw new SlsAnswerError(status, 'POST /api/stream-ids');
  }

  /** @param isRevoked where the node can: publisher and players are cut. An id that is not there is no error. */
  async remove(player: string, isRevoked: boolean): Promise<void> {
    const path = `/api/stream-ids/${encodeURIComponent(player)}${isRevoked ? '?mode=revoke' : ''}`;
    const { status } = await this.#call('DELETE', path, CALL_MS);
    if (status !== 404 && (status < 200 || status > 299)) throw new SlsAnswerError(status, 'DELETE /api/stream-ids');
  }

  /** Whether somebody publishes to the stream of this player id. */
  async isPublishing(player: string): Promise<boolean> {
    const { status, body } = await this.#call('GET', `/stats/${encodeURIComponent(player)}?legacy=1`, PROBE_MS);
    if (status === 404) return false;
    const stats = statsSchema.safeParse(body);
    if (status !== 200 || !stats.success) throw new SlsAnswerError(status, 'GET /stats');
    return Object.keys(stats.data.publishers).length > 0;
  }

  /** Links by publisher id. Groups without one belong to nobody that is known. */
  async links(): Promise<ReadonlyMap<string, z.infer<typeof linkReportSchema>[]>> {
    const url = new URL('/stats', this.#access.apiUrl);
    url.port = LINKS_PORT;
    const { status, body } = await this.#call('GET', url.href, PROBE_MS);
    const parsed = groupsSchema.safeParse(body);
    if (status !== 200 || !parsed.success) throw new SlsAnswerError(status, 'GET :5080/stats');
    const links = new Map<string, z.infer<typeof linkReportSchema>[]>();
    for (const { stream_id, connections = [] } of parsed.data.groups)
      if (stream_id)
        links.set(
          stream_id,
          connections.flatMap((link) => linkReportSchema.safeParse(link).data ?? []),
        );
    return links;
  }

  async #call(
    method: string,
    path: string,
    timeoutMs: Millis,
    body?: object,
  ): Promise<{ status: number; body: unknown }> {
    const response = await this.#fetch(path.startsWith('/') ? `${this.#access.apiUrl}${path}` : path, {
      method,
      headers: {
        authorization: `Bearer ${this.#access.apiKey}`,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      redirect: 'error',
      signal: AbortSignal.timeout(timeoutMs),
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await limitedText(response, MAX_ANSWER_BYTES);
    if (text === undefined) throw new SlsAnswerError(response.status, `${method} answers too much`);
    try {
      return { status: response.status, body: JSON.parse(text) };
    } catch {
      return { status: response.status, body: undefined };
    }
  }
}
