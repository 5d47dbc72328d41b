import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { postHook } from '../../src/hooks/hook-request.ts';
import { isHookSigned, SIGNATURE_VALID_S, signHook } from '../../src/hooks/hook-signature.ts';
import { AddressRefused, VettedLookup } from '../../src/hooks/vetted-lookup.ts';
import { type HookSettings, WebHooks } from '../../src/hooks/web-hooks.ts';
import { monotonicNow } from '../../src/shared/clock.ts';
import { silentLogger } from '../../src/shared/logger.ts';
import { publicStreamName } from '../../src/shared/redact.ts';
import type { StreamEvent } from '../../src/sls-bridge/stream-event.ts';
import { until } from '../support/processes.ts';

const SECRET = 's'.repeat(24);

interface Received {
  readonly body: string;
  readonly headers: IncomingMessage['headers'];
  readonly event: { id: string; sequence: number; type: string; stream: string; [word: string]: unknown };
}

const servers: Server[] = [];
const running: WebHooks[] = [];
afterEach(async () => {
  for (const hooks of running.splice(0)) await hooks.stop(0);
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    await new Promise((closed) => server.close(closed));
  }
});

/** @param answer the status of each request, by its number; undefined: none, ever */
const receiver = async (
  answer: (received: Received, count: number) => number | undefined,
  more: (response: ServerResponse) => void = () => {},
): Promise<{ url: string; received: Received[] }> => {
  const received: Received[] = [];
  const server = createServer(async (request, response) => {
    let body = '';
    for await (const chunk of request) body += chunk;
    const one = { body, headers: request.headers, event: JSON.parse(body) as Received['event'] };
    received.push(one);
    const status = answer(one, received.length);
    if (status === undefined) return;
    more(response);
    response.writeHead(status).end();
  });
  servers.push(server);
  await new Promise<void>((up) => server.listen(0, '127.0.0.1', up));
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook`, received };
};

const hooksTo = (url: string, more: Partial<HookSettings> = {}): WebHooks => {
  const hooks = new WebHooks({
    settings: {
      urls: [url],
      events: ['publish', 'unpublish', 'play', 'stop', 'link-up', 'link-down', 'refused', 'quality'],
      details: 'public',
      secret: SECRET,
      secretFile: undefined,
      authUrl: undefined,
      authForm: 'json',
      whenDown: 'cached',
      allowedNetworks: ['127.0.0.1'],
      maxQueued: 1_000,
      ...more,
    },
    logger: silentLogger,
    clock: monotonicNow,
    unixNow: Date.now,
  });
  running.push(hooks);
  return hooks;
};

const linkJoined = (publisherId: string, port: number): StreamEvent => ({
  ...{ atMs: 1, wallMs: 1_790_000_000_000, publisherId },
  ...{ type: 'link-joined', group: 'g', address: '203.0.113.7', port },
});
const nowS = (): number => Date.now() / 1_000;
const signedAs = ({ headers }: Received) => ({
  timestamp: headers['tributary-timestamp'] as string,
  signature: headers['tributary-signature'] as string,
});

describe('a receiver of webhooks', () => {
  it('is told in order for each stream, signed, and again where it fails', async () => {
    const { url, received } = await receiver((_one, count) => (count === 2 ? 503 : 204));
    const hooks = hooksTo(url);
    for (let port = 1; port <= 5; port++) for (const id of ['live_a', 'live_b']) hooks.tell(linkJoined(id, port));
    await until('all to be delivered', () => hooks.counts().delivered === 10);
    expect(received).toHaveLength(11);
    for (const id of ['live_a', 'live_b']) {
      const ports = received
        .filter(({ event }) => event.stream === publicStreamName(id))
        .map(({ event }) => event.port);
      expect([...new Set(ports)]).toEqual([1, 2, 3, 4, 5]);
    }
    for (const one of received) expect(isHookSigned(SECRET, signedAs(one), one.body, nowS())).toBe(true);
    const failed = received[1]!;
    expect(received.filter(({ event }) => event.id === failed.event.id)).toHaveLength(2);
    expect(received.map(({ event }) => event.sequence).sort((a, b) => a - b)).toHaveLength(11);
  });

  it('finds no ids in them, unless it is to have them', async () => {
    const { url, received } = await receiver(() => 200);
    const hooks = hooksTo(url);
    const played: StreamEvent = {
      ...{ atMs: 1, wallMs: 2, publisherId: 'live_secret', type: 'player-up', latencyMs: 500 },
      ...{ playerId: 'play_secret', address: '203.0.113.7', port: 5 },
    };
    hooks.tell(played);
    await until('the first', () => received.length === 1);
    expect(received[0]!.body).not.toContain('secret');
    expect(received[0]!.event).toMatchObject({ type: 'play', event: 'player-up', atMs: 2, address: '203.0.113.x' });
    hooks.configure({ ...hooks.settings, details: 'full' });
    hooks.tell(played);
    await until('the second', () => received.length === 2);
    expect(received[1]!.event).toMatchObject({
      ...{ publisherId: 'live_secret', playerId: 'play_secret', address: '203.0.113.7', sequence: 2 },
    });
  });

  it('can tell a replay and a forgery', () => {
    const at = Math.floor(nowS());
    const signature = signHook(SECRET, at, 'body');
    const check = (timestamp: string | undefined, given: string | undefined, body: string, now: number): boolean =>
      isHookSigned(SECRET, { timestamp, signature: given }, body, now);
    expect(check(String(at), signature, 'body', at)).toBe(true);
    expect(check(String(at), signature, 'body', at + SIGNATURE_VALID_S + 1)).toBe(false);
    expect(check(String(at + 600), signature, 'body', at + 600)).toBe(false);
    expect(check(String(at), signature, 'bodY', at)).toBe(false);
    expect(check(String(at), undefined, 'body', at)).toBe(false);
    expect(check(undefined, signature, 'body', at)).toBe(false);
    expect(check('soon', signature, 'body', at)).toBe(false);
    expect(isHookSigned('t'.repeat(24), { timestamp: String(at), signature }, 'body', at)).toBe(false);
  });

  it('that does not answer costs a bounded queue and no waiting', async () => {
    const { url, received } = await receiver(() => undefined);
    const hooks = hooksTo(url, { maxQueued: 5 });
    for (let port = 1; port <= 20; port++) hooks.tell(linkJoined('live_a', port));
    expect(hooks.counts()).toEqual({ delivered: 0, failed: 0, dropped: 15 });
    await until('the first try', () => received.length === 1);
    expect(received[0]!.event.port).toBe(1);
  });

  it('that does not answer is not waited for when the node stops', async () => {
    const { url, received } = await receiver(() => undefined);
    const hooks = hooksTo(url);
    hooks.tell(linkJoined('live_a', 1));
    await until('the first try', () => received.length === 1);
    const startMs = monotonicNow();
    await hooks.stop(300);
    expect(monotonicNow() - startMs).toBeGreaterThanOrEqual(295);
    // Its own limit is 3 s.
    expect(monotonicNow() - startMs).toBeLessThan(2_000);
  });

  it('that answers late is waited for as long as the stop may take, and no longer', async () => {
    let answer: (() => void) | undefined;
    const { url, received } = await receiver(() => undefined);
    const server = servers.at(-1)!;
    server.removeAllListeners('request');
    server.on('request', (_request, response) => {
      answer = () => response.writeHead(200).end();
    });
    const hooks = hooksTo(url);
    hooks.tell(linkJoined('live_a', 1));
    await until('the request', () => answer);
    const stopped = hooks.stop(10_000);
    answer!();
    await stopped;
    expect(hooks.counts().delivered).toBe(1);
    expect(received).toEqual([]);
  });

  it('is counted: what it has taken, what waits, and what was given up, also when it is gone', async () => {
    const { url } = await receiver(({ event }) => (event.port === 2 ? 403 : 200));
    const hooks = hooksTo(url);
    expect(hooks.facts()).toEqual({ delivered: 0, failed: 0, dropped: 0, waiting: 0, silentMs: undefined });
    hooks.tell(linkJoined('live_a', 1));
    hooks.tell(linkJoined('live_a', 2));
    expect(hooks.facts()!.waiting).toBe(2);
    await until('both', () => hooks.facts()!.waiting === 0);
    expect(hooks.facts()).toMatchObject({ delivered: 1, failed: 1, silentMs: expect.any(Number) });
    hooks.configure({ ...hooks.settings, urls: [] });
    expect(hooks.facts()).toBeUndefined();
    expect(hooks.counts()).toEqual({ delivered: 1, failed: 1, dropped: 0 });
  });

  it('that refuses, or sends elsewhere, is not tried again', async () => {
    const { url, received } = await receiver(
      (_one, count) => (count === 1 ? 403 : 307),
      (response) => response.setHeader('location', '/elsewhere'),
    );
    const hooks = hooksTo(url);
    hooks.tell(linkJoined('live_a', 1));
    hooks.tell(linkJoined('live_a', 2));
    await until('both to be given up', () => hooks.counts().failed === 2);
    expect(received).toHaveLength(2);
  });

  it('is told nothing that it has not asked for', async () => {
    const { url, received } = await receiver(() => 200);
    const hooks = hooksTo(url, { events: ['link-down'] });
    hooks.tell(linkJoined('live_a', 1));
    hooks.tell({ ...linkJoined('live_a', 2), type: 'link-left', why: 'timeout' } as StreamEvent);
    await until('the one', () => received.length === 1);
    expect(received[0]!.event).toMatchObject({ type: 'link-down', why: 'timeout', sequence: 1 });
  });

  it('on this machine is not called unless it is allowed', async () => {
    const { url, received } = await receiver(() => 200);
    const hooks = hooksTo(url, { allowedNetworks: [] });
    hooks.tell(linkJoined('live_a', 1));
    await until('it to be given up', () => hooks.counts().failed === 1);
    expect(received).toEqual([]);
  });
});

describe('the address of a receiver', () => {
  const leadingTo = (...addresses: string[]): VettedLookup =>
    new VettedLookup([], async () => addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 })));

  it.each([
    ...['127.0.0.1', '10.0.0.1', '169.254.169.254', '192.168.1.1', '100.64.0.1', '0.0.0.0', '::1', '[::1]'],
    ...['::ffff:127.0.0.1', '[::ffff:7f00:1]', 'fd00::1', 'fe80::1', '64:ff9b::a00:1', '224.0.0.1'],
  ])('%s is refused', async (host) => {
    await expect(new VettedLookup([]).addressesOf(host)).rejects.toThrow(AddressRefused);
  });

  it('is refused where only one of those of its name is private', async () => {
    await expect(leadingTo('93.184.215.14', '127.0.0.1').addressesOf('mixed.example')).rejects.toThrow(AddressRefused);
    await expect(leadingTo('93.184.215.14').addressesOf('fine.example')).resolves.toHaveLength(1);
  });

  it('is the one that was vetted: the name is not asked for again', async () => {
    const { url, received } = await receiver(() => 200);
    let asked = 0;
    const vetted = new VettedLookup(['127.0.0.1'], async () => {
      asked++;
      return [{ address: '127.0.0.1', family: 4 }];
    });
    const named = url.replace('127.0.0.1', 'receiver.invalid');
    expect(await postHook({ url: named, headers: {}, body: '{}' }, vetted)).toBe(200);
    expect([asked, received.length]).toEqual([1, 1]);
  });

  it('is waited for as long as the answer is, and asked for once at a time', async () => {
    let asked = 0;
    const vetted = new VettedLookup([], () => {
      asked++;
      return new Promise(() => {});
    });
    const tries = [1, 2].map(() => postHook({ url: 'http://slow.example/', headers: {}, body: '' }, vetted, 50));
    await expect(Promise.all(tries)).rejects.toThrow('no answer within 50 ms');
    expect(asked).toBe(1);
  });
});
