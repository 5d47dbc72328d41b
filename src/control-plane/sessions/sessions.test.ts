import { randomUUID } from 'node:crypto';
import { describe, expect, it, vi } from 'vitest';
import {
  FakeNode,
  type PlaneOptions,
  RELAY_KEY,
  type TestPlane,
  testPlane,
} from '../../../test/support/control-plane.ts';
import { onEachDatabase, type TestDatabase } from '../../../test/support/databases.ts';

const MINUTE = 60_000;

/** A plane with a user `ann` of two slots, `bob` of one, and one node. */
const fleet = async (make: () => TestDatabase, options: PlaneOptions = {}) => {
  const plane = await testPlane(await make().open(), options);
  plane.accounts.add('ann', 2);
  plane.accounts.add('bob');
  const node = await new FakeNode(plane, 'kc1').join();
  return { plane, node };
};

const statusOf = async (plane: TestPlane, user: string, connection?: string): Promise<string | number> => {
  const { status, body } = await plane.active(user, connection);
  return status === 200 ? body.session.status : status;
};

describe('relay/start', () =>
  onEachDatabase((make) => {
    it('is active in the first answer, once the node has said that it takes the stream', async () => {
      const { plane, node } = await fleet(make);
      const { status, body } = await plane.start('ann', { connection: 'conn_1712345678901_3', token: 'ann2' });
      expect(status).toBe(201);
      expect(node.rows.get('play_ann2')).toBe('live_ann2');
      expect(body).toEqual({
        session: {
          session_id: expect.stringMatching(/^ses_[0-9a-f-]{36}$/),
          status: 'active',
          region: 'us-central',
          provision_step: 'ready',
          instance_id: 'kc1',
          connection_id: 'conn_1712345678901_3',
          relay: { public_ip: '192.0.2.7', srt_port: 5_000, relay_hostname: '192.0.2.7' },
          credentials: {
            pair_token: expect.stringMatching(/^[A-Z0-9]{8}$/),
            relay_ws_token: expect.stringMatching(/^[\w-]{32}$/),
            stream_token: 'ann2',
          },
          timers: { grace_window_seconds: 600, max_session_seconds: 57_600 },
          sender_url: 'srtla://192.0.2.7:5000?streamid=live_ann2',
          media_source_url: 'srt://192.0.2.7:4000?streamid=play_ann2',
        },
      });
    });

    it('is provisioning at creating_stream while the node says nothing, and active as soon as it does', async () => {
      const { plane, node } = await fleet(make, { startWaitMs: 100 });
      node.die();
      await plane.start('bob');
      // The open long poll took that one; from now on nobody answers.
      const { status, body } = await plane.start('ann');
      expect({ status, state: body.session.status, step: body.session.provision_step }).toEqual({
        status: 201,
        state: 'provisioning',
        step: 'creating_stream',
      });
      expect(await statusOf(plane, 'ann')).toBe('provisioning');
      await node.heartbeat();
      expect(await statusOf(plane, 'ann')).toBe('active');
      expect(node.rows.has('play_ann1')).toBe(true);
    });

    it('gives the session of a connection again, whatever the key; each connection has its own', async () => {
      const { plane } = await fleet(make);
      const first = await plane.start('ann', { connection: 'a' });
      const again = await plane.start('ann', { connection: 'a' });
      const other = await plane.start('ann', { connection: 'b' });
      expect([first.status, again.status, other.status]).toEqual([201, 200, 201]);
      expect(again.body).toEqual(first.body);
      expect(other.body.session.credentials.stream_token).toBe('ann2');
      expect((await plane.active('ann', 'b')).body.session.session_id).toBe(other.body.session.session_id);
      expect((await plane.active('ann', 'c')).status).toBe(204);
      // A third connection finds no free slot.
      expect(await plane.start('ann', { connection: 'c' })).toMatchObject({
        status: 403,
        body: { error: { code: 'connection_limit_reached', request_id: expect.any(String) } },
      });
    });

    it('gives connections that start at the same time a slot each', async () => {
      const { plane } = await fleet(make);
      const answers = await Promise.all(['a', 'b', 'c'].map((connection) => plane.start('ann', { connection })));
      expect(answers.map(({ status }) => status).sort()).toEqual([201, 201, 403]);
      const open = await Promise.all(['a', 'b', 'c'].map((connection) => plane.active('ann', connection)));
      const tokens = open.flatMap(({ body }) => body?.session.credentials.stream_token ?? []);
      expect(tokens.sort()).toEqual(['ann1', 'ann2']);
    });

    it('answers the same key with the same session, and refuses it with another body', async () => {
      const { plane } = await fleet(make);
      const key = randomUUID();
      const answers = await Promise.all([1, 2, 3].map(() => plane.start('ann', { connection: 'a', key })));
      expect(answers.map(({ status }) => status).sort()).toEqual([200, 200, 201]);
      expect(new Set(answers.map(({ body }) => body.session.session_id)).size).toBe(1);
      expect(await plane.start('ann', { connection: 'b', key })).toMatchObject({
        status: 409,
        body: { error: { code: 'idempotency_mismatch' } },
      });
      // Another user's key is another key.
      expect((await plane.start('bob', { connection: 'b', key })).status).toBe(201);
    });

    it('moves a slot to the connection that asks last', async () => {
      const { plane } = await fleet(make);
      const before = await plane.start('ann', { connection: 'old', token: 'ann1' });
      const after = await plane.start('ann', { connection: 'new', token: 'ann1' });
      expect(after.status).toBe(201);
      expect((await plane.active('ann', 'old')).status).toBe(204);
      expect((await plane.health('ann', before.body.session.session_id)).status).toBe(404);
      expect((await plane.health('ann', after.body.session.session_id)).status).toBe(200);
    });

    it('refuses more sessions than a user may have, and whoever may have none', async () => {
      const { plane } = await fleet(make);
      plane.accounts.users.get('ann')!.maxConcurrentConns = 1;
      await plane.start('ann', { connection: 'a' });
      expect(await plane.start('ann', { connection: 'b' })).toMatchObject({
        status: 403,
        body: { error: { code: 'connection_limit_reached' } },
      });
      plane.accounts.users.get('ann')!.relayAccess = 'disabled';
      expect(await plane.start('ann', { connection: 'a' })).toMatchObject({
        status: 403,
        body: { error: { code: 'entitlement_denied', reason_code: 'admin_disabled' } },
      });
    });

    it('says in which region the stream is, asked for or not', async () => {
      const { plane } = await fleet(make);
      await new FakeNode(plane, 'ld1', { region: 'eu-west' }).join();
      const region = async (user: string, asked: string) =>
        (await plane.start(user, { region: asked })).body.session.region;
      expect(await region('ann', 'eu-west-2')).toBe('eu-west');
      expect(await region('bob', 'ap-southeast')).toMatch(/us-central|eu-west/);
      const reasons = await plane.db.all<{ reason: string }>(
        'SELECT reason FROM assignments ORDER BY assigned_ms, reason',
      );
      expect(reasons.map(({ reason }) => reason)).toEqual(['fallback', 'preference']);
    });

    it('tries another node where one refuses', async () => {
      const { plane, node } = await fleet(make);
      node.conflicts = ['play_ann1'];
      const other = await new FakeNode(plane, 'ld1', { region: 'eu-west' }).join();
      const { status, body } = await plane.start('ann', { region: 'us-central' });
      expect({ status, id: body.session.instance_id, state: body.session.status }).toEqual({
        status: 201,
        id: 'ld1',
        state: 'active',
      });
      expect(other.rows.has('play_ann1')).toBe(true);
      other.conflicts = ['play_bob1'];
      node.conflicts = ['play_bob1'];
      expect(await plane.start('bob')).toMatchObject({ status: 503, body: { error: { code: 'no_relay_available' } } });
      expect(await statusOf(plane, 'bob')).toBe(204);
    });

    it('has no node to give', async () => {
      const plane = await testPlane(await make().open());
      plane.accounts.add('ann');
      expect(await plane.start('ann')).toMatchObject({ status: 503, body: { error: { code: 'no_relay_available' } } });
      await new FakeNode(plane, 'tiny', { maxSessions: 0 }).join();
      expect(await plane.start('ann')).toMatchObject({ status: 503, body: { error: { code: 'capacity_full' } } });
    });

    it.each([
      ['no JSON', '{"region_preference":'],
      ['no object', '[]'],
      ['a region that is too long', { region_preference: 'x'.repeat(65) }],
      ['a region that is no text', { region_preference: 5 }],
      ['a connection that is too long', { connection_id: 'x'.repeat(129) }],
      ['a token of somebody else', { stream_token: 'bob1' }],
      ['a slug in place of a token', { stream_token: 'slug1' }],
      ['a host name in place of a token', { stream_token: 'slug1.relay.example.com' }],
    ])('refuses %s with 400', async (_what, body) => {
      const { plane } = await fleet(make);
      const answer = await plane.call('POST', '/api/v1/relay/start', 'ann', body, { 'idempotency-key': randomUUID() });
      expect(answer).toMatchObject({ status: 400, body: { error: { code: 'invalid_request' } } });
    });

    it('takes unknown members, null for what is optional, and wants a key', async () => {
      const { plane } = await fleet(make);
      const body = { region_preference: null, stream_token: null, connection_id: null, client_context: null, more: 1 };
      const start = (headers: Record<string, string>) =>
        plane.call('POST', '/api/v1/relay/start', 'ann', body, headers);
      expect((await start({})).status).toBe(400);
      expect((await start({ 'idempotency-key': 'x' })).status).toBe(400);
      expect((await start({ 'idempotency-key': randomUUID() })).status).toBe(201);
    });

    it('wants a valid token', async () => {
      const { plane } = await fleet(make);
      for (const user of ['nobody', 'old ann', '']) expect((await plane.start(user)).status).toBe(401);
    });
  }));

describe('relay/stop', () =>
  onEachDatabase((make) => {
    it('ends the session, as often as it is asked, and leaves the stream its grace', async () => {
      const { plane, node } = await fleet(make);
      const { session_id } = (await plane.start('ann')).body.session;
      const first = await plane.stop('ann', session_id);
      expect(first).toMatchObject({
        status: 200,
        body: { session_id, status: 'stopped', stopped_at: new Date(plane.clocks.unixMs).toISOString() },
      });
      plane.pass(1_000);
      expect((await plane.stop('ann', session_id)).body).toEqual(first.body);
      expect(await statusOf(plane, 'ann')).toBe(204);
      expect((await plane.health('ann', session_id)).status).toBe(404);
      plane.pass(598_000);
      await plane.plane.runJob('sweep');
      expect(node.rows.has('play_ann1')).toBe(true);
      plane.pass(2_000);
      await plane.plane.runJob('sweep');
      await vi.waitFor(() => expect(node.rows.has('play_ann1')).toBe(false));
    });

    it('is no harm to a start a second later: same node, active at once, and the countdown is off', async () => {
      const { plane, node } = await fleet(make);
      const other = await new FakeNode(plane, 'ld1').join();
      const before = (await plane.start('ann')).body.session;
      const home = before.instance_id === 'kc1' ? node : other;
      const lists = home.lists.length;
      await plane.stop('ann', before.session_id);
      plane.pass(1_000);
      const { status, body } = await plane.start('ann');
      expect({ status, id: body.session.instance_id, state: body.session.status }).toEqual({
        status: 201,
        id: before.instance_id,
        state: 'active',
      });
      expect(body.session.session_id).not.toBe(before.session_id);
      expect(body.session.credentials.stream_token).toBe(before.credentials.stream_token);
      plane.pass(11 * MINUTE);
      await plane.plane.runJob('sweep');
      expect(home.rows.has('play_ann1')).toBe(true);
      expect(home.lists.length).toBe(lists);
    });

    it("knows nobody else's session", async () => {
      const { plane } = await fleet(make);
      const { session_id } = (await plane.start('ann')).body.session;
      expect((await plane.stop('bob', session_id)).status).toBe(404);
      expect((await plane.stop('ann', 'ses_x')).status).toBe(404);
      expect((await plane.call('POST', '/api/v1/relay/stop', 'ann', {})).status).toBe(400);
      expect((await plane.health('bob', session_id)).status).toBe(404);
      expect((await plane.active('bob')).status).toBe(204);
      // By its connection, and with a token that has expired meanwhile.
      await plane.start('ann', { connection: 'b' });
      const byConnection = await plane.call('POST', '/api/v1/relay/stop', 'old ann', { connection_id: 'b' });
      expect(byConnection.status).toBe(200);
      expect((await plane.active('ann', 'b')).status).toBe(204);
    });
  }));

describe('leases', () =>
  onEachDatabase((make) => {
    /** Minutes that pass in order, the reaper looking at each. */
    const minutes = async (plane: TestPlane, count: number, each: () => Promise<unknown> = async () => {}) => {
      for (let minute = 0; minute < count; minute++) {
        plane.pass(MINUTE);
        await each();
        await plane.plane.runJob('lease-watch');
      }
    };

    it('are renewed by heartbeats of the client: its token, an older one, or the shared key', async () => {
      const { plane } = await fleet(make);
      const { session_id } = (await plane.start('ann')).body.session;
      await minutes(plane, 6, () => plane.health('ann', session_id));
      await minutes(plane, 6, () => plane.health('old ann', session_id));
      await minutes(plane, 6, () =>
        plane.call('POST', '/api/v1/relay/health', undefined, { session_id }, { 'x-relay-auth': RELAY_KEY }),
      );
      expect(await statusOf(plane, 'ann')).toBe('active');
      const wrong = await plane.call('POST', '/api/v1/relay/health', 'x', { session_id }, { 'x-relay-auth': 'no' });
      expect(wrong.status).toBe(401);
      await minutes(plane, 6);
      expect(await statusOf(plane, 'ann')).toBe(204);
    });

    it('are renewed by the node while the stream sends', async () => {
      const { plane, node } = await fleet(make);
      await plane.start('ann');
      node.ingesting = ['live_ann1'];
      await minutes(plane, 12, () => node.heartbeat());
      expect(await statusOf(plane, 'ann')).toBe('active');
      node.ingesting = [];
      await minutes(plane, 6, () => node.heartbeat());
      expect(await statusOf(plane, 'ann')).toBe(204);
    });

    it('are not over because nobody could renew them: after a start, an outage, a jump of the clock', async () => {
      const { plane } = await fleet(make);
      const { session_id } = (await plane.start('ann')).body.session;
      await minutes(plane, 4, () => plane.health('ann', session_id));
      // The plane was away for ten minutes; the client's next try is up to two minutes off.
      plane.pass(10 * MINUTE);
      await plane.plane.runJob('lease-watch');
      await minutes(plane, 2);
      expect(await statusOf(plane, 'ann')).toBe('active');
      expect((await plane.health('ann', session_id)).status).toBe(200);
      await minutes(plane, 4, () => plane.health('ann', session_id));
      plane.clocks.unixMs += 60 * MINUTE;
      await minutes(plane, 4);
      expect(await statusOf(plane, 'ann')).toBe('active');
    });

    it('that are over come back with their client, or with the stream', async () => {
      const { plane, node } = await fleet(make);
      const ann = (await plane.start('ann')).body.session.session_id;
      const bob = (await plane.start('bob')).body.session.session_id;
      await minutes(plane, 12, () => node.heartbeat());
      expect([await statusOf(plane, 'ann'), await statusOf(plane, 'bob')]).toEqual([204, 204]);
      expect((await plane.health('ann', ann)).status).toBe(200);
      expect((await plane.active('ann')).body.session).toMatchObject({ session_id: ann, status: 'active' });
      node.ingesting = ['live_bob1'];
      await node.heartbeat();
      expect((await plane.active('bob')).body.session).toMatchObject({ session_id: bob, status: 'active' });
    });

    it('do not come back where the client has stopped, or has another session by now', async () => {
      const { plane, node } = await fleet(make);
      const { session_id } = (await plane.start('ann', { connection: 'a' })).body.session;
      await minutes(plane, 12, () => node.heartbeat());
      await plane.start('ann', { connection: 'a' });
      expect((await plane.health('ann', session_id)).status).toBe(404);
      plane.accounts.users.get('bob')!.relayAccess = 'disabled';
      expect((await plane.health('bob', 'ses_unknown')).status).toBe(404);
    });

    it('free what they held', async () => {
      const { plane, node } = await fleet(make);
      node.maxSessions = 1;
      await node.register();
      await plane.start('ann');
      expect((await plane.start('bob')).status).toBe(503);
      await minutes(plane, 12, () => node.heartbeat());
      expect((await plane.start('bob')).status).toBe(201);
    });

    it('do not free the place of a stream that goes on after its session', async () => {
      const { plane, node } = await fleet(make);
      node.maxSessions = 1;
      await node.register();
      const { session_id } = (await plane.start('ann')).body.session;
      node.ingesting = ['live_ann1'];
      await node.heartbeat();
      await plane.stop('ann', session_id);
      expect((await plane.start('bob')).status).toBe(503);
      expect((await plane.start('ann')).body.session.status).toBe('active');
    });
  }));

describe('revocation', () =>
  onEachDatabase((make) => {
    it('takes the stream off its node at once, lingering or not', async () => {
      const { plane, node } = await fleet(make);
      const started = await plane.start('ann');
      const stopped = (await plane.start('bob')).body.session.session_id;
      await plane.stop('bob', stopped);
      await plane.call('DELETE', `/api/v1/admin/sessions/${started.body.session.session_id}`, 'administrator');
      await vi.waitFor(() => expect([...node.rows.keys()]).toEqual(['play_bob1']));
      expect(await statusOf(plane, 'ann')).toBe(204);
      expect(node.held).toBe(0);
    });
  }));

describe('per_link', () =>
  onEachDatabase((make) => {
    const link = {
      addr: '198.51.100.7:40000',
      bytes: 5e9,
      pkts: 4_000_000,
      share_pct: 62.5,
      last_ms_ago: 12,
      uptime_s: 90,
    };

    it('has the links of the last report, older by its age, and none five seconds after it', async () => {
      const { plane, node } = await fleet(make);
      await plane.start('ann');
      const links = async () => (await plane.active('ann')).body.per_link;
      expect(await links()).toEqual({ stream_id: 'live_ann1', connections: [] });
      const report = {
        streams: [
          { publisher: 'live_ann1', bitrateKbps: 6_000, connections: [{ ...link, asn_org: 'Example Mobile' }, link] },
        ],
      };
      expect((await node.call('POST', 'kc1/links', report)).status).toBe(204);
      expect((await links()).connections[0]).toEqual({ ...link, asn_org: 'Example Mobile' });
      plane.pass(1_500);
      expect((await links()).connections.map((one: { last_ms_ago: number }) => one.last_ms_ago)).toEqual([
        1_512, 1_512,
      ]);
      plane.pass(3_499);
      expect((await links()).connections).toHaveLength(2);
      plane.pass(1);
      expect(await links()).toEqual({ stream_id: 'live_ann1', connections: [] });
    });

    it('has nothing of what a node says of streams that are not on its list', async () => {
      const { plane, node } = await fleet(make);
      await plane.start('ann');
      const other = new FakeNode(plane, 'kc2');
      await other.register();
      const report = { streams: [{ publisher: 'live_ann1', bitrateKbps: 1, connections: [link] }] };
      expect((await other.call('POST', 'kc2/links', report)).status).toBe(204);
      expect((await plane.active('ann')).body.per_link.connections).toEqual([]);
      await other.heartbeat({
        score: 0,
        ingesting: [
          {
            publisher: 'live_ann1',
            source: 'srt',
            uptimeMs: 1,
            bitrateKbps: 1,
            lastPayloadMs: 1,
            place: { latitude: 1, longitude: 1 },
          },
        ],
      });
      expect(await plane.db.all('SELECT * FROM slot_places')).toEqual([]);
      // A stream that comes to the node's list is believed at once.
      expect((await node.call('POST', 'kc1/links', report)).status).toBe(204);
      await plane.start('bob');
      const next = { streams: [{ publisher: 'live_bob1', bitrateKbps: 1, connections: [link] }] };
      expect((await node.call('POST', 'kc1/links', next)).status).toBe(204);
      expect((await plane.active('bob')).body.per_link.connections).toHaveLength(1);
    });
  }));

describe('what else a client asks', () =>
  onEachDatabase((make) => {
    it('is answered', async () => {
      const { plane } = await fleet(make);
      expect((await plane.call('GET', '/healthz')).body).toEqual({ status: 'ok' });
      expect((await plane.call('GET', '/api/v1/relay/regions')).body.regions[0]).toEqual({
        id: 'us-central',
        label: 'US Central',
      });
      expect((await plane.call('GET', '/api/v1/relay/manifest', 'ann')).body.regions).toContainEqual({
        region: 'us-central',
        ami_id: '',
        default_instance_type: '',
        updated_at: expect.any(String),
      });
      await plane.start('ann');
      plane.pass(90_000);
      expect((await plane.call('GET', '/api/v1/usage/current', 'ann')).body).toEqual({
        period_start: '2026-09-01T00:00:00.000Z',
        included_seconds: 90,
        consumed_seconds: 90,
        remaining_seconds: 0,
        overage_seconds: 0,
      });
      expect((await plane.call('GET', '/api/v1/capacity/status')).body).toEqual({
        status: 'available',
        total_slots: 10,
        used_slots: 1,
        available_slots: 9,
        regions: [{ region: 'us-central', status: 'available', total_slots: 10, used_slots: 1, available_slots: 9 }],
      });
    });

    it('is an error in the envelope otherwise', async () => {
      const { plane } = await fleet(make);
      expect(await plane.call('GET', '/nothing')).toMatchObject({
        status: 404,
        body: { error: { code: 'not_found' } },
      });
      expect((await plane.call('GET', '/api/v1/relay/manifest')).status).toBe(401);
      expect((await plane.call('POST', '/api/v1/relay/health', 'ann', 'x'.repeat(2 ** 20 + 1))).status).toBe(413);
      expect((await plane.call('POST', '/api/v1/relay/health', 'ann', {})).status).toBe(400);
    });
  }));
