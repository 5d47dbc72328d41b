import { connect } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import { until } from '../../test/support/processes.ts';
import { dataPlaneSnapshot, publisherSnapshot, srtStats } from '../../test/support/snapshots.ts';
import { ADMIN, statsDeps } from '../../test/support/stats-deps.ts';
import { listeningStats, PushClient } from '../../test/support/stats-socket.ts';

const ROWS = [
  { publisher: 'live_a', player: 'play_a' },
  { publisher: 'live/b', player: 'play/bb' },
];

const setUp = async (env: Record<string, string> = {}) => {
  const deps = await statsDeps(ROWS, env);
  const server = await listeningStats(deps);
  const connectTo = (path: string, headers?: Record<string, string>): PushClient => {
    const client = new PushClient(`ws://${server.base}${path}`, headers);
    onTestFinished(() => client.socket.terminate());
    return client;
  };
  return { deps, ...server, connectTo };
};

describe('/ws/stats', () => {
  it('sends each second what NOALBS reads, to whoever has an id', { timeout: 15_000 }, async () => {
    const { deps, connectTo } = await setUp();
    const client = connectTo('/ws/stats/play_a?id=play%2Fbb');
    expect(await client.outcome).toBe('open');
    await until('two messages', () => client.frames.length >= 2);
    expect(client.frames[1]).toBe(
      `{"type":"stats","timestamp":${deps.unixMs},"streams":[{"streamId":"play_a","feed":"play_a","bitrate":4123,"packetLoss":0,"rtt":41.235,"connected":true},{"streamId":"play/bb","feed":"bb","bitrate":0,"packetLoss":0,"rtt":0,"connected":false}]}`,
    );
  });

  it('goes along with the time line, and tells the loss since the last message', { timeout: 20_000 }, async () => {
    const { deps, connectTo } = await setUp();
    const client = connectTo('/ws/stats?token=play_a');
    const become = async (lastPayloadMs: number, received: number, dropped: number) => {
      deps.unixMs++;
      const stats = srtStats({ pktRecvTotal: received, pktRcvDropTotal: dropped });
      deps.view = dataPlaneSnapshot({ publishers: [publisherSnapshot({ lastPayloadMs, stats })] });
      await until('the message', () => client.frames.length > 0 && client.last.timestamp === deps.unixMs);
      return client.last.streams[0];
    };
    await become(0, 1_000, 0);
    expect(await become(0, 1_990, 10)).toMatchObject({ bitrate: 4_123, packetLoss: 1, connected: true });
    expect(await become(2_000, 1_990, 10)).toMatchObject({ bitrate: 0, packetLoss: 0, connected: true });
    expect(await become(5_001, 1_990, 10)).toMatchObject({ bitrate: 0, connected: false });
  });

  it('sends every live stream to a key, until it is revoked', { timeout: 15_000 }, async () => {
    const { deps, connectTo } = await setUp();
    const key = await deps.keys.create('r', 'read');
    const clients = [
      connectTo(`/ws/stats?token=${key}`),
      connectTo('/ws/stats', { authorization: key }),
      connectTo('/ws/stats', { authorization: `Bearer ${ADMIN}` }),
    ];
    for (const client of clients) {
      expect(await client.outcome).toBe('open');
      await until('a message', () => client.frames.length > 0);
      expect(client.last.streams.map((stream) => stream.streamId)).toEqual(['live_a']);
    }
    await deps.keys.revoke(deps.keys.list().find(({ name }) => name === 'r')!.id);
    expect(await Promise.all(clients.slice(0, 2).map((client) => client.closed))).toEqual([1_008, 1_008]);
    expect(clients[2]!.closeCode).toBeUndefined();
  });

  it('ends when its id is deleted', { timeout: 15_000 }, async () => {
    const { deps, connectTo } = await setUp();
    const client = connectTo('/ws/stats/play%2Fbb');
    await until('a message', () => client.frames.length > 0);
    await deps.store.remove('play/bb');
    expect(await client.closed).toBe(1_008);
  });

  it.each([
    ['/ws/stats', 401],
    ['/ws/stats?token=', 401],
    ['/ws/stats/none', 404],
    ['/ws/stats?token=none', 404],
    [`/ws/stats?${Array.from({ length: 17 }, (_, n) => `id=x${n}`).join('&')}`, 400],
    ['/ws/statsx', 404],
    ['/stats/play_a', 404],
    ['/ws/stats/%E4', 404],
  ])('%s is refused with %i', async (path, status) => {
    const { connectTo } = await setUp();
    const client = connectTo(path);
    expect(await client.outcome).toBe(status);
    expect(JSON.parse(client.refusal)).toMatchObject({ status: 'error' });
  });

  it('has its limits: of requests, of guesses, of clients', async () => {
    const { connectTo, deps } = await setUp({
      TRIBUTARY_HTTP_UNKNOWN_IDS_PER_MINUTE: '1',
      TRIBUTARY_HTTP_STATS_PER_MINUTE: '15',
      TRIBUTARY_HTTP_MAX_PUSH_CLIENTS: '50',
    });
    const outcome = (path: string) => connectTo(path).outcome;
    expect([await outcome('/ws/stats/x1'), await outcome('/ws/stats/x2')]).toEqual([404, 429]);
    deps.now += 60_000;
    for (let n = 0; n < 10; n++) expect(await outcome('/ws/stats/play_a')).toBe('open');
    const eleventh = connectTo('/ws/stats/play_a');
    expect(await eleventh.outcome).toBe(429);
    expect(eleventh.refusal).toContain('Too many WebSocket clients');
    for (let n = 0; n < 4; n++) await outcome('/ws/stats/play_a');
    const last = connectTo('/ws/stats/play_a');
    expect(await last.outcome).toBe(429);
    expect(last.refusal).toContain('Rate limit exceeded');
  });

  it('ends with whoever abuses it, and nobody else', { timeout: 20_000 }, async () => {
    const { connectTo, clients, port } = await setUp();
    const good = connectTo('/ws/stats/play_a');
    expect(await good.outcome).toBe('open');
    const big = connectTo('/ws/stats/play_a');
    await big.outcome;
    big.socket.send('x'.repeat(2_000));
    expect(await big.closed).toBe(1_009);
    const talker = connectTo('/ws/stats/play_a');
    await talker.outcome;
    for (let n = 0; n <= 101; n++) talker.socket.send('x');
    expect(await talker.closed).toBe(1_008);
    // Bytes that are no frame, behind a handshake that is right.
    const raw = connect(port, '127.0.0.1');
    raw.on('error', () => {});
    const gone = new Promise((done) => raw.once('close', done));
    raw.write(
      'GET /ws/stats/play_a HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n\xff\xff\xff\xff\xff\xff',
      'latin1',
    );
    raw.resume();
    await gone;
    await until('only the good one to be left', () => clients() === 1);
    const before = good.frames.length;
    await until('another message', () => good.frames.length > before);
  });

  it('leaves a request alone that would like to be HTTP/2', async () => {
    const { port } = await setUp();
    const raw = connect(port, '127.0.0.1');
    let answer = '';
    raw.on('data', (chunk) => {
      answer += chunk.toString('latin1');
    });
    const gone = new Promise((done) => raw.once('close', done));
    raw.write('GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: Upgrade, close\r\nUpgrade: h2c\r\n\r\n');
    await gone;
    expect(answer).toMatch(/^HTTP\/1\.1 200 .*\{"status":"ok"\}$/s);
  });

  it('a handshake that is wrong gets a 4xx', async () => {
    const { port } = await setUp();
    for (const headers of [
      'Upgrade: websocket\r\nSec-WebSocket-Version: 13',
      'Upgrade: websocket\r\nSec-WebSocket-Version: 1\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==',
      'Upgrade: websocket',
    ]) {
      const raw = connect(port, '127.0.0.1');
      let answer = '';
      raw.on('data', (chunk) => {
        answer += chunk.toString('latin1');
      });
      raw.on('error', () => {});
      const gone = new Promise((done) => raw.once('close', done));
      raw.write(`GET /ws/stats/play_a HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\n${headers}\r\n\r\n`);
      await gone;
      expect(answer).toMatch(/^HTTP\/1\.1 4\d\d /);
    }
  });
});
