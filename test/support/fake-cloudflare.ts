import { randomBytes } from 'node:crypto';

export interface FakeRecord {
  id: string;
  type: string;
  name: string;
  content: string;
  ttl: number;
  proxied: boolean;
}

/** What the next request meets instead of an answer to it. */
export type Mishap = () => Response | Promise<Response>;

const json = (status: number, body: object, headers: Record<string, string> = {}): Response =>
  new Response(JSON.stringify(body), { status, headers: { 'content-type': 'application/json', ...headers } });

const refusal = (status: number, code: number, message: string, headers?: Record<string, string>): Response =>
  json(status, { success: false, errors: [{ code, message }], messages: [], result: null }, headers);

/** Ways in which Cloudflare's API fails, as it documents them, and in which the way to it does. */
export const MISHAPS = {
  'too many requests, with seconds': () => refusal(429, 10_100, 'too many requests', { 'retry-after': '7' }),
  'too many requests, without a time': () => refusal(429, 971, 'you have been rate limited'),
  'an internal error': () => refusal(500, 10_000, 'internal server error'),
  'a page of its edge': () => new Response('<html>error code: 521</html>', { status: 521 }),
  'a gateway that gives up': () => new Response('', { status: 504 }),
  'a success that is none': () => refusal(200, 1_000, 'something went wrong'),
  'no JSON': () => new Response('<html>captive portal</html>', { status: 200 }),
  'JSON of something else': () => json(200, { hello: 'world' }),
  'an answer without an end': () => json(200, { success: true, errors: [], result: 'x'.repeat(2 * 1024 * 1024) }),
  'a connection that breaks': () => Promise.reject(new TypeError('fetch failed')),
  'no answer in time': () =>
    Promise.reject(new DOMException('The operation was aborted due to timeout', 'TimeoutError')),
  'a token that is wrong': () => refusal(401, 10_000, 'Authentication error'),
  'a token that may not': () => refusal(403, 9_109, 'Unauthorized to access requested resource'),
  'a header that is wrong': () => refusal(400, 6_003, 'Invalid request headers'),
  'a zone that is not there': () =>
    refusal(404, 7_003, 'Could not route to /zones/…, perhaps your object identifier is invalid?'),
  'a content that is wrong': () => refusal(400, 9_005, 'Content for A record is invalid. Must be a valid IPv4 address'),
  'too many records': () => refusal(400, 81_045, 'Record quota exceeded'),
} satisfies Record<string, Mishap>;

/** Cloudflare's DNS of one zone, as far as a client of ours speaks to it. */
export class FakeCloudflare {
  readonly zoneId = '0123456789abcdef0123456789abcdef';
  readonly token = 'cloudflare-token-of-the-tests';
  records: FakeRecord[] = [];
  readonly requests: string[] = [];
  /** The next requests meet these, one each. */
  mishaps: Mishap[] = [];
  /** Every request meets this one. */
  always: Mishap | undefined;
  /** Runs before a request that writes. */
  beforeWrite: (() => void) | undefined;
  perPage = 100;

  add(name: string, content: string, type = 'A', more: Partial<FakeRecord> = {}): FakeRecord {
    const record = { id: randomBytes(16).toString('hex'), type, name, content, ttl: 60, proxied: false, ...more };
    this.records.push(record);
    return record;
  }

  /** `A 192.0.2.1` … of a name. */
  of(name: string): string[] {
    return this.records
      .filter((record) => record.name === name)
      .map(({ type, content }) => `${type} ${content}`)
      .sort();
  }

  fetch = async (address: string, init: RequestInit): Promise<Response> => {
    const url = new URL(address);
    const method = init.method ?? 'GET';
    const base = `/client/v4/zones/${this.zoneId}/dns_records`;
    if (url.origin !== 'https://api.cloudflare.com') throw new TypeError(`fetch failed: ${url.origin}`);
    this.requests.push(`${method} ${url.pathname.slice(base.length)}`);
    const mishap = this.always ?? this.mishaps.shift();
    if (mishap) return mishap();
    const headers = new Headers(init.headers);
    if (headers.get('authorization') !== `Bearer ${this.token}`) return MISHAPS['a token that is wrong']();
    if (!url.pathname.startsWith(base)) return MISHAPS['a zone that is not there']();
    if (method === 'GET') return this.#list(url.searchParams);
    this.beforeWrite?.();
    return this.#write(method, url.pathname.slice(base.length + 1), init.body);
  };

  #list(query: URLSearchParams): Response {
    const name = query.get('name');
    const page = Number(query.get('page') ?? 1);
    const found = this.records.filter((record) => name === null || record.name === name);
    const result = found.slice((page - 1) * this.perPage, page * this.perPage);
    const result_info = { page, per_page: this.perPage, total_pages: Math.ceil(found.length / this.perPage) };
    return json(200, { success: true, errors: [], messages: [], result, result_info });
  }

  #write(method: string, id: string, body: unknown): Response {
    const known = this.records.find((record) => record.id === id);
    if (method !== 'POST' && !known) return refusal(404, 81_044, 'Record does not exist.');
    if (method === 'DELETE') {
      this.records = this.records.filter((record) => record !== known);
      return json(200, { success: true, errors: [], result: { id } });
    }
    const { type, name, content, ttl, proxied } = JSON.parse(String(body)) as FakeRecord;
    const others = this.records.filter((record) => record !== known && record.name === name);
    if (others.some((record) => record.type === 'CNAME'))
      return refusal(400, 81_053, 'An A, AAAA, or CNAME record with that host already exists.');
    if (others.some((record) => record.type === type && record.content === content))
      return refusal(400, 81_058, 'An identical record already exists.');
    const values = { type, name, content, ttl, proxied };
    if (known) Object.assign(known, values);
    return json(200, { success: true, errors: [], result: known ?? this.add(name, content, type, values) });
  }
}
