import { createHash } from 'node:crypto';
import { chownSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { SLS_SCHEMA } from '../../src/cli/sls-schema.ts';
import { type Program, until } from '../support/processes.ts';
import { composeText, DATA_OWNER, deploy, operatorFolder } from './deployment.ts';
import { type Container, Machine, NODE_ADDRESS } from './machine.ts';
import { bondedSender, clip, firstSecondErrors, player, sizeOf } from './media.ts';
import { report, seconds } from './report.ts';

const API = `http://${NODE_ADDRESS}:8090`;
const OLD_KEY = 'OldKeyOfTheOperator0123456789abc';
const READ_KEY = 'ReadKeyOfASceneSwitcher012345678';
const PUBLISHER = 'live_0123456789abcdef0123456789abcdef';
const PLAYER = 'play_fedcba9876543210fedcba9876543210';
const SECOND = { publisher: 'live_bike', player: 'play/bike cam' };

let machine: Machine;
let folder: string;
let receiver: Container;
let ui: Container;
const programs: Program[] = [];

/** The folder of the old stack: SLS's database, in the journal mode that SLS uses, owned by its user. */
const oldDataFolder = (path: string): void => {
  const file = join(path, 'data/streams.db');
  const database = new DatabaseSync(file);
  database.exec(`PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; ${SLS_SCHEMA}`);
  const ids = database.prepare('INSERT INTO stream_ids (publisher, player, description) VALUES (?, ?, ?)');
  ids.run(PUBLISHER, PLAYER, 'Backpack');
  ids.run(SECOND.publisher, SECOND.player, null);
  const keys = database.prepare('INSERT INTO api_keys (key_hash, name, permissions) VALUES (?, ?, ?)');
  const hash = (key: string): string => createHash('sha256').update(key).digest('hex');
  keys.run(hash(OLD_KEY), 'Default Admin Key', 'admin');
  keys.run(hash(READ_KEY), 'NOALBS', 'read');
  database.close();
  for (const name of readdirSync(join(path, 'data'))) chownSync(join(path, 'data', name), DATA_OWNER, DATA_OWNER);
};

beforeAll(async () => {
  machine = new Machine();
  folder = operatorFolder(mkdtempSync(join(tmpdir(), 'tributary-old-')));
  oldDataFolder(folder);
  // Both services as the old file has them, each with our image: the page has no purpose any more, and does no harm.
  const compose = composeText('test/image/old-compose.yml');
  const begin = performance.now();
  receiver = await deploy(machine, 'old-receiver', { compose, folder });
  ui = await deploy(machine, 'old-ui', { compose, folder, service: 'sls-management-ui' });
  await machine.answers(`${API}/health`);
  report('old compose file over SLS data: first answer', seconds(performance.now() - begin));
});

afterAll(async () => {
  await Promise.all(programs.map((program) => program.stop('SIGKILL')));
  await machine.close();
  rmSync(folder, { recursive: true, force: true });
});

describe('the old compose file with our image, on the data folder of SLS', () => {
  it('has taken ids and keys over, made none of its own, and left the database as it was', async () => {
    const { stdout } = await receiver.logs();
    expect(stdout).toContain('2 stream ids, 2 API keys');
    expect(stdout).not.toContain('Generated default admin API key');
    expect(existsSync(join(folder, 'data/streams.db'))).toBe(true);
    const database = new DatabaseSync(join(folder, 'data/streams.db'), { readOnly: true });
    expect(database.prepare('SELECT count(*) AS n FROM stream_ids').get()).toEqual({ n: 2 });
    database.close();
  });

  it('takes the old keys for what they were', async () => {
    expect((await machine.http(`${API}/api/stream-ids`, { key: OLD_KEY })).json).toEqual({
      data: [
        { description: 'Backpack', player: PLAYER, publisher: PUBLISHER },
        { player: SECOND.player, publisher: SECOND.publisher },
      ],
      status: 'success',
    });
    expect((await machine.http(`${API}/api/stream-ids`, { key: READ_KEY })).status).toBe(200);
    const made = { publisher: 'live_new', player: 'play_new' };
    expect((await machine.http(`${API}/api/stream-ids`, { method: 'POST', key: READ_KEY, body: made })).status).toBe(
      403,
    );
    expect(
      (await machine.http(`${API}/api/stream-ids`, { method: 'POST', key: OLD_KEY, body: made })).json,
    ).toMatchObject({ status: 'success' });
    expect((await machine.http(`${API}/api/stream-ids/play_new`, { method: 'DELETE', key: OLD_KEY })).status).toBe(200);
    expect((await machine.http(`${API}/api/stream-ids`, { key: 'x'.repeat(32) })).status).toBe(401);
  });

  it('says offline as SLS did, before anybody streams', async () => {
    expect((await machine.http(`${API}/stats/${PLAYER}`)).text).toBe(
      '{"message":"Publisher is currently not streaming","status":"ok"}',
    );
    expect((await machine.http(`${API}/stats/${PLAYER}?legacy=1`)).json).toMatchObject({
      publishers: {},
      status: 'ok',
    });
    expect((await machine.http(`${API}/stats/nobody`)).status).toBe(404);
  });

  it('streams the old ids, bonded, and answers scene switchers and plugin', async () => {
    const file = join(folder, 'bonded.ts');
    programs.push(player(machine, PLAYER, file));
    const sender = bondedSender(machine, { publisher: PUBLISHER, input: clip(240, 4_000) });
    programs.push(sender);
    await until('the picture', () => sizeOf(file) > 1_500_000, 60_000);

    // NOALBS, type OpenIRL: integers must be integers.
    const { publisher } = (await machine.http(`${API}/stats/${PLAYER}`)).json;
    for (const name of ['bitrate', 'buffer', 'dropped_pkts', 'latency', 'uptime'])
      expect(Number.isInteger(publisher[name]), `${name} = ${publisher[name]}`).toBe(true);
    expect(publisher.bitrate).toBeGreaterThan(3_000);
    expect(publisher.rtt).toBeTypeOf('number');
    // NOALBS, type SrtLiveServer, and the OBS plugin.
    const { publishers } = (await machine.http(`${API}/stats/${PLAYER}?legacy=1`)).json;
    for (const name of [
      'bitrate',
      'bytesRcvDrop',
      'bytesRcvLoss',
      'latency',
      'msRcvBuf',
      'pktRcvDrop',
      'pktRcvLoss',
      'uptime',
    ])
      expect(Number.isInteger(publishers.live[name]), `${name} = ${publishers.live[name]}`).toBe(true);
    for (const name of ['mbpsBandwidth', 'mbpsRecvRate', 'rtt', 'pktRecv'])
      expect(publishers.live[name], name).toBeTypeOf('number');
    // The old file publishes no 5080: the plugin of such a host reaches it inside only.
    const address = await receiver.inspect('{{.NetworkSettings.IPAddress}}');
    expect((await machine.http(`http://${address}:8080/stats/${PLAYER}`)).json.publisher.bitrate).toBeGreaterThan(
      3_000,
    );
    const links = await machine.http(`http://${address}:5080/stats`, { key: OLD_KEY });
    const group = links.json.groups.find((one: { stream_id: string }) => one.stream_id === PUBLISHER);
    expect(group.conn_count).toBe(3);
    expect(group.connections.map((one: { addr: string }) => one.addr.split(':')[0]).sort()).toEqual([
      '203.0.113.11',
      '203.0.113.12',
      '203.0.113.13',
    ]);
    await sender.stop();
    await until(
      'the end of the stream',
      async () => (await machine.http(`${API}/stats/${PLAYER}`)).json.publisher === undefined,
      30_000,
    );
    await programs[0]!.stop();
    expect(firstSecondErrors(file)).toBe('');
  });

  it('takes a plain SRT encoder on 4001 and plays it by an id that has a slash and a space', async () => {
    const url = `srt://${NODE_ADDRESS}:4001?mode=caller&pkt_size=1316`;
    const output = ['-c', 'copy', '-f', 'mpegts', '-srt_streamid', SECOND.publisher, url];
    programs.push(machine.start('ffmpeg', ['-v', 'error', '-re', '-i', clip(240, 4_000), ...output]));
    const file = join(folder, 'plain.ts');
    const input = ['-srt_streamid', SECOND.player, '-i', `srt://${NODE_ADDRESS}:4000?mode=caller&latency=300000`];
    await until(
      'the publisher',
      async () => {
        return (await machine.http(`${API}/stats/${encodeURIComponent(SECOND.player)}`)).json.publisher !== undefined;
      },
      30_000,
    );
    programs.push(machine.start('ffmpeg', ['-v', 'error', '-y', ...input, '-c', 'copy', '-f', 'mpegts', file]));
    await until('the picture', () => sizeOf(file) > 500_000, 60_000);
  });

  it('does no harm as the page that it is not', async () => {
    expect(await ui.inspect('{{.State.Running}}')).toBe('true');
    expect(readFileSync(join(folder, 'data/keys.json'), 'utf8')).toContain('Default Admin Key');
  });
});
