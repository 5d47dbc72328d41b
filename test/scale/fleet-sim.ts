import { type ChildProcess, fork } from 'node:child_process';
import { randomBytes, randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Database } from '../../src/control-plane/database/database.ts';
import {
  type Desired,
  HEARTBEAT_EVERY_MS,
  INSTANCE_HEADER,
  NODES_PATH,
  PROTOCOL_VERSION,
} from '../../src/control-plane/protocol.ts';

const ENROL_KEY = 'enrol-key-of-the-simulation';

export interface Used {
  cpuMs: number;
  rssBytes: number;
  lagP99Ms: number;
}

/** One process of the plane. */
export class SimPlane {
  readonly #child: ChildProcess;
  readonly url: string;

  private constructor(child: ChildProcess, url: string) {
    this.#child = child;
    this.url = url;
  }

  static async start(databaseUrl: string): Promise<SimPlane> {
    const child = fork(join(import.meta.dirname, 'sim-plane.ts'), {
      env: {
        PATH: process.env.PATH,
        DATABASE_URL: databaseUrl,
        NODE_ENROL_KEY: ENROL_KEY,
        TRIBUTARY_CONTROL_PLANE_REQUESTS_PER_MINUTE: '1000000',
      },
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    });
    const [first] = (await Promise.race([
      once(child, 'message'),
      once(child, 'exit').then(() => Promise.reject(new Error('the plane ended'))),
    ])) as [{ port: number }];
    return new SimPlane(child, `http://127.0.0.1:${first.port}`);
  }

  async used(): Promise<Used> {
    const said = once(this.#child, 'message');
    this.#child.send('used');
    return ((await said) as [Used])[0];
  }

  async kill(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const ended = once(this.#child, 'exit');
    this.#child.kill('SIGKILL');
    await ended;
  }
}

export interface Measured {
  readonly ms: number[];
  failed: number;
}
export const percentile = (values: readonly number[], share: number): number =>
  [...values].sort((a, b) => a - b)[Math.min(values.length - 1, Math.floor(values.length * share))] ?? Number.NaN;

/** A node as the plane sees it. It sends a stream for each id that it admits. */
class SimNode {
  readonly id: string;
  readonly region: string;
  readonly #fleet: FleetSim;
  readonly #instance = randomBytes(16).toString('hex');
  readonly #dead = new AbortController();
  #planeId = '';
  #generation = 0;
  #publishers: string[] = [];

  constructor(fleet: FleetSim, index: number) {
    this.#fleet = fleet;
    this.id = `n${index}`;
    this.region = fleet.regions[index % fleet.regions.length]!;
  }

  async join(): Promise<void> {
    await this.#call('POST', 'register', {
      ...{ protocol: PROTOCOL_VERSION, serverId: this.id, instance: this.#instance, version: '1', region: this.region },
      ...{ provider: 'sim', publicIp: '192.0.2.1', limits: { maxSessions: this.#fleet.perNode } },
      ports: { srtla: [5_000], publish: 4_001, play: 4_000, stats: 8_090, links: 5_080 },
    });
    await this.#heartbeat();
    void this.#keepBeating();
    void this.#keepPolling();
  }

  die(): void {
    this.#dead.abort();
  }

  get isDead(): boolean {
    return this.#dead.signal.aborted;
  }

  async #heartbeat(): Promise<void> {
    const ingest = { source: 'srtla', uptimeMs: 60_000, bitrateKbps: 6_000, lastPayloadMs: 5, rttMs: 60 };
    const place = { country: 'US', latitude: 39, longitude: -95 };
    const body = {
      ...(this.#planeId === '' ? {} : { planeId: this.#planeId, generation: this.#generation }),
      ...{ uptimeMs: 1_000, unixMs: Date.now(), draining: false, notReady: [], score: 95, held: 0 },
      parts: { alive: 30, capacity: 25, loss: 25, load: 15 },
      sessions: { publishers: this.#publishers.length, players: 0, groups: this.#publishers.length },
      traffic: { month: new Date().toISOString().slice(0, 7), receivedBytes: 1, sentBytes: 2 },
      ingesting: this.#publishers.map((publisher) => ({ publisher, ...ingest, place })),
    };
    const began = performance.now();
    const reply = await this.#call<{ desired?: Desired }>('POST', `${this.id}/heartbeat`, body);
    this.#fleet.heartbeats.ms.push(performance.now() - began);
    if (reply?.desired) await this.#apply(reply.desired);
  }

  async #keepBeating(): Promise<void> {
    await sleep(Math.random() * HEARTBEAT_EVERY_MS);
    while (!this.isDead) {
      const began = performance.now();
      await this.#heartbeat().catch(() => {
        if (!this.isDead) this.#fleet.heartbeats.failed++;
      });
      await sleep(Math.max(0, HEARTBEAT_EVERY_MS - (performance.now() - began)));
    }
  }

  async #keepPolling(): Promise<void> {
    while (!this.isDead) {
      try {
        const list = await this.#call<Desired>('GET', `${this.id}/desired?after=${this.#generation}`);
        if (list) await this.#apply(list);
      } catch {
        await sleep(500);
      }
    }
  }

  async #apply({ planeId, generation, streams }: Desired): Promise<void> {
    if (generation <= this.#generation) return;
    this.#planeId = planeId;
    this.#generation = generation;
    this.#publishers = streams.map(({ publisher }) => publisher);
    await this.#call('POST', `${this.id}/applied`, { planeId, generation, held: 0, conflicts: [] });
  }

  async #call<T>(method: string, path: string, body?: object): Promise<T | undefined> {
    const response = await fetch(`${this.#fleet.anyPlane()}${NODES_PATH}/${path}`, {
      method,
      headers: {
        authorization: `Bearer ${ENROL_KEY}`,
        [INSTANCE_HEADER]: this.#instance,
        ...(body ? { 'content-type': 'application/json' } : {}),
      },
      signal: this.#dead.signal,
      ...(body ? { body: JSON.stringify(body) } : {}),
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`${path}: ${response.status} ${text}`);
    return text === '' ? undefined : (JSON.parse(text) as T);
  }
}

export interface SimSession {
  readonly user: string;
  node: string;
  isActive: boolean;
}

/** Nodes and users of a fleet, around processes of the plane that are what they are. */
export class FleetSim {
  readonly planes: SimPlane[];
  readonly regions: readonly string[];
  readonly perNode: number;
  readonly nodes: SimNode[];
  readonly heartbeats: Measured = { ms: [], failed: 0 };
  readonly starts: Measured = { ms: [], failed: 0 };
  readonly sessions: SimSession[] = [];
  #turn = 0;

  constructor(planes: SimPlane[], options: { nodes: number; perNode: number; regions?: readonly string[] }) {
    this.planes = planes;
    this.perNode = options.perNode;
    this.regions = options.regions ?? ['us-central', 'us-east', 'us-west', 'eu-west', 'ap-southeast'];
    this.nodes = Array.from({ length: options.nodes }, (_, index) => new SimNode(this, index));
  }

  /** As a balancer before them would choose. */
  anyPlane(): string {
    this.#turn = (this.#turn + 1) % this.planes.length;
    return this.planes[this.#turn]!.url;
  }

  /** @param atOnce registrations under way at the same time */
  async join(atOnce = 20): Promise<void> {
    const waiting = [...this.nodes];
    await Promise.all(
      Array.from({ length: atOnce }, async () => {
        for (let node = waiting.pop(); node; node = waiting.pop()) await node.join();
      }),
    );
  }

  /** `relay/start` as the plugin asks, with one key until there is an answer. @returns undefined where there is no room */
  async start(user: string, region: string): Promise<SimSession | undefined> {
    const key = randomUUID();
    const began = performance.now();
    for (let tries = 0; tries < 20; tries++) {
      const answer = await fetch(`${this.anyPlane()}/api/v1/relay/start`, {
        method: 'POST',
        headers: { authorization: `Bearer ${user}`, 'content-type': 'application/json', 'idempotency-key': key },
        body: JSON.stringify({ region_preference: region, connection_id: 'conn', client_context: {} }),
      })
        .then(async (response) => ({ status: response.status, body: await response.json() }))
        .catch(() => undefined);
      if (answer?.status === 200 || answer?.status === 201) {
        this.starts.ms.push(performance.now() - began);
        const { session } = answer.body as { session: { instance_id: string; status: string } };
        return { user, node: session.instance_id, isActive: session.status === 'active' };
      }
      if (answer) break;
      await sleep(100);
    }
    this.starts.failed++;
    return undefined;
  }

  /** Sessions of users `u0` and on, until there are so many. @param atOnce starts under way at the same time */
  async fill(
    count: number,
    atOnce: number,
    regionOf = (index: number) => this.regions[index % this.regions.length]!,
  ): Promise<void> {
    let next = this.sessions.length;
    await Promise.all(
      Array.from({ length: atOnce }, async () => {
        while (next < count) {
          const index = next++;
          const session = await this.start(`u${index}`, regionOf(index));
          if (session) this.sessions.push(session);
        }
      }),
    );
  }

  stop(): void {
    for (const node of this.nodes) node.die();
  }
}

/** Puts sessions of the users up to `count` into the database as if they had been started, spread evenly over the nodes. */
export const prefill = async (db: Database, fleet: FleetSim, count: number): Promise<void> => {
  const from = fleet.sessions.length;
  if (count <= from) return;
  const unixMs = Date.now();
  const series = `generate_series(${from}, ${count - 1}) g`;
  const node = `'n' || (g % ${fleet.nodes.length})`;
  await db.transaction(async (tx) => {
    await tx.run(
      `INSERT INTO sessions (session_id, user_id, connection_id, slot_number, stream_token, status, provision_step, region, region_asked,
         requested_by, pair_token, relay_ws_token, started_ms, activated_ms, lease_until_ms)
       SELECT 'ses_' || g, 'u' || g, 'conn', 1, 'tu' || g, 'active', 'ready', 'sim', 'sim', '', '', '', ${unixMs}, ${unixMs}, ${unixMs + 300_000} FROM ${series}`,
    );
    await tx.run(`UPDATE nodes SET generation = ${unixMs} WHERE generation < ${unixMs}`);
    await tx.run(
      'INSERT INTO node_generations (server_id, generation) SELECT server_id, generation FROM nodes ON CONFLICT DO NOTHING',
    );
    await tx.run(
      `INSERT INTO assignments (assignment_id, session_id, user_id, stream_token, label, server_id, reason, score, ordinal, assigned_ms, added_generation)
       SELECT 'a' || g, 'ses_' || g, 'u' || g, 'tu' || g, '', ${node}, 'load', 1, 1, ${unixMs}, ${unixMs} FROM ${series}`,
    );
  });
  // As the server does by itself within a minute.
  await db.run('ANALYZE');
  for (let index = from; index < count; index++)
    fleet.sessions.push({ user: `u${index}`, node: `n${index % fleet.nodes.length}`, isActive: true });
};
