import { createServer, type IncomingHttpHeaders, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { HOOK_EVENTS } from '../../src/hooks/hook-event.ts';
import { isSignedHook, REPLAY_WINDOW_SECONDS, signHook } from '../../src/hooks/hook-signature.ts';
import { HOOK_QUEUE, Hooks, type HooksOptions } from '../../src/hooks/hooks.ts';
import { monotonicNow } from '../../src/shared/clock.ts';
import { silentLogger } from '../../src/shared/logger.ts';
import type { StreamEvent, StreamHappening } from '../../src/sls-bridge/stream-event.ts';
import { until } from '../support/processes.ts';

const SECRET = 'a-secret-of-the-receiver';

interface Received {
  headers: IncomingHttpHeaders;
  text: string;
  body: { id: string; event: string; stream: string; details: Record<string, unknown>; missed: number };
}

/** What a receiver has to do, done: signature, time, each delivery once. */
class Receiver {
  readonly all: Received[] = [];
  readonly taken: Received['body'][] = [];
  readonly #ids = new Set<string>();
  #server: Server | undefined;
  /** Of the next requests, in order; then 204. `hang`: no answer. */
  answers: (number | 'hang')[] = [];
  headers: Record<string, string> = {};
  port = 0;

  async start(): Promise<this> {
    this.#server = createServer((request, response) => {
      let text = '';
      request.on('data', (chunk: Buffer) => {
        text += chunk.toString();
      });
      request.on('end', () => {
        const received = { headers: request.headers, text, body: JSON.parse(text) as Received['body'] };
        this.all.push(received);
        const answer = this.answers.shift() ?? 204;
        if (answer === 'hang') return;
        if (answer < 300 && this.accepts(received)) this.taken.push(received.body);
        response.writeHead(answer, this.headers).end();
      });
    });
    await new Promise<void>((done) => this.#server!.listen(0, '127.0.0.1', done));
    this.port = (this.#server.address() as AddressInfo).port;
    return this;
  }

  accepts({ headers, text, body }: Received, nowMs = Date.now()): boolean {
    const isSigned = isSignedHook(SECRET, {
      timestamp: String(headers['tributary-timestamp']),
      signature: String(headers['tributary-signature']),
      body: text,
      unixSeconds: Math.floor(nowMs / 1_000),
    });
    if (!isSigned || this.#ids.has(body.id)) return false;
    this.#ids.add(body.id);
    return true;
  }

  async stop(): Promise<void> {
    this.#server?.closeAllConnections();
    await new Promise((done) => this.#server?.close(done));
  }
}

const receivers: Receiver[] = [];
const senders: Hooks[] = [];
afterEach(async () => {
  await Promise.all(senders.splice(0).map((hooks) => hooks.stop(0)));
  await Promise.all(receivers.splice(0).map((receiver) => receiver.stop()));
});

const receiverOf = async (): Promise<Receiver> => {
  const receiver = await new Receiver().start();
  receivers.push(receiver);
  return receiver;
};
const hooksTo = (url: string, more: Partial<HooksOptions> = {}): Hooks => {
  const hooks = new Hooks({
    ...{ url, secret: SECRET, events: HOOK_EVENTS, allowPrivate: true, version: '0.0.0' },
    ...{ mask: () => '203.0.113.x', clock: monotonicNow, unixNow: Date.now, logger: silentLogger },
    ...{ limitMs: 200, pausesMs: [10, 20], ...more },
  });
  senders.push(hooks);
  return hooks;
};
const happened = (publisherId: string, what: StreamHappening): StreamEvent => ({
  atMs: 0,
  wallMs: Date.now(),
  publisherId,
  ...what,
});
const up = (id: string, latencyMs = 500): StreamEvent =>
  happened(id, { type: 'publisher-up', source: 'srt', address: '203.0.113.77', latencyMs, encrypted: false });

describe('hooks', () => {
  it('are signed, name the stream without its id, and hold no address in full and no player id', async () => {
    const receiver = await receiverOf();
    const hooks = hooksTo(`http://127.0.0.1:${receiver.port}/in?key=1`);
    hooks.take(up('live_secret'));
    hooks.take(
      happened('live_secret', {
        type: 'player-up',
        playerId: 'play_secret',
        address: '203.0.113.78',
        port: 1,
        latencyMs: 1,
      }),
    );
    await until('both', () => receiver.taken.length === 2);
    expect(receiver.taken.map(({ event }) => event)).toEqual(['publish', 'play']);
    expect(receiver.taken[0]).toMatchObject({
      stream: expect.stringMatching(/^stream-/),
      type: 'publisher-up',
      details: { source: 'srt', address: '203.0.113.x', latencyMs: 500, encrypted: false },
      missed: 0,
    });
    const texts = receiver.all.map(({ text }) => text).join();
    for (const hidden of ['live_secret', 'play_secret', '203.0.113.77', '203.0.113.78'])
      expect(texts).not.toContain(hidden);
    expect(hooks.counts).toEqual({ delivered: 2, failed: 0, dropped: 0, waiting: 0 });
  });

  it('cannot be forged, changed or played again', async () => {
    const receiver = await receiverOf();
    hooksTo(`http://127.0.0.1:${receiver.port}/`).take(up('a'));
    await until('it', () => receiver.taken.length === 1);
    const [sent] = receiver.all;
    expect(receiver.accepts(sent!)).toBe(false);
    const fresh = new Receiver();
    expect(fresh.accepts({ ...sent!, text: `${sent!.text} ` })).toBe(false);
    expect(fresh.accepts(sent!, Date.now() + (REPLAY_WINDOW_SECONDS + 2) * 1_000)).toBe(false);
    const later = String(Number(sent!.headers['tributary-timestamp']) + 1);
    expect(fresh.accepts({ ...sent!, headers: { ...sent!.headers, 'tributary-timestamp': later } })).toBe(false);
    expect(fresh.accepts({ ...sent!, headers: { ...sent!.headers, 'tributary-timestamp': 'now' } })).toBe(false);
    expect(fresh.accepts(sent!)).toBe(true);
    expect(signHook('other-secret-of-16', 1, '{}')).not.toBe(signHook(SECRET, 1, '{}'));
  });

  it('are tried three times, with the same number each time; what fails holds up its own stream only', async () => {
    const receiver = await receiverOf();
    receiver.answers = [500, 'hang', 503];
    const hooks = hooksTo(`http://127.0.0.1:${receiver.port}/`);
    hooks.take(up('a', 1));
    hooks.take(up('a', 2));
    await until('the second', () => receiver.taken.length === 1);
    expect(receiver.taken[0]!.details.latencyMs).toBe(2);
    const firstThree = receiver.all.slice(0, 3).map(({ body }) => body.id);
    expect(new Set(firstThree).size).toBe(1);
    expect(hooks.counts).toMatchObject({ delivered: 1, failed: 1 });
    receiver.answers = ['hang'];
    hooks.take(up('a', 3));
    hooks.take(up('a', 4));
    hooks.take(up('b', 5));
    await until('all', () => receiver.taken.length === 4);
    expect(receiver.taken.slice(1).map(({ details }) => details.latencyMs)).toEqual([5, 3, 4]);
  });

  it('cost a bounded queue where the receiver hangs, and tell it afterwards how many it has missed', async () => {
    const receiver = await receiverOf();
    receiver.answers = Array.from({ length: HOOK_QUEUE.maxAtOnce }, () => 'hang' as const);
    const hooks = hooksTo(`http://127.0.0.1:${receiver.port}/`, { limitMs: 2_000 });
    for (let index = 0; index < HOOK_QUEUE.maxWaiting + 50; index++) hooks.take(up(`stream-${index % 40}`, index));
    expect(hooks.counts).toMatchObject({ dropped: 50, waiting: HOOK_QUEUE.maxWaiting });
    await until('the rest', () => hooks.counts.waiting === 0, 30_000);
    expect(receiver.taken).toHaveLength(HOOK_QUEUE.maxWaiting);
    expect(receiver.taken.at(-1)!.missed).toBe(50);
    for (let stream = 0; stream < 40; stream++) {
      const numbers = receiver.taken.map(({ details }) => Number(details.latencyMs)).filter((n) => n % 40 === stream);
      expect(numbers).toEqual([...numbers].sort((a, b) => a - b));
    }
  }, 60_000);

  it.each(['127.0.0.1', 'localhost', '[::1]', '0x7f.1', '[::ffff:127.0.0.1]', '169.254.169.254', '10.0.0.1'])(
    'do not go to %s unless they may',
    async (host) => {
      const receiver = await receiverOf();
      const hooks = hooksTo(`http://${host}:${receiver.port}/`, { allowPrivate: false, pausesMs: [] });
      hooks.take(up('a'));
      await until('the failure', () => hooks.counts.failed === 1);
      expect(receiver.all).toEqual([]);
    },
  );

  it('follow no redirection', async () => {
    const receiver = await receiverOf();
    const other = await receiverOf();
    receiver.answers = [307];
    receiver.headers = { location: `http://127.0.0.1:${other.port}/` };
    const hooks = hooksTo(`http://127.0.0.1:${receiver.port}/`, { pausesMs: [] });
    hooks.take(up('a'));
    await until('the failure', () => hooks.counts.failed === 1);
    expect(other.all).toEqual([]);
  });

  it('tell only what they are asked to, and the last of it at a stop', async () => {
    const receiver = await receiverOf();
    const hooks = hooksTo(`http://127.0.0.1:${receiver.port}/`, { events: ['unpublish'] });
    hooks.take(up('a'));
    hooks.take(
      happened('a', {
        type: 'publisher-down',
        why: 'stopping',
        source: 'srt',
        address: '::1',
        seconds: 1,
        messages: 2,
      }),
    );
    await hooks.stop(2_000);
    expect(receiver.taken.map(({ event }) => event)).toEqual(['unpublish']);
    hooks.take(up('a'));
    expect(hooks.counts.waiting).toBe(0);
  });
});
