import { randomBytes } from 'node:crypto';
import { renameSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, get, type IncomingHttpHeaders, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import type { ReloadablePath } from '../../src/config/schema.ts';
import type { RegisterRequest } from '../../src/control-plane/protocol.ts';
import type { DataPlaneSnapshot } from '../../src/data-plane/snapshot.ts';
import { UdpPeer } from '../integration/udp-peer.ts';
import { Peer } from '../native/peer.ts';
import { reg1, reg2 } from '../srtla/packets.ts';
import { FakeControlPlane, NODE_KEY, SERVER_ID } from './fake-control-plane.ts';
import { TestNode, until } from './processes.ts';

export type Values = Readonly<Record<string, unknown>>;

/** One request that the stage's own web server has got. */
export interface Asked {
  readonly method: string;
  readonly url: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

const SPARE_IDS = 24;
const NOT_LIMITED = 1_000_000;

/** A node with everything around it that settings have to do with: a settings file, a control plane, a web server, and SRT callers. */
export class SettingStage {
  readonly folder: string;
  readonly plane = new FakeControlPlane();
  readonly peer = new Peer();
  readonly asked: Asked[] = [];
  /** Of the stage's web server. */
  status = 204;
  node!: TestNode;
  /** Of the stream that runs meanwhile. */
  main!: { publisher: string; player: string };
  base: Values = {};
  #web!: Server;
  #spare: { publisher: string; player: string }[] = [];
  #cookie = '';
  #sources = 0;

  constructor(folder: string) {
    this.folder = folder;
  }

  get file(): string {
    return join(this.folder, 'tributary.yml');
  }

  get web(): string {
    return `http://127.0.0.1:${(this.#web.address() as AddressInfo).port}`;
  }

  async open(): Promise<void> {
    this.#web = createServer(async (request, response) => {
      let body = '';
      for await (const chunk of request) body += chunk;
      this.asked.push({ method: request.method!, url: request.url!, headers: request.headers, body });
      response.writeHead(this.status).end();
    });
    await new Promise<void>((up) => this.#web.listen(0, '127.0.0.1', up));
    await this.plane.start();
    this.base = {
      ...{ 'control.url': this.plane.url, 'control.serverId': SERVER_ID, 'control.nodeKey': NODE_KEY },
      ...{ 'http.statsPerMinute': NOT_LIMITED, 'http.unknownIdsPerMinute': NOT_LIMITED },
      ...{ 'http.apiPerMinute': NOT_LIMITED, 'http.apiKeyPerMinute': NOT_LIMITED, 'http.keysPerMinute': NOT_LIMITED },
      'hooks.allowedNetworks': ['127.0.0.1'],
    };
    this.#write({});
    this.node = await TestNode.start({
      ...{ TRIBUTARY_CONFIG: this.file, TRIBUTARY_HTTP_STATS_PER_MINUTE: '', TRIBUTARY_PUBLIC_HOST: '' },
    });
    [this.main] = (await this.node.rows()) as [{ publisher: string; player: string }];
    for (let i = 0; i < SPARE_IDS; i++) this.#spare.push(await this.node.createIds());
    await until('the plane to know the node', () => this.plane.registered.length > 0);
  }

  async close(): Promise<void> {
    this.peer.engine.dispose();
    await this.node?.stop();
    await this.plane.stop();
    this.#web?.closeAllConnections();
    this.#web?.close();
    rmSync(this.folder, { recursive: true, force: true });
  }

  /** The file says this beside the base; resolves once the node has said what it makes of it. */
  async change(values: Values): Promise<string> {
    const before = this.node.program.output.length;
    this.#write(values);
    this.node.program.child.kill('SIGHUP');
    return until('the node to have read its settings', () => {
      const lines = this.node.program.output.slice(before).split('\n');
      return lines.find((line) => /new settings are|settings are as they were|settings have changed/.test(line));
    });
  }

  /** As the dashboard shows them. */
  async shown(path: ReloadablePath): Promise<string> {
    const { settings } = await this.page<{ settings: { path: string; value: string }[] }>('/data/settings');
    return settings.find((one) => one.path === path)!.value;
  }

  /** From the dashboard's port, signed in; from another address each time, so that no limit is met. */
  async page<T>(path: string): Promise<T> {
    const base = `http://127.0.0.1:${this.node.ports.dashboard}`;
    if (this.#cookie === '') {
      const headers = { 'content-type': 'application/json', origin: base };
      const body = JSON.stringify({ key: this.node.adminKey });
      const answer = await fetch(`${base}/session`, { method: 'POST', headers, body });
      this.#cookie = answer.headers.get('set-cookie')!.split(';')[0]!;
    }
    return JSON.parse(await textOf(`${base}${path}`, this.#cookie, `127.9.0.${(this.#sources++ % 250) + 1}`)) as T;
  }

  feed(signal: AbortSignal): Promise<Response> {
    return fetch(`http://127.0.0.1:${this.node.ports.dashboard}/feed`, { headers: { cookie: this.#cookie }, signal });
  }

  async statusOf(path: string, headers: Record<string, string> = {}, port = this.node.ports.stats): Promise<number> {
    const answer = await fetch(`http://127.0.0.1:${port}${path}`, { headers });
    await answer.arrayBuffer();
    return answer.status;
  }

  key(key = this.node.adminKey): { authorization: string } {
    return { authorization: `Bearer ${key}` };
  }

  doctor(): Promise<DataPlaneSnapshot> {
    return this.node.get<DataPlaneSnapshot>('/v1/doctor', this.node.token);
  }

  /** The encoder of a publisher id. */
  async encoder(publisher: string): Promise<{ latencyMs: number } | undefined> {
    type Streams = { data: { publisher: string; publishers: { latencyMs: number }[] }[] };
    const { data } = await this.node.get<Streams>('/api/streams', this.node.adminKey);
    return data.find((one) => one.publisher === publisher)?.publishers[0];
  }

  /** Of a stream that nobody else uses; made long ago, so that the packets' thread knows of it, however busy the machine is. */
  ids(): { publisher: string; player: string } {
    return this.#spare.pop()!;
  }

  /** An encoder on an id of its own, over one link. */
  async publish(): Promise<{ socket: number; publisher: string; player: string }> {
    const ids = this.ids();
    return { ...ids, socket: await this.peer.join(this.node.ports.publish, ids.publisher) };
  }

  async play(player: string): Promise<number> {
    return this.peer.join(this.node.ports.play, player, { reads: true });
  }

  /** Where refusing is done by closing, a caller is connected first. */
  isOver(socket: number): boolean {
    return (['ended', 'broken', 'connect-failed'] as const).some((type) => this.peer.find(type, socket) !== undefined);
  }

  /** What the plane was told last. */
  told(): RegisterRequest {
    return this.plane.registered.at(-1)!;
  }

  /** A bonded sender of one link that says nothing after its registration. @returns how many links its group has; undefined: there is no group */
  async silentSender(): Promise<{ links: () => Promise<number | undefined>; close: () => Promise<void> }> {
    const link = await UdpPeer.open('127.0.0.1');
    const [port] = this.node.ports.srtla;
    const before = new Set((await this.doctor()).srtla.groups.map(({ id }) => id));
    link.send(reg1(randomBytes(256).toString('hex')), port!, '127.0.0.1');
    const { hex } = await link.take('9201');
    link.send(reg2(hex.slice(4)), port!, '127.0.0.1');
    await link.take('9202');
    const mine = async () => (await this.doctor()).srtla.groups.find(({ id }) => !before.has(id));
    await until('the group', mine);
    return { links: async () => (await mine())?.links.length, close: () => link.close() };
  }

  async metrics(): Promise<string> {
    return (await fetch(`http://127.0.0.1:${this.node.ports.stats}/metrics`)).text();
  }

  untilAsked(path: string): Promise<unknown> {
    return until(`somebody to ask for ${path}`, () => this.asked.some(({ url }) => url === path));
  }

  /** How the stream that runs meanwhile is judged. */
  async level(): Promise<string | undefined> {
    const { publisher } = await this.node.get<{ publisher?: { quality_level?: string } }>(`/stats/${this.main.player}`);
    return publisher?.quality_level;
  }

  #write(values: Values): void {
    // At once: the node looks at any time.
    writeFileSync(`${this.file}.new`, JSON.stringify({ ...this.base, ...values }));
    renameSync(`${this.file}.new`, this.file);
  }
}

const textOf = (url: string, cookie: string, localAddress: string): Promise<string> =>
  new Promise((done, failed) => {
    get(url, { headers: { cookie }, localAddress, agent: false }, async (answer) => {
      let text = '';
      for await (const chunk of answer) text += chunk;
      done(text);
    }).once('error', failed);
  });
