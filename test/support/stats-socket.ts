import { onTestFinished } from 'vitest';
import WebSocket from 'ws';
import { HttpListener, type ListenOptions } from '../../src/stats/http-listener.ts';
import { createStatsServer } from '../../src/stats/stats-server.ts';
import type { TestDeps } from './stats-deps.ts';

/** The server of port 8090 on a real port of loopback. */
export const listeningStats = async (
  deps: TestDeps,
  options: Pick<ListenOptions, 'idleTimeoutMs'> = {},
): Promise<{
  port: number;
  base: string;
  /** WebSocket clients. */
  clients: () => number;
  /** All connections. */
  connections: () => number;
  close: (graceMs: number) => Promise<void>;
}> => {
  const { app, onUpgrade, push } = createStatsServer(deps);
  const listener = await HttpListener.open(app, {
    ...options,
    bind: ['127.0.0.1'],
    port: 0,
    portSetting: 'SLS_STATS_PORT',
    trustedProxies: deps.settings.http.trustedProxies,
    onUpgrade,
    onClose: () => push.close(),
  });
  let closing: Promise<void> | undefined;
  const close = (graceMs: number): Promise<void> => {
    closing ??= listener.close(graceMs);
    return closing;
  };
  onTestFinished(() => close(0));
  const { port } = listener;
  return {
    port,
    base: `127.0.0.1:${port}`,
    clients: () => push.clients,
    connections: () => listener.connections,
    close,
  };
};

/** A WebSocket client that keeps what it is told. */
export class PushClient {
  readonly socket: WebSocket;
  readonly frames: string[] = [];
  /** `open`, or the status of a refusal. */
  readonly outcome: Promise<number | 'open'>;
  /** Its code, once it is closed. */
  closeCode: number | undefined;
  refusal = '';
  readonly closed: Promise<number>;

  constructor(url: string, headers: Record<string, string> = {}) {
    this.socket = new WebSocket(url, { headers });
    this.socket.on('message', (data) => this.frames.push(String(data)));
    this.outcome = new Promise((done) => {
      this.socket.once('open', () => done('open'));
      this.socket.once('unexpected-response', (_request, response) => {
        response.on('data', (chunk: Buffer) => {
          this.refusal += chunk.toString('utf8');
        });
        response.once('end', () => done(response.statusCode ?? 0));
      });
      this.socket.on('error', () => done(0));
    });
    this.closed = new Promise((done) => {
      this.socket.once('close', (code) => {
        this.closeCode = code;
        done(code);
      });
    });
  }

  get last(): { type: string; timestamp: number; streams: Record<string, unknown>[] } {
    return JSON.parse(this.frames.at(-1) ?? 'null');
  }
}
