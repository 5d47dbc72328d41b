import { z } from 'zod';
import type { Millis } from '../../shared/clock.ts';
import { messageOf } from '../../shared/errors.ts';
import { limitedText } from '../../shared/limited-text.ts';
import type { Fetch } from '../nodes/sls-client.ts';
import { DNS_TTL_SECONDS, DnsError, type DnsProvider, type HostAddresses } from './provider.ts';

const API = 'https://api.cloudflare.com/client/v4';
const CALL_MS: Millis = 5_000;
const MAX_ANSWER_BYTES = 1024 * 1024;
const PER_PAGE = 100;
const MAX_PAGES = 20;
/** Where it names no time with a 429: its limit is 1,200 requests in 5 minutes, which ends by itself. */
const PAUSE_MS: Millis = 30_000;
const MAX_PAUSE_MS: Millis = 600_000;
/** `record already exists`, in its three ways, and `record does not exist`: somebody else was faster, and a second look shows it. */
const STALE_CODES = new Set([81_053, 81_054, 81_057, 81_058, 81_044]);

const recordSchema = z.object({
  id: z.string(),
  name: z.string(),
  type: z.string(),
  content: z.string().optional(),
  ttl: z.number().optional(),
  proxied: z.boolean().optional(),
});
type DnsRecord = z.infer<typeof recordSchema>;
const answerSchema = z.object({
  success: z.boolean(),
  errors: z
    .array(z.object({ code: z.number(), message: z.string() }))
    .nullish()
    .transform((errors) => errors ?? []),
  result: z.unknown(),
  result_info: z.object({ total_pages: z.number().optional() }).nullish(),
});
type Answer = z.infer<typeof answerSchema>;

/** The zone has changed since it was looked at. */
class StaleError extends DnsError {}

/** Seconds, or a date. */
const retryAfterMs = (text: string | null, unixMs: Millis): Millis => {
  if (text === null) return PAUSE_MS;
  const ms = /^\d+$/.test(text.trim()) ? Number(text) * 1_000 : Date.parse(text) - unixMs;
  return Number.isFinite(ms) ? Math.min(Math.max(ms, 1_000), MAX_PAUSE_MS) : PAUSE_MS;
};

const parse = (text: string | undefined): Answer | undefined => {
  try {
    return text === undefined ? undefined : answerSchema.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined;
  }
};

/** What an answer means that is not a success. Its own words are kept, short: they name what is wrong, and hold no token. */
const errorOf = (status: number, answer: Answer | undefined, retryAfter: string | null, unixMs: Millis): DnsError => {
  const said = (answer?.errors ?? []).map(({ code, message }) => `${code} ${message.slice(0, 120)}`).join('; ');
  const text = `Cloudflare answers ${status}${said === '' ? '' : `: ${said}`}`;
  if (status === 429) return new DnsError('away', text, retryAfterMs(retryAfter, unixMs));
  // Pages of its edge (520 to 530 among them) are no JSON, and neither is what a proxy on the way says.
  if (status >= 500 || status === 408 || (!answer && status < 400)) return new DnsError('away', text);
  if (answer?.errors.some(({ code }) => STALE_CODES.has(code))) return new StaleError('refused', text);
  return new DnsError('refused', text);
};

/**
 * The DNS of Cloudflare (API v4), by a token that may edit the zone's DNS. Records are unproxied: its proxy takes no UDP.
 */
export class Cloudflare implements DnsProvider {
  readonly name = 'cloudflare';
  readonly #zoneUrl: string;
  readonly #token: string;
  readonly #fetch: Fetch;
  readonly #unixNow: () => Millis;

  constructor(access: { zoneId: string; token: string }, fetcher: Fetch, unixNow: () => Millis) {
    this.#zoneUrl = `${API}/zones/${encodeURIComponent(access.zoneId)}/dns_records`;
    this.#token = access.token;
    this.#fetch = fetcher;
    this.#unixNow = unixNow;
  }

  async set(hostName: string, addresses: HostAddresses, signal: AbortSignal): Promise<void> {
    for (let looks = 1; ; looks++) {
      try {
        await this.#setOnce(hostName, addresses, signal);
        return;
      } catch (error) {
        if (!(error instanceof StaleError) || looks >= 2) throw error;
      }
    }
  }

  async #setOnce(hostName: string, { a, aaaa }: HostAddresses, signal: AbortSignal): Promise<void> {
    const present = await this.#list(hostName, signal);
    const alias = present.find(({ type }) => type === 'CNAME');
    if (alias) throw new DnsError('refused', `${hostName} has a CNAME record, which no address can stand beside`);
    // What is added first is there when the other one goes.
    const wanted = [
      { type: 'A', content: a },
      { type: 'AAAA', content: aaaa },
    ].sort((one, other) => Number(one.content === undefined) - Number(other.content === undefined));
    for (const { type, content } of wanted)
      await this.#setType(
        hostName,
        type,
        content,
        present.filter((record) => record.type === type),
        signal,
      );
  }

  async #setType(
    name: string,
    type: string,
    content: string | undefined,
    present: readonly DnsRecord[],
    signal: AbortSignal,
  ): Promise<void> {
    if (content !== undefined) {
      const body = { type, name, content, ttl: DNS_TTL_SECONDS, proxied: false };
      const same = present.find((record) => record.content === content);
      const kept = same ?? present[0];
      if (!kept) await this.#call('POST', '', signal, body);
      else if (!same || kept.ttl !== DNS_TTL_SECONDS || kept.proxied !== false)
        await this.#call('PUT', `/${encodeURIComponent(kept.id)}`, signal, body);
      await this.#remove(
        present.filter((record) => record !== kept),
        signal,
      );
    } else await this.#remove(present, signal);
  }

  async #remove(records: readonly DnsRecord[], signal: AbortSignal): Promise<void> {
    for (const { id } of records) await this.#call('DELETE', `/${encodeURIComponent(id)}`, signal);
  }

  async #list(hostName: string, signal: AbortSignal): Promise<DnsRecord[]> {
    const found: DnsRecord[] = [];
    for (let page = 1; page <= MAX_PAGES; page++) {
      const query = new URLSearchParams({ name: hostName, page: String(page), per_page: String(PER_PAGE) });
      const answer = await this.#call('GET', `?${query}`, signal);
      const records = z.array(recordSchema).safeParse(answer.result).data;
      if (!records) throw new DnsError('away', 'Cloudflare answers with records that cannot be read');
      found.push(...records.filter(({ name }) => name.toLowerCase() === hostName.toLowerCase()));
      if (page >= (answer.result_info?.total_pages ?? 1)) break;
    }
    return found;
  }

  async #call(method: string, path: string, signal: AbortSignal, body?: object): Promise<Answer> {
    let response: Response;
    let text: string | undefined;
    try {
      response = await this.#fetch(`${this.#zoneUrl}${path}`, {
        method,
        headers: {
          authorization: `Bearer ${this.#token}`,
          ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        },
        // A redirection would take the token along.
        redirect: 'error',
        signal: AbortSignal.any([signal, AbortSignal.timeout(CALL_MS)]),
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      });
      text = await limitedText(response, MAX_ANSWER_BYTES);
    } catch (error) {
      throw new DnsError('away', `Cloudflare cannot be reached: ${messageOf(error)}`);
    }
    const answer = parse(text);
    if (response.ok && answer?.success) return answer;
    throw errorOf(response.status, answer, response.headers.get('retry-after'), this.#unixNow());
  }
}
