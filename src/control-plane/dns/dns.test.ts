import { describe, expect, it, vi } from 'vitest';
import {
  FakeAccounts,
  FakeNode,
  type PlaneOptions,
  type TestPlane,
  testPlane,
} from '../../../test/support/control-plane.ts';
import { onEachDatabase, type TestDatabase } from '../../../test/support/databases.ts';
import { FakeCloudflare, MISHAPS } from '../../../test/support/fake-cloudflare.ts';
import type { Logger } from '../../shared/logger.ts';
import { Cloudflare } from './cloudflare.ts';
import { DnsError } from './provider.ts';

const HOST = 'slug1.relay.example.com';
const V4 = { a: '192.0.2.7', aaaa: undefined };
const never = new AbortController().signal;

const make = (fake = new FakeCloudflare()) => ({ fake, dns: new Cloudflare(fake, fake.fetch, () => 1_000) });

describe('Cloudflare', () => {
  it('makes a record of 60 s that is not proxied, and asks for nothing where it is there', async () => {
    const { fake, dns } = make();
    await dns.set(HOST, V4, never);
    expect(fake.records).toMatchObject([{ type: 'A', name: HOST, content: '192.0.2.7', ttl: 60, proxied: false }]);
    fake.requests.length = 0;
    await dns.set(HOST, V4, never);
    expect(fake.requests).toEqual(['GET ']);
  });

  it('changes the record in its place, and mends one that somebody has proxied', async () => {
    const { fake, dns } = make();
    const { id } = fake.add(HOST, '192.0.2.1', 'A', { proxied: true, ttl: 1 });
    await dns.set(HOST, V4, never);
    expect(fake.records).toMatchObject([{ id, content: '192.0.2.7', ttl: 60, proxied: false }]);
  });

  it('leaves one record of each type, none of a type that is not wanted, and those of other names alone', async () => {
    const { fake, dns } = make();
    fake.perPage = 2;
    fake.add('other.example.com', '192.0.2.9');
    for (const content of ['192.0.2.1', '192.0.2.7', '192.0.2.3']) fake.add(HOST, content);
    fake.add(HOST, 'some text', 'TXT');
    await dns.set(HOST, { ...V4, aaaa: '2001:db8::7' }, never);
    expect(fake.of(HOST)).toEqual(['A 192.0.2.7', 'AAAA 2001:db8::7', 'TXT some text']);
    await dns.set(HOST, { a: undefined, aaaa: '2001:db8::8' }, never);
    expect(fake.of(HOST)).toEqual(['AAAA 2001:db8::8', 'TXT some text']);
    expect(fake.of('other.example.com')).toEqual(['A 192.0.2.9']);
  });

  it('looks once more where somebody else has been faster', async () => {
    const { fake, dns } = make();
    fake.beforeWrite = () => {
      fake.beforeWrite = undefined;
      fake.add(HOST, '192.0.2.7');
    };
    await dns.set(HOST, V4, never);
    expect(fake.of(HOST)).toEqual(['A 192.0.2.7']);
    fake.records = [];
    fake.add(HOST, '192.0.2.1');
    fake.beforeWrite = () => {
      fake.beforeWrite = undefined;
      fake.records = [];
    };
    await dns.set(HOST, V4, never);
    expect(fake.of(HOST)).toEqual(['A 192.0.2.7']);
  });

  it('leaves an alias alone', async () => {
    const { fake, dns } = make();
    fake.add(HOST, 'elsewhere.example.com', 'CNAME');
    await expect(dns.set(HOST, V4, never)).rejects.toMatchObject({ kind: 'refused' });
    expect(fake.of(HOST)).toEqual(['CNAME elsewhere.example.com']);
  });

  it.each([
    ['too many requests, with seconds', 'away', 7_000],
    ['too many requests, without a time', 'away', 30_000],
    ['an internal error', 'away'],
    ['a page of its edge', 'away'],
    ['a gateway that gives up', 'away'],
    ['a success that is none', 'refused'],
    ['no JSON', 'away'],
    ['JSON of something else', 'away'],
    ['an answer without an end', 'away'],
    ['a connection that breaks', 'away'],
    ['no answer in time', 'away'],
    ['a token that is wrong', 'refused'],
    ['a token that may not', 'refused'],
    ['a header that is wrong', 'refused'],
    ['a zone that is not there', 'refused'],
    ['a content that is wrong', 'refused'],
    ['too many records', 'refused'],
  ] as const)('says of %s what helps: %s', async (name, kind, pauseMs?: number) => {
    // At the look, and at the change.
    for (const before of [[], [undefined]]) {
      const { fake, dns } = make();
      const list = new FakeCloudflare();
      fake.mishaps = [
        ...before.map(
          () => () =>
            list.fetch(`https://api.cloudflare.com/client/v4/zones/${list.zoneId}/dns_records`, {
              headers: { authorization: `Bearer ${list.token}` },
            }),
        ),
        MISHAPS[name],
      ];
      const error = await dns.set(HOST, V4, never).catch((thrown: unknown) => thrown);
      expect(error).toBeInstanceOf(DnsError);
      expect(error).toMatchObject({ kind, pauseMs });
      expect(String(error)).not.toContain(fake.token);
    }
  });
});

describe('the DNS of slots', () =>
  onEachDatabase((make) => {
    const plane = async (
      database: TestDatabase,
      more: PlaneOptions = {},
    ): Promise<{ plane: TestPlane; fake: FakeCloudflare }> => {
      const fake = new FakeCloudflare();
      const accounts = new FakeAccounts();
      accounts.add('ann');
      const env = {
        DNS_PROVIDER: 'cloudflare',
        CLOUDFLARE_ZONE_ID: fake.zoneId,
        CLOUDFLARE_DNS_TOKEN: fake.token,
        RELAY_DOMAIN: 'relay.example.com',
      };
      return { plane: await testPlane(await database.open(), { accounts, env, fetch: fake.fetch, ...more }), fake };
    };
    const dnsOk = async (of: TestPlane): Promise<boolean> => (await of.active('ann')).body.session.dns_ok;

    it('lead to the node of their session, stay when it stops, and follow it to another node', async () => {
      const { plane: one, fake } = await plane(make());
      const first = await new FakeNode(one, 'kc1').join();
      const { session } = (await one.start('ann')).body;
      expect(session.sender_url).toBe(`srtla://${HOST}:5000?streamid=live_ann1`);
      await vi.waitFor(async () => expect(await dnsOk(one)).toBe(true));
      expect(fake.of(HOST)).toEqual(['A 192.0.2.7']);
      await one.stop('ann', session.session_id);
      await one.plane.runJob('dns');
      expect(fake.of(HOST)).toEqual(['A 192.0.2.7']);

      first.die();
      await one.call('PATCH', '/api/v1/admin/nodes/kc1', 'administrator', { status: 'inactive' });
      const second = new FakeNode(one, 'kc2');
      await second.register({ publicIp: '192.0.2.8' });
      await second.join();
      await second.register({ publicIp: '192.0.2.8' });
      await one.start('ann');
      await vi.waitFor(async () => expect(await dnsOk(one)).toBe(true));
      await one.plane.runJob('dns-drift');
      await one.plane.runJob('dns');
      expect(fake.of(HOST)).toEqual(['A 192.0.2.8']);
    });

    it('are tried again until they are made; the session says so, and starts all the same', async () => {
      const lines: string[] = [];
      const at = (level: string) => (message: string) => void lines.push(`${level} ${message}`);
      const logger: Logger = {
        debug: at('debug'),
        info: () => {},
        warn: at('warn'),
        error: at('error'),
        child: () => logger,
      };
      const { plane: one, fake } = await plane(make(), { logger });
      await new FakeNode(one, 'kc1').join();
      fake.always = MISHAPS['a page of its edge'];
      expect((await one.start('ann')).body.session).toMatchObject({ status: 'active', dns_ok: false });
      await vi.waitFor(() => expect(fake.requests.length).toBe(1));
      await one.plane.runJob('dns');
      // Not before its time.
      expect(fake.requests.length).toBe(1);
      fake.always = MISHAPS['a token that is wrong'];
      one.pass(1_000);
      await one.plane.runJob('dns');
      expect(fake.requests.length).toBe(2);
      one.pass(20_000);
      await one.plane.runJob('dns');
      expect(fake.requests.length).toBe(2);
      fake.always = MISHAPS['too many requests, with seconds'];
      one.pass(10_000);
      await one.plane.runJob('dns');
      fake.always = undefined;
      one.pass(6_999);
      await one.plane.runJob('dns');
      expect([fake.requests.length, await dnsOk(one)]).toEqual([3, false]);
      one.pass(1);
      await one.plane.runJob('dns');
      expect([fake.of(HOST), await dnsOk(one)]).toEqual([['A 192.0.2.7'], true]);
      expect(lines.filter((line) => line.includes('DNS'))).toEqual([
        'warn a DNS entry could not be made; it is tried again',
      ]);
    });

    it('lead to an IPv6 address only while the node is reached there', async () => {
      let isReached = false;
      const fake = new FakeCloudflare();
      const fetch = async (url: string, init: RequestInit): Promise<Response> => {
        if (!url.startsWith('http://[2001:db8::7]:8090/health')) return fake.fetch(url, init);
        if (!isReached) throw new TypeError('fetch failed');
        return new Response('{"status":"ok"}');
      };
      const database = make();
      const accounts = new FakeAccounts();
      accounts.add('ann');
      const env = {
        DNS_PROVIDER: 'cloudflare',
        CLOUDFLARE_ZONE_ID: fake.zoneId,
        CLOUDFLARE_DNS_TOKEN: fake.token,
        RELAY_DOMAIN: 'relay.example.com',
      };
      const one = await testPlane(await database.open(), { accounts, env, fetch });
      const node = await new FakeNode(one, 'kc1').join();
      await node.register({ publicIp6: '2001:db8::7' });
      const pass = async () => {
        for (const job of ['ipv6', 'dns-drift', 'dns']) await one.plane.runJob(job);
      };
      await one.start('ann');
      await pass();
      expect(fake.of(HOST)).toEqual(['A 192.0.2.7']);
      isReached = true;
      await pass();
      expect(fake.of(HOST)).toEqual(['A 192.0.2.7', 'AAAA 2001:db8::7']);
      isReached = false;
      await pass();
      expect([fake.of(HOST), await dnsOk(one)]).toEqual([['A 192.0.2.7'], true]);
    });

    it('are no business of a plane that has no provider', async () => {
      const accounts = new FakeAccounts();
      accounts.add('ann');
      const one = await testPlane(await make().open(), { accounts, env: { RELAY_DOMAIN: 'relay.example.com' } });
      await new FakeNode(one, 'kc1').join();
      const { session } = (await one.start('ann')).body;
      expect(session.sender_url).toContain(HOST);
      expect(session).not.toHaveProperty('dns_ok');
      await expect(plane(make(), { env: { DNS_PROVIDER: 'cloudflare' } })).rejects.toMatchObject({
        code: 'TRIBUTARY_BAD_SETTING',
      });
    });
  }));
