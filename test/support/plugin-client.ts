import { randomUUID } from 'node:crypto';

export interface PluginAnswer {
  readonly status: number;
  /** Undefined where there is none, or no JSON. */
  // biome-ignore lint/suspicious/noExplicitAny: answers have many shapes, and tests look at what they expect
  readonly body: any;
}

export interface PluginSession {
  readonly session_id: string;
  readonly status: string;
  readonly region: string;
  readonly provision_step?: string;
  readonly instance_id?: string;
  readonly connection_id?: string;
  readonly relay: { readonly public_ip: string; readonly srt_port: number; readonly relay_hostname?: string };
  readonly credentials: { readonly stream_token: string };
  readonly sender_url: string;
  readonly media_source_url: string;
}

const HEADERS = { 'user-agent': 'Telemy/0.0.5' };
const CLIENT_HEADERS = { 'x-telemy-client-version': '0.0.5', 'x-telemy-client-platform': 'windows' };

/** Speaks to a control plane as the OBS plugin does (spec/telemy.md §3): its paths, headers and bodies, and what it makes of answers. */
export class PluginClient {
  readonly #base: string;
  access = '';
  refreshToken = '';

  /** @param base without a slash at its end */
  constructor(base: string) {
    this.#base = base;
  }

  async call(method: string, path: string, body?: object, headers: Record<string, string> = {}): Promise<PluginAnswer> {
    const response = await fetch(`${this.#base}/api/v1${path}`, {
      method,
      headers: {
        ...HEADERS,
        ...(this.access === '' ? {} : { authorization: `Bearer ${this.access}` }),
        ...(body ? { 'content-type': 'application/json' } : {}),
        ...headers,
      },
      ...(body ? { body: JSON.stringify(body) } : {}),
    });
    const text = await response.text();
    let json: unknown;
    try {
      json = text === '' ? undefined : JSON.parse(text);
    } catch {
      json = undefined;
    }
    return { status: response.status, body: json };
  }

  /** Start, the approval that `approve` gives in a browser, polls. @returns the answer of the poll that was not `pending` */
  async login(approve: (authorizeUrl: string) => Promise<void>): Promise<PluginAnswer> {
    const client = { platform: 'windows', plugin_version: '0.0.5', device_name: 'Studio PC' };
    const start = await this.call('POST', '/auth/plugin/login/start', { client }, CLIENT_HEADERS);
    if (start.status !== 201) return start;
    const { login_attempt_id, poll_token, authorize_url } = start.body;
    if (!String(authorize_url).startsWith('https://')) throw new Error(`the plugin refuses ${authorize_url}`);
    const poll = (): Promise<PluginAnswer> =>
      this.call('POST', '/auth/plugin/login/poll', { login_attempt_id, poll_token }, CLIENT_HEADERS);
    const pending = await poll();
    if (pending.status !== 202) return pending;
    await approve(authorize_url);
    const answer = await poll();
    if (answer.status === 200) this.#keep(answer);
    return answer;
  }

  async refresh(): Promise<PluginAnswer> {
    const answer = await this.call('POST', '/auth/refresh', { refresh_token: this.refreshToken }, CLIENT_HEADERS);
    if (answer.status === 200) this.#keep(answer);
    return answer;
  }

  session(): Promise<PluginAnswer> {
    return this.call('GET', '/auth/session', undefined, CLIENT_HEADERS);
  }

  start(connection: string, streamToken: string, region = 'us-central'): Promise<PluginAnswer> {
    return this.call(
      'POST',
      '/relay/start',
      {
        client_context: { obs_connected: true, mode: 'auto', requested_by: 'obs-plugin' },
        region_preference: region,
        connection_id: connection,
        stream_token: streamToken,
      },
      { 'idempotency-key': randomUUID() },
    );
  }

  active(connection: string): Promise<PluginAnswer> {
    return this.call('GET', `/relay/active?connection_id=${connection}`);
  }

  health({ session_id, instance_id = '' }: Pick<PluginSession, 'session_id' | 'instance_id'>): Promise<PluginAnswer> {
    return this.call('POST', '/relay/health', { session_id, instance_id });
  }

  stop(sessionId: string): Promise<PluginAnswer> {
    return this.call('POST', '/relay/stop', { session_id: sessionId });
  }

  #keep({ body }: PluginAnswer): void {
    this.access = body.auth.cp_access_jwt;
    this.refreshToken = body.auth.refresh_token;
  }
}

/** Everything behind `?streamid=`, as the plugin takes it. */
export const streamIdOf = (url: string): string => url.split('?streamid=')[1] ?? '';

/** A whole number within int32; anything else becomes 0 (Qt's `toInt(0)`). */
export const qtInt = (value: unknown): number =>
  typeof value === 'number' && Number.isInteger(value) && Math.abs(value) <= 2_147_483_647 ? value : 0;

/** Keeps cookies, and sends forms with the hidden fields of the page that it shows: a browser without scripts. */
export class PageClient {
  readonly #base: string;
  readonly #cookies = new Map<string, string>();
  page = '';

  constructor(base: string) {
    this.#base = base;
  }

  open(path: string): Promise<number> {
    return this.#send('GET', path);
  }

  send(path: string, fields: Readonly<Record<string, string>> = {}): Promise<number> {
    const csrf = /name="csrf" value="([^"]+)"/.exec(this.page)?.[1] ?? '';
    return this.#send('POST', path, new URLSearchParams({ csrf, ...fields }).toString());
  }

  async #send(method: string, path: string, body?: string): Promise<number> {
    const response = await fetch(`${this.#base}${path}`, {
      method,
      redirect: 'manual',
      headers: {
        cookie: [...this.#cookies].map(([name, value]) => `${name}=${value}`).join('; '),
        ...(body === undefined ? {} : { 'content-type': 'application/x-www-form-urlencoded' }),
      },
      ...(body === undefined ? {} : { body }),
    });
    for (const cookie of response.headers.getSetCookie()) {
      const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(cookie) ?? [];
      if (value === '') this.#cookies.delete(name);
      else this.#cookies.set(name, value);
    }
    const text = await response.text();
    if ((response.headers.get('content-type') ?? '').startsWith('text/html')) this.page = text;
    return response.status;
  }
}
