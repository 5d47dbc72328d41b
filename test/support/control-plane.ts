import { randomBytes, randomUUID } from 'node:crypto';
import { onTestFinished } from 'vitest';
import { loadSettings } from '../../src/config/resolve.ts';
import type { Settings } from '../../src/config/schema.ts';
import type { HeaderBearer } from '../../src/control-plane/accounts/authenticator.ts';
import type { Accounts, AccountsPart } from '../../src/control-plane/accounts-part.ts';
import { type ControlPlane, createControlPlane } from '../../src/control-plane/control-plane.ts';
import type { Database } from '../../src/control-plane/database/database.ts';
import type { Fetch } from '../../src/control-plane/nodes/sls-client.ts';
import {
  type AppliedRequest,
  type Desired,
  type HeartbeatRequest,
  INSTANCE_HEADER,
  NODES_PATH,
  PROTOCOL_VERSION,
  type RegisterRequest,
} from '../../src/control-plane/protocol.ts';
import type { Slot } from '../../src/control-plane/slots/slots.ts';
import { type Logger, silentLogger } from '../../src/shared/logger.ts';

export const ENROL_KEY = 'enrol-key-of-the-tests';
export const RELAY_KEY = 'relay-key-of-the-tests';
/** Bearer token of the administrator. */
export const ADMIN = 'administrator';

export const planeSettings = (env: Record<string, string> = {}): Settings => {
  const loaded = loadSettings({
    argv: [],
    env: { NODE_ENROL_KEY: ENROL_KEY, RELAY_SHARED_KEY: RELAY_KEY, ...env },
    cwd: '/',
    readFile: () => undefined,
  });
  if ('problems' in loaded) throw new Error(loaded.problems.join('\n'));
  return loaded.settings;
};

export interface FakeUser {
  maxConcurrentConns: number;
  relayAccess: 'enabled' | 'disabled';
  slots: Slot[];
}

/** Users, slots and logins in memory: whoever brings `Bearer NAME` is that user, `Bearer old NAME` with a token that has expired. */
export class FakeAccounts {
  readonly users = new Map<string, FakeUser>();

  /** A user with so many slots, tokens `NAME1`, `NAME2` … */
  add(name: string, slots = 1, maxConcurrentConns = 10): FakeUser {
    const user: FakeUser = {
      maxConcurrentConns,
      relayAccess: 'enabled',
      slots: Array.from({ length: slots }, (_, index) => ({
        userId: name,
        slotNumber: index + 1,
        label: `Camera ${index + 1}`,
        streamToken: `${name}${index + 1}`,
        dnsSlug: `slug${index + 1}`,
        isDisabled: false,
      })),
    };
    this.users.set(name, user);
    return user;
  }

  get part(): AccountsPart {
    return { schema: { part: 'accounts', versions: [] }, make: () => this.#accounts() };
  }

  #accounts(): Accounts {
    const slotsOf = (userId: string): Slot[] => this.users.get(userId)?.slots ?? [];
    const all = (): Slot[] => [...this.users.values()].flatMap(({ slots }) => slots);
    const bearerOf = ({ headers }: HeaderBearer): string => headers.authorization?.replace(/^Bearer /, '') ?? '';
    const callerOf = (name: string) => (this.users.has(name) ? { userId: name, sid: `sid-${name}` } : undefined);
    const never = async (): Promise<never> => {
      throw new Error('not part of these tests');
    };
    return {
      authenticator: {
        authenticate: async (request) => callerOf(bearerOf(request)),
        authenticateRunningClient: async (request) => callerOf(bearerOf(request).replace(/^old /, '')),
      },
      entitlements: {
        of: async (userId) => {
          const user = this.users.get(userId);
          return {
            relayAccess: user?.relayAccess ?? 'disabled',
            reasonCode: user?.relayAccess === 'enabled' ? 'ok' : 'admin_disabled',
            planTier: 'internal',
            planStatus: 'active',
            maxConcurrentConns: user?.maxConcurrentConns ?? 0,
          };
        },
      },
      slots: {
        forUser: async (userId) => slotsOf(userId),
        get: async (userId, slotNumber) => slotsOf(userId).find((slot) => slot.slotNumber === slotNumber),
        byToken: async (token) => all().find(({ streamToken }) => streamToken === token),
        bySlug: async (slug) => all().find(({ dnsSlug }) => dnsSlug === slug),
        toStart: async (userId, token, taken = []) => {
          const slot =
            token === undefined
              ? slotsOf(userId).find(({ isDisabled, slotNumber }) => !isDisabled && !taken.includes(slotNumber))
              : slotsOf(userId).find(({ streamToken }) => streamToken === token);
          if (!slot) return { refused: token === undefined ? 'none' : 'unknown' };
          return slot.isDisabled ? { refused: 'disabled' } : { slot };
        },
        create: never,
        rename: never,
        regenerate: never,
        setDisabled: never,
        remove: never,
      },
      isAdmin: async (request) => bearerOf(request) === ADMIN,
      routes: () => {},
    };
  }
}

export interface Answer {
  readonly status: number;
  /** Undefined where there is none. */
  // biome-ignore lint/suspicious/noExplicitAny: answers have many shapes, and tests look at what they expect
  readonly body: any;
  readonly headers: Readonly<Record<string, unknown>>;
}

export interface StartOptions {
  connection?: string;
  token?: string;
  region?: string;
  key?: string;
}

/** A plane with clocks of its own, spoken to without a port. */
export class TestPlane {
  readonly plane: ControlPlane;
  readonly accounts: FakeAccounts;
  readonly db: Database;
  readonly clocks: { now: number; unixMs: number };

  constructor(plane: ControlPlane, accounts: FakeAccounts, db: Database, clocks: { now: number; unixMs: number }) {
    this.plane = plane;
    this.accounts = accounts;
    this.db = db;
    this.clocks = clocks;
  }

  pass(ms: number): void {
    this.clocks.now += ms;
    this.clocks.unixMs += ms;
  }

  async call(
    method: 'GET' | 'POST' | 'PATCH' | 'DELETE' | 'PUT',
    url: string,
    bearer?: string,
    body?: object | string,
    headers: Record<string, string> = {},
  ): Promise<Answer> {
    const response = await this.plane.app.inject({
      method,
      url,
      headers: {
        ...(bearer === undefined ? {} : { authorization: `Bearer ${bearer}` }),
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(body === undefined ? {} : { payload: typeof body === 'string' ? body : JSON.stringify(body) }),
    });
    return {
      status: response.statusCode,
      body: response.body === '' ? undefined : JSON.parse(response.body),
      headers: response.headers,
    };
  }

  start(user: string, { connection, token, region, key = randomUUID() }: StartOptions = {}): Promise<Answer> {
    return this.call(
      'POST',
      '/api/v1/relay/start',
      user,
      {
        client_context: { obs_connected: true, mode: 'auto', requested_by: 'obs-plugin' },
        region_preference: region ?? '',
        ...(connection === undefined ? {} : { connection_id: connection }),
        ...(token === undefined ? {} : { stream_token: token }),
      },
      { 'idempotency-key': key },
    );
  }

  active(user: string, connection?: string): Promise<Answer> {
    const query = connection === undefined ? '' : `?connection_id=${connection}`;
    return this.call('GET', `/api/v1/relay/active${query}`, user);
  }

  stop(user: string, sessionId: string): Promise<Answer> {
    return this.call('POST', '/api/v1/relay/stop', user, { session_id: sessionId });
  }

  health(user: string, sessionId: string): Promise<Answer> {
    return this.call('POST', '/api/v1/relay/health', user, { session_id: sessionId, instance_id: '' });
  }
}

export interface PlaneOptions {
  env?: Record<string, string>;
  accounts?: FakeAccounts;
  clocks?: { now: number; unixMs: number };
  fetch?: Fetch;
  logger?: Logger;
  /** Long by itself: a busy machine must not make a start that is not active. */
  startWaitMs?: number;
  localNode?: { serverId: string; key: string };
}

/** Stopped at the end of the test. */
export const testPlane = async (db: Database, options: PlaneOptions = {}): Promise<TestPlane> => {
  const { env, accounts = new FakeAccounts(), fetch, logger = silentLogger, localNode, startWaitMs = 10_000 } = options;
  const clocks = options.clocks ?? { now: 1_000, unixMs: 1_790_000_000_000 };
  const plane = await createControlPlane({
    settings: planeSettings(env),
    db,
    logger,
    version: '0.1.0',
    accounts: accounts.part,
    clock: () => clocks.now,
    unixNow: () => clocks.unixMs,
    fetch,
    localNode,
    startWaitMs,
  });
  onTestFinished(async () => {
    await plane.stop();
    await plane.app.close();
  });
  return new TestPlane(plane, accounts, db, clocks);
};

/** A node as the plane sees it: it asks for its list, and says what it has applied. */
export class FakeNode {
  readonly id: string;
  readonly key: string;
  readonly instance = randomBytes(16).toString('hex');
  plane: TestPlane;
  region: string;
  maxSessions: number;
  /** In place of `maxSessions` alone. */
  limits: RegisterRequest['limits'] | undefined;
  /** What it admits, by player id. */
  readonly rows = new Map<string, string>();
  planeId: string | undefined;
  generation: number | undefined;
  held = 0;
  ingesting: string[] = [];
  /** Player ids that it does not take. */
  conflicts: string[] = [];
  readonly lists: Desired[] = [];
  #isPolling = false;
  #polling: Promise<void> = Promise.resolve();

  constructor(plane: TestPlane, id: string, more: { region?: string; maxSessions?: number; key?: string } = {}) {
    this.plane = plane;
    this.id = id;
    this.key = more.key ?? ENROL_KEY;
    this.region = more.region ?? 'us-central';
    this.maxSessions = more.maxSessions ?? 10;
  }

  call(method: 'GET' | 'POST', path: string, body?: object, instance = this.instance): Promise<Answer> {
    return this.plane.call(method, `${NODES_PATH}/${path}`, this.key, body, { [INSTANCE_HEADER]: instance });
  }

  async register(more: Partial<RegisterRequest> = {}): Promise<Answer> {
    const answer = await this.call('POST', 'register', {
      protocol: PROTOCOL_VERSION,
      serverId: this.id,
      instance: this.instance,
      version: '0.1.0',
      region: this.region,
      provider: 'test',
      publicIp: '192.0.2.7',
      ports: { srtla: [5_000], publish: 4_001, play: 4_000, stats: 8_090, links: 5_080 },
      limits: this.limits ?? { maxSessions: this.maxSessions },
      ...(this.planeId === undefined ? {} : { planeId: this.planeId, generation: this.generation }),
      ...more,
    });
    if (answer.body?.desired) await this.apply(answer.body.desired);
    return answer;
  }

  async heartbeat(more: Partial<HeartbeatRequest> = {}): Promise<Answer> {
    const answer = await this.call('POST', `${this.id}/heartbeat`, {
      ...(this.planeId === undefined ? {} : { planeId: this.planeId, generation: this.generation }),
      uptimeMs: 1_000,
      unixMs: this.plane.clocks.unixMs,
      draining: false,
      notReady: [],
      score: 95,
      parts: { alive: 30, capacity: 25, loss: 25, load: 15 },
      sessions: { publishers: this.ingesting.length, players: 0, groups: this.ingesting.length },
      traffic: { month: '2026-09', receivedBytes: 1, sentBytes: 2 },
      ingesting: this.ingesting.map((publisher) => ({
        publisher,
        source: 'srtla',
        uptimeMs: 1,
        bitrateKbps: 6_000,
        lastPayloadMs: 5,
      })),
      held: this.held,
      ...more,
    });
    if (answer.body?.desired) await this.apply(answer.body.desired);
    return answer;
  }

  /** A list, as a node takes it: whole, but for one that is older than what it has, or takes too much away. */
  async apply(list: Desired): Promise<void> {
    if (list.planeId === this.planeId && list.generation <= (this.generation ?? 0)) return;
    this.lists.push(list);
    const wanted = new Set(list.streams.map(({ player }) => player));
    const left = [...this.rows.keys()].filter((player) => !wanted.has(player));
    const isHeld = list.older || (!list.confirm && left.length > Math.max(2, 0.2 * this.rows.size));
    if (this.planeId !== undefined && list.planeId !== this.planeId) this.held = 0;
    else {
      this.held = isHeld ? left.length : 0;
      if (!isHeld) for (const player of left) this.rows.delete(player);
    }
    for (const { publisher, player } of list.streams)
      if (!this.conflicts.includes(player)) this.rows.set(player, publisher);
    this.planeId = list.planeId;
    this.generation = list.generation;
    const applied: AppliedRequest = {
      planeId: list.planeId,
      generation: list.generation,
      held: this.held,
      conflicts: list.streams
        .filter(({ player }) => this.conflicts.includes(player))
        .map(({ player }) => ({ player, reason: 'taken', message: 'another owner has it' })),
    };
    await this.call('POST', `${this.id}/applied`, applied);
  }

  async poll(): Promise<Answer> {
    const after = this.planeId === undefined ? 0 : (this.generation ?? 0);
    const answer = await this.call('GET', `${this.id}/desired?after=${after}`);
    if (answer.status === 200) await this.apply(answer.body);
    return answer;
  }

  /** Registers, tells that it is well, and keeps asking until the end of the test. */
  async join(): Promise<this> {
    await this.register();
    await this.heartbeat();
    this.#isPolling = true;
    this.#polling = this.#keepPolling();
    onTestFinished(() => this.leave());
    return this;
  }

  /** Dies without a word: it asks for no list after this one. */
  async leave(): Promise<void> {
    this.#isPolling = false;
    await Promise.race([this.#polling, this.#soon()]);
  }

  /** Its open request is of no use to it any more. */
  die(): void {
    this.#isPolling = false;
  }

  async #keepPolling(): Promise<void> {
    while (this.#isPolling) {
      const after = this.planeId === undefined ? 0 : (this.generation ?? 0);
      const answer = await this.call('GET', `${this.id}/desired?after=${after}`).catch(() => undefined);
      if (!this.#isPolling || !answer) return;
      if (answer.status === 200) await this.apply(answer.body);
      else if (answer.status !== 204) return;
    }
  }

  #soon(): Promise<void> {
    return new Promise((done) => setImmediate(done));
  }
}
