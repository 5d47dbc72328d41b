import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import {
  type AppliedRequest,
  appliedRequestSchema,
  type Desired,
  type DesiredStream,
  ERROR_STATUS,
  type HeartbeatRequest,
  heartbeatRequestSchema,
  INSTANCE_HEADER,
  type LinksRequest,
  linksRequestSchema,
  type NodeErrorCode,
  type RegisterRequest,
  registerRequestSchema,
} from '../../src/control-plane/protocol.ts';
import { until } from './processes.ts';

export const NODE_KEY = 'k'.repeat(32);
export const SERVER_ID = 'kc1';

/** What a plane answers in place of what it would. */
type Instead = { status: number; text?: string; headers?: Record<string, string> };

/**
 * A control plane in memory for one node, made from nothing but the protocol: checks what the node sends against the schemas, and fails the
 * test's `problems` where that is not what it should be.
 */
export class FakeControlPlane {
  planeId = 'plane-one';
  generation = 0;
  streams: DesiredStream[] = [];
  confirm = false;
  older = false;
  /** Sends lists that are no newer than what the node has. */
  stubborn = false;
  waitMs = 25_000;
  heldInstance: string | undefined;
  refuses: NodeErrorCode | undefined;
  /** Answers wait for it. */
  hold: ((path: string) => Promise<unknown> | undefined) | undefined;
  instead: ((path: string) => Instead | undefined) | undefined;
  readonly problems: string[] = [];
  readonly registered: RegisterRequest[] = [];
  readonly heartbeats: HeartbeatRequest[] = [];
  readonly applied: AppliedRequest[] = [];
  readonly links: { atMs: number; body: LinksRequest }[] = [];
  readonly asked: string[] = [];
  #server: Server | undefined;
  #port = 0;
  readonly #waiting = new Set<() => void>();
  #acks: { generation: number; done: () => void }[] = [];

  get url(): string {
    return `http://127.0.0.1:${this.#port}`;
  }

  get isUp(): boolean {
    return this.#server !== undefined;
  }

  /** On the port that it had before, where it had one. */
  async start(): Promise<void> {
    const server = createServer((request, response) => void this.#answer(request, response));
    server.listen(this.#port, '127.0.0.1');
    await once(server, 'listening');
    this.#server = server;
    this.#port = (server.address() as AddressInfo).port;
  }

  /** As a process that is killed: connections break. */
  async stop(): Promise<void> {
    const server = this.#server;
    this.#server = undefined;
    if (!server) return;
    server.closeAllConnections();
    server.close();
    await once(server, 'close');
  }

  /** A new list; it goes out at once. @returns its generation */
  list(streams: readonly DesiredStream[], more: { confirm?: boolean; older?: boolean } = {}): number {
    this.streams = [...streams];
    this.confirm = more.confirm ?? false;
    this.older = more.older ?? false;
    this.generation++;
    this.answerAll();
    return this.generation;
  }

  /** Whoever waits is answered now. */
  answerAll(): void {
    for (const wake of this.#waiting) wake();
  }

  acknowledged(generation: number): Promise<AppliedRequest> {
    return until(`generation ${generation} to be acknowledged`, () =>
      this.applied.find((one) => one.planeId === this.planeId && one.generation === generation),
    );
  }

  /** As `acknowledged`, told at once: `until` looks every 25 ms. */
  settledFor(generation: number): Promise<void> {
    if (this.applied.some((one) => one.generation >= generation)) return Promise.resolve();
    return new Promise((done) => {
      this.#acks.push({ generation, done });
    });
  }

  get #desired(): Desired {
    const { planeId, generation, streams, confirm, older } = this;
    return { planeId, generation, streams, ...(confirm ? { confirm } : {}), ...(older ? { older } : {}) };
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const send = (status: number, body?: object): void => {
      if (response.destroyed) return;
      response.writeHead(status, { 'content-type': 'application/json' });
      response.end(body ? JSON.stringify(body) : undefined);
    };
    const refuse = (code: NodeErrorCode): void => send(ERROR_STATUS[code], { error: { code, message: 'no' } });
    const url = new URL(request.url ?? '', this.url);
    const path = url.pathname.replace(/^\/api\/v1\/nodes/, '');
    this.asked.push(path);
    let text = '';
    try {
      for await (const part of request) text += part;
    } catch {
      return;
    }
    await this.hold?.(path);
    const instead = this.instead?.(path);
    if (instead) {
      response.writeHead(instead.status, instead.headers ?? {});
      response.end(instead.text ?? '');
      return;
    }
    if (request.headers.authorization !== `Bearer ${NODE_KEY}`) return refuse('unauthorized');
    const instance = request.headers[INSTANCE_HEADER];
    if (this.heldInstance !== undefined && instance !== this.heldInstance) return refuse('node_id_in_use');
    if (this.refuses) return refuse(this.refuses);
    const take = <T>(schema: { parse: (value: unknown) => T }): T | undefined => {
      try {
        return schema.parse(JSON.parse(text));
      } catch (error) {
        this.problems.push(`${path}: ${error instanceof Error ? error.message : error}`);
        refuse('invalid_request');
        return undefined;
      }
    };
    const { planeId } = this;
    if (path === '/register') {
      const body = take(registerRequestSchema);
      if (!body) return;
      if (body.instance !== instance) this.problems.push('the instance differs between header and body');
      this.registered.push(body);
      const known = body.planeId === planeId ? (body.generation ?? 0) : 0;
      const isNew = this.generation > known;
      return send(200, { planeId, status: 'active', ...(isNew ? { desired: this.#desired } : {}) });
    }
    const [, id, call] = path.split('/');
    if (id !== SERVER_ID) this.problems.push(`asked as ${id}`);
    if (this.registered.length === 0) return refuse('node_unknown');
    if (call === 'heartbeat') {
      const body = take(heartbeatRequestSchema);
      if (!body) return;
      this.heartbeats.push(body);
      const isNew = this.generation > (body.generation ?? 0);
      const { generation } = this;
      return send(200, { planeId, generation, status: 'active', ...(isNew ? { desired: this.#desired } : {}) });
    }
    if (call === 'applied') {
      const body = take(appliedRequestSchema);
      if (!body) return;
      this.applied.push(body);
      this.#acks = this.#acks.filter(({ generation, done }) => {
        if (generation <= body.generation) done();
        return generation > body.generation;
      });
      return send(204);
    }
    if (call === 'links') {
      const body = take(linksRequestSchema);
      if (!body) return;
      this.links.push({ atMs: performance.now(), body });
      return send(204);
    }
    if (call !== 'desired') {
      this.problems.push(`asked for ${path}`);
      return send(404);
    }
    const after = Number(url.searchParams.get('after'));
    if (this.generation <= after && !this.stubborn) await this.#change(request);
    if (this.generation > after || this.stubborn) send(200, this.#desired);
    else send(204);
  }

  /** A new list, or the end of the time that a question may wait. */
  #change(request: IncomingMessage): Promise<void> {
    return new Promise((done) => {
      const { socket } = request;
      const end = (): void => {
        clearTimeout(timer);
        socket.off('close', end);
        this.#waiting.delete(end);
        done();
      };
      const timer = setTimeout(end, this.waitMs);
      this.#waiting.add(end);
      socket.once('close', end);
    });
  }
}
