import { readFileSync, writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { Validator } from '@seriousme/openapi-schema-validator';
import { describe, expect, it } from 'vitest';
import type { z } from 'zod';
import { dataPlaneSnapshot, groupSnapshot, linkSnapshot, publisherSnapshot } from '../../../test/support/snapshots.ts';
import { statsClient } from '../../../test/support/stats-client.ts';
import { ADMIN } from '../../../test/support/stats-deps.ts';
import type { StreamEventView } from '../deps.ts';
import { openApiDocument } from './openapi.ts';
import { OPERATIONS, type Operation } from './operations.ts';
import { SCHEMAS } from './schemas.ts';

const DOCUMENT = resolve(import.meta.dirname, '../../../docs/openapi.json');

/** A node with as much in it as there can be. */
const client = async () => {
  const it = await statsClient();
  const group = groupSnapshot({ id: '0x1a2b3c4d5e6f7081', streamId: 'live_a' });
  it.deps.view = dataPlaneSnapshot({ srtla: { groups: [group], counters: {} }, counters: { dataPlaneUp: 1 } });
  it.deps.quality = () => ({
    ...{ mode: 'advise', level: 'HIGH', advice: 'MEDIUM', state: 'RECOVERY', reason: 'clean', sinceMs: 0 },
  });
  const event = { atMs: 5, wallMs: 1_790_000_000_000, type: 'link-joined', group: group.id, address: '203.0.113.7' };
  it.deps.history.set('live_a', [event as StreamEventView]);
  const series = [1, null, 2.5];
  it.deps.historyOf = (id) =>
    id === 'live_a'
      ? {
          ...{ stepMs: 2_000, endMs: 1_790_000_000_000, kbps: series, rttMs: series, bufferMs: series },
          ...{ lossPct: series, resentPct: series, dropped: series },
          links: [{ slot: 0, label: 'A', kbps: series, rttMs: series, jitterMs: series, lossPct: series }],
        }
      : undefined;
  const writer = (await it.deps.keys.create('writer', 'write')) as string;
  const reader = (await it.deps.keys.create('reader', 'read')) as string;
  const ask = async (operation: Operation, key: string | undefined, id = 'play_a', body?: unknown) => {
    const url = operation.path.replace('{id}', encodeURIComponent(id)).replace('{key}', '7');
    const method = operation.method.toUpperCase() as 'GET';
    const answer = await it.call(method, url, key === undefined ? {} : it.withKey(key, body));
    return { ...answer, json: () => JSON.parse(answer.body) };
  };
  return { ...it, ask, writer, reader };
};
const operation = (id: string): Operation => OPERATIONS.find((one) => one.id === id)!;

/** It has what the schema says and nothing else. */
const expectExactly = (schema: z.ZodType, answer: unknown, what: string): void => {
  const read = schema.safeParse(answer);
  expect(read.error?.issues, what).toBeUndefined();
  expect(read.data, what).toEqual(answer);
};

/** What a request needs to be a good one. */
const BODIES: Readonly<Record<string, unknown>> = {
  addStreamId: {
    publisher: 'live_c',
    player: 'play_c',
    label: 'Third',
    passphrase: 'a good passphrase',
    maxPlayers: 3,
  },
  changeStreamId: { label: 'Another', latencyMs: 500 },
  makeKey: { name: 'for a test', permissions: 'read' },
};

describe('the document', () => {
  it('is OpenAPI 3.1, by an independent validator', async () => {
    const validator = new Validator();
    const { valid, errors } = await validator.validate(
      structuredClone(openApiDocument('0.1.0')) as Record<string, unknown>,
    );
    expect(errors).toBeUndefined();
    expect(valid).toBe(true);
    expect(validator.version).toBe('3.1');
  });

  it('is the one in the docs', () => {
    const text = `${JSON.stringify(openApiDocument('0.1.0'), undefined, 2)}\n`;
    if (process.env.UPDATE_GOLDEN === '1') writeFileSync(DOCUMENT, text);
    expect(text).toBe(readFileSync(DOCUMENT, 'utf8'));
  });

  it('says of everything what it is, and refers to nothing that is not there', () => {
    const text = JSON.stringify(openApiDocument('0.1.0'));
    const names = new Set([...text.matchAll(/#\/components\/schemas\/(\w+)/g)].map(([, name]) => name!));
    expect([...names].sort()).toEqual(Object.keys(SCHEMAS).sort());
    for (const [name, schema] of Object.entries(SCHEMAS)) expect(schema.description, name).toMatch(/\.$/);
    for (const { id, summary } of OPERATIONS) expect(summary, id).toMatch(/\.$/);
    expect(new Set(OPERATIONS.map(({ id }) => id)).size).toBe(OPERATIONS.length);
  });

  it('is served as it is, and as a page without scripts', async () => {
    const { call } = await client();
    const { body, headers } = await call('GET', '/v1/openapi.json');
    expect(JSON.parse(body)).toEqual(openApiDocument('0.1.0'));
    expect(headers['content-type']).toBe('application/json');
    const page = await call('GET', '/v1/');
    expect(page).toMatchObject({ status: 200, headers: { 'content-type': 'text/html; charset=utf-8' } });
    expect(page.headers['content-security-policy']).toMatch(/^default-src 'none'; style-src 'sha256-/);
    expect(page.body).not.toMatch(/<script|https?:\/\//);
    expect(await call('GET', '/v1')).toMatchObject({ status: 308, headers: { location: '/v1/' } });
    for (const { id, path } of OPERATIONS) {
      expect(page.body).toContain(`id="${id}"`);
      expect(page.body).toContain(`<code>${path}</code>`);
    }
    for (const name of Object.keys(SCHEMAS)) expect(page.body).toContain(`<article id="${name}">`);
  });
});

describe('every operation', () => {
  it.each(OPERATIONS.filter(({ answer }) => typeof answer === 'string').map((one) => [one.id, one] as const))(
    '%s answers as the document says',
    async (id, one) => {
      const { ask } = await client();
      const target = id === 'revokeKey' ? 'none' : 'live_a';
      const answer = await ask(one, ADMIN, target, BODIES[id]);
      if (id === 'revokeKey') return expect(answer.status).toBe(404);
      expect(answer.status, answer.body).toBe(one.status ?? 200);
      expectExactly(SCHEMAS[one.answer as keyof typeof SCHEMAS], answer.json(), id);
    },
  );

  it.each(OPERATIONS.filter(({ access }) => access !== 'open').map((one) => [one.id, one] as const))(
    '%s is for those who may',
    async (id, one) => {
      const { ask, reader, writer } = await client();
      for (const [key, status] of [
        [undefined, 401],
        ['x'.repeat(32), 401],
        ...(one.access === 'write' ? ([[reader, 403]] as const) : []),
        ...(one.access === 'admin'
          ? ([
              [reader, 403],
              [writer, 403],
            ] as const)
          : []),
      ] as const) {
        const answer = await ask(one, key, 'live_a', BODIES[id]);
        expect(answer.status, String(key)).toBe(status);
        expectExactly(SCHEMAS.Failure, answer.json(), id);
      }
    },
  );

  it.each([
    'getStream',
    'getLinks',
    'getPlayers',
    'getEvents',
    'getHistory',
    'disconnectPublisher',
    'disconnectPlayer',
    'changeStreamId',
    'deleteStreamId',
    'revokeKey',
  ])('%s does not know what is not there', async (id) => {
    const { ask } = await client();
    const answer = await ask(operation(id), ADMIN, 'nobody', BODIES[id]);
    expect(answer.status).toBe(404);
    expectExactly(SCHEMAS.Failure, answer.json(), id);
  });
});

describe('a stream', () => {
  it('is found by its publisher id and by a player id, slashes included', async () => {
    const { ask } = await client();
    for (const id of ['live_a', 'play_a'])
      expect((await ask(operation('getStream'), ADMIN, id)).json().id).toBe('live_a');
    const idle = (await ask(operation('getStream'), ADMIN, 'play/bb')).json();
    expect(idle).toMatchObject({ id: 'live_b', state: 'idle', quality: null, publishers: [], players: [] });
  });

  it('has its links with whole addresses for those who may change it, and masked ones for others', async () => {
    const { ask, reader } = await client();
    const addresses = async (key: string): Promise<string[]> =>
      (await ask(operation('getLinks'), key)).json().items.map(({ address }: { address: string }) => address);
    expect((await addresses(ADMIN))[0]).toBe('203.0.113.7:40000');
    expect((await addresses(reader))[0]).toBe('203.0.113.x:40000');
    const [event] = (await ask(operation('getEvents'), reader)).json().items;
    expect(event.address).toBe('203.0.113.x');
  });

  it('is disconnected by its publisher, or by one player', async () => {
    const { ask, deps, writer } = await client();
    await ask(operation('disconnectPublisher'), writer);
    await ask(operation('disconnectPlayer'), writer);
    expect(deps.commands).toEqual(['kick publisher live_a', 'kick socket 7']);
  });
});

describe('a list', () => {
  it('comes in pages', async () => {
    const { call, deps, withKey } = await client();
    deps.view = dataPlaneSnapshot({
      publishers: Array.from({ length: 7 }, (_, n) => publisherSnapshot({ publisherId: `live_${n}` })),
      players: [],
      srtla: {
        groups: Array.from({ length: 7 }, (_, n) => groupSnapshot({ id: `0x${n}`, links: [linkSnapshot()] })),
        counters: {},
      },
    });
    for (const path of ['/v1/streams', '/v1/groups']) {
      const seen: string[] = [];
      for (let after: string | null = ''; after !== null; ) {
        const { body } = await call('GET', `${path}?limit=3${after === '' ? '' : `&after=${after}`}`, withKey(ADMIN));
        const { items, next } = JSON.parse(body) as { items: { id: string }[]; next: string | null };
        expect(items.length).toBeLessThanOrEqual(3);
        seen.push(...items.map(({ id }) => id));
        after = next;
      }
      expect(new Set(seen).size).toBe(7);
      expect(seen).toHaveLength(7);
    }
    for (const query of ['limit=0', 'limit=501', 'limit=x', 'limit=1&limit=2'])
      expect((await call('GET', `/v1/streams?${query}`, withKey(ADMIN))).status, query).toBe(400);
  });
});

describe('stream ids and keys', () => {
  it('are made, changed and taken away', async () => {
    const { ask, call, writer, withKey } = await client();
    const made = (await ask(operation('addStreamId'), writer, '', {})).json();
    expect(made).toMatchObject({ owner: 'local', isEncrypted: false });
    const changed = (await ask(operation('changeStreamId'), writer, made.player, { label: 'Mine' })).json();
    expect(changed.items).toMatchObject([{ player: made.player, label: 'Mine' }]);
    expect((await ask(operation('addStreamId'), writer, '', { publisher: 'x', player: 'play_a' })).status).toBe(409);
    expect((await ask(operation('changeStreamId'), writer, made.player, { lable: 'x' })).body).toContain(
      'Unknown field',
    );
    expect((await ask(operation('deleteStreamId'), ADMIN, made.player)).status).toBe(200);
    expect((await call('DELETE', '/v1/stream-ids/play_a?mode=x', withKey(ADMIN))).status).toBe(400);
    const { key } = (await ask(operation('makeKey'), ADMIN, '', { name: 'n', permissions: 'admin' })).json();
    const listed = (await ask(operation('listKeys'), key)).json().items as { id: string; name: string }[];
    const id = listed.find(({ name }) => name === 'n')!.id;
    expect((await ask(operation('revokeKey'), ADMIN, id)).status).toBe(200);
    expect((await ask(operation('listKeys'), key)).status).toBe(401);
    expect((await ask(operation('makeKey'), ADMIN, '', { permissions: 'god' })).body).toContain('Invalid permissions');
  });
});
