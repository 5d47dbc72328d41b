import type { FastifyInstance, LightMyRequestResponse } from 'fastify';
import { onTestFinished } from 'vitest';
import { loadSettings } from '../../src/config/resolve.ts';
import { accountsPart } from '../../src/control-plane/accounts/accounts.ts';
import { Passwords } from '../../src/control-plane/accounts/passwords.ts';
import type { ActiveSession, FleetNode, FleetSession } from '../../src/control-plane/accounts/relay-view.ts';
import type { Accounts, AccountsDeps } from '../../src/control-plane/accounts-part.ts';
import { notFound } from '../../src/control-plane/api-error.ts';
import { type Database, DatabaseAwayError } from '../../src/control-plane/database/database.ts';
import { migrate } from '../../src/control-plane/database/migrate.ts';
import { createPlaneApp } from '../../src/control-plane/http.ts';
import type { Revocation } from '../../src/control-plane/slots/slots.ts';
import { type Logger, silentLogger } from '../../src/shared/logger.ts';
import { peerAddress } from '../../src/stats/callers.ts';
import type { TestDatabase } from './databases.ts';

export const PASSWORD = 'correct horse battery';
/** What is logged as an error is a defect here, and shows with the test that caused it. */
const logger: Logger = { ...silentLogger, error: (message, fields) => console.error(message, fields) };
const CHEAP = { logN: 4, r: 1, p: 1 };

/** What a test has in its hands: users, logins and slots on an empty database, with nodes and sessions that it makes up. */
export interface TestAccounts {
  readonly app: FastifyInstance;
  readonly db: Database;
  readonly accounts: Accounts;
  /** Links for the first administrator, in the order in which they were announced. */
  readonly links: string[];
  readonly revoked: Revocation[];
  readonly nodes: FleetNode[];
  readonly sessions: FleetSession[];
  readonly active: ActiveSession[];
  /** What the fleet was told, in order. */
  readonly orders: string[];
  /** Unix ms. */
  unixMs: number;
  /** ms of the monotonic clock. */
  now: number;
  /** The database does not answer. */
  isAway: boolean;
  /** The database goes away while the sessions of a user are looked up. */
  isAwayForSessions: boolean;
  /** Cutting streams fails. */
  isRevokerBroken: boolean;
  api(method: string, path: string, options?: ApiOptions): Promise<LightMyRequestResponse>;
  browser(address?: string): Browser;
  /** The administrator, by the first link. */
  setUp(email?: string): Promise<Browser>;
  /** Signs in with address and password. */
  signIn(email: string, address?: string): Promise<Browser>;
  /** A user with one slot, by an invitation. */
  addUser(admin: Browser, email: string): Promise<Browser>;
  /** The plugin signs in: start, approval in the browser, poll. */
  signInPlugin(browser: Browser): Promise<PluginTokens>;
}

export interface ApiOptions {
  readonly body?: unknown;
  readonly token?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

export interface PluginTokens {
  readonly access: string;
  readonly refresh: string;
  readonly answer: Record<string, unknown> & { user: { id: string } };
}

/** A database that can be told to be away. */
const fragile = (db: Database, isAway: () => boolean): Database => {
  const guarded = <A extends unknown[], R>(work: (...args: A) => Promise<R>) => {
    return async (...args: A): Promise<R> => {
      if (isAway()) throw new DatabaseAwayError(undefined);
      return work(...args);
    };
  };
  return {
    driver: db.driver,
    all: guarded((sql, params) => db.all(sql, params)) as Database['all'],
    first: guarded((sql, params) => db.first(sql, params)) as Database['first'],
    run: guarded((sql, params) => db.run(sql, params)),
    transaction: guarded((work, options) => db.transaction(work as never, options)) as Database['transaction'],
    publish: (message) => db.publish(message),
    subscribe: (listener) => db.subscribe(listener),
    close: () => db.close(),
  };
};

/** A browser without scripts: keeps cookies, and sends forms with the hidden fields of the page that it shows. */
export class Browser {
  readonly #app: FastifyInstance;
  readonly #address: string;
  readonly cookies = new Map<string, string>();
  /** The page that it shows. */
  page = '';

  constructor(app: FastifyInstance, address: string) {
    this.#app = app;
    this.#address = address;
  }

  async open(path: string): Promise<LightMyRequestResponse> {
    return this.#take(await this.#app.inject({ method: 'GET', url: path, ...this.#common() }));
  }

  /** Opens a page, and the ones that it is sent on to. */
  async visit(path: string): Promise<LightMyRequestResponse> {
    let response = await this.open(path);
    for (let hops = 0; response.statusCode === 303 && hops < 5; hops++)
      response = await this.open(String(response.headers.location));
    return response;
  }

  get csrf(): string {
    return /name="csrf" value="([^"]+)"/.exec(this.page)?.[1] ?? '';
  }

  send(
    path: string,
    fields: Readonly<Record<string, string>> = {},
    headers: Record<string, string> = {},
  ): Promise<LightMyRequestResponse> {
    return this.post(path, new URLSearchParams({ csrf: this.csrf, ...fields }).toString(), headers);
  }

  async post(path: string, payload: string, headers: Record<string, string> = {}): Promise<LightMyRequestResponse> {
    const common = this.#common();
    return this.#take(
      await this.#app.inject({
        method: 'POST',
        url: path,
        payload,
        ...common,
        headers: { 'content-type': 'application/x-www-form-urlencoded', ...common.headers, ...headers },
      }),
    );
  }

  #common(): { remoteAddress: string; headers: Record<string, string> } {
    const cookie = [...this.cookies].map(([name, value]) => `${name}=${value}`).join('; ');
    return { remoteAddress: this.#address, headers: cookie === '' ? {} : { cookie } };
  }

  #take(response: LightMyRequestResponse): LightMyRequestResponse {
    for (const header of [response.headers['set-cookie'] ?? []].flat()) {
      const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(header) ?? [];
      if (value === '') this.cookies.delete(name);
      else this.cookies.set(name, value);
    }
    if (String(response.headers['content-type']).startsWith('text/html')) this.page = response.body;
    return response;
  }
}

const settingsOf = (env: Record<string, string>): AccountsDeps['settings'] => {
  const loaded = loadSettings({ argv: [], env, cwd: '/', readFile: () => undefined });
  if ('problems' in loaded) throw new Error(loaded.problems.join('\n'));
  return loaded.settings;
};

/** @param env settings, as a deployment gives them */
export const testAccounts = async (database: TestDatabase, env: Record<string, string> = {}): Promise<TestAccounts> => {
  const db = fragile(await database.open(), () => test.isAway);
  const app = createPlaneApp(logger);
  onTestFinished(() => app.close());
  const test: TestAccounts = {
    app,
    db,
    accounts: undefined as unknown as Accounts,
    links: [],
    revoked: [],
    nodes: [],
    sessions: [],
    active: [],
    orders: [],
    unixMs: 1_790_000_000_000,
    now: 1_000,
    isAway: false,
    isAwayForSessions: false,
    isRevokerBroken: false,
    api: (method, path, { body, token, headers = {} } = {}) =>
      app.inject({
        method: method as 'GET',
        url: path,
        headers: { ...(token === undefined ? {} : { authorization: `Bearer ${token}` }), ...headers },
        ...(body === undefined ? {} : { payload: typeof body === 'string' ? body : JSON.stringify(body) }),
      }),
    browser: (address = '203.0.113.7') => new Browser(app, address),
    async setUp(email = 'admin@example.org') {
      const browser = test.browser();
      const path = new URL(test.links.at(-1)!).pathname;
      await browser.open(path);
      const response = await browser.send(path, { email, name: 'Ada', password: PASSWORD, again: PASSWORD });
      if (response.statusCode !== 303) throw new Error(`no administrator: ${response.body}`);
      await browser.visit('/');
      return browser;
    },
    async signIn(email, address) {
      const browser = test.browser(address);
      await browser.open('/sign-in');
      const response = await browser.send('/sign-in', { email, password: PASSWORD });
      if (response.statusCode !== 303) throw new Error(`not signed in: ${response.body}`);
      await browser.visit('/');
      return browser;
    },
    async addUser(admin, email) {
      // Lists are in the order in which people came.
      test.unixMs++;
      await admin.open('/admin/users');
      await admin.send('/admin/invitations', { email, slots: '1', role: 'user' });
      const path = new URL(/<code>([^<]+\/invite\/[^<]+)<\/code>/.exec(admin.page)?.[1] ?? '').pathname;
      const browser = test.browser();
      await browser.open(path);
      const response = await browser.send(path, { name: email, password: PASSWORD, again: PASSWORD });
      if (response.statusCode !== 303) throw new Error(`no user: ${response.body}`);
      await browser.visit('/');
      return browser;
    },
    async signInPlugin(browser) {
      const client = { platform: 'windows', plugin_version: '0.0.5', device_name: 'Studio PC' };
      const start = (await test.api('POST', '/api/v1/auth/plugin/login/start', { body: { client } })).json();
      const path = new URL(start.authorize_url).pathname;
      await browser.open(path);
      await browser.send(path, { outcome: 'completed' });
      const { login_attempt_id, poll_token } = start;
      const polled = await test.api('POST', '/api/v1/auth/plugin/login/poll', {
        body: { login_attempt_id, poll_token },
      });
      const answer = polled.json();
      if (polled.statusCode !== 200) throw new Error(`no tokens: ${polled.body}`);
      return { access: answer.auth.cp_access_jwt, refresh: answer.auth.refresh_token, answer };
    },
  };
  const part = accountsPart({ announce: (link) => test.links.push(link), passwords: new Passwords(CHEAP) });
  await migrate(db, [part.schema], test.unixMs);
  const accounts = await part.make({
    db,
    settings: settingsOf(env),
    logger,
    unixNow: () => test.unixMs,
    clock: () => test.now,
    version: '0.0.0',
    addressOf: peerAddress,
    revoker: {
      revoke: async (revocation) => {
        if (test.isRevokerBroken) throw new Error('broken');
        test.revoked.push(revocation);
      },
    },
    relays: {
      activeSessions: async () => {
        if (test.isAwayForSessions) throw new DatabaseAwayError(undefined);
        return test.active;
      },
      usage: async () => ({ included_seconds: 0, consumed_seconds: 60, remaining_seconds: 0, overage_seconds: 0 }),
    },
    fleet: {
      nodes: async () => test.nodes,
      sessions: async () => test.sessions,
      setNodeStatus: async (id, status) => {
        test.orders.push(`${id} ${status}`);
        return test.nodes.some((node) => node.id === id);
      },
      moveSession: async (id) => {
        test.orders.push(`move ${id}`);
        if (!test.sessions.some((session) => session.id === id)) throw notFound('there is no such session');
      },
      endSession: async (id) => {
        test.orders.push(`end ${id}`);
        return test.sessions.some((session) => session.id === id);
      },
    },
  });
  accounts.routes(app);
  (test as { accounts: Accounts }).accounts = accounts;
  await app.ready();
  return test;
};
