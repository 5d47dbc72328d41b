import { createHash } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { SLS_SCHEMA } from '../../src/cli/sls-schema.ts';
import { api } from '../support/api-client.ts';
import { rawPlayer, testClip } from '../support/media.ts';
import { Program, TestNode, tributary, until } from '../support/processes.ts';

/** As an operator of SLS may have them: nothing that a node would make itself. */
const PUBLISHER = '#!::r=live/bike,m=publish';
const PLAYER = 'play/bike';
const KEY = 'OldKeyOfTheOperator0123456789abc';

let folder: string;
const programs: Program[] = [];
const nodes: TestNode[] = [];
const run = (program: Program): Program => {
  programs.push(program);
  return program;
};

const oldDataFolder = (): string => {
  const dataDir = mkdtempSync(join(folder, 'sls-'));
  const database = new DatabaseSync(join(dataDir, 'streams.db'));
  database.exec(`PRAGMA journal_mode=WAL; ${SLS_SCHEMA}`);
  database
    .prepare('INSERT INTO stream_ids (publisher, player, description) VALUES (?, ?, ?)')
    .run(PUBLISHER, PLAYER, 'Bike');
  database
    .prepare('INSERT INTO api_keys (key_hash, name, permissions) VALUES (?, ?, ?)')
    .run(createHash('sha256').update(KEY).digest('hex'), 'Default Admin Key', 'admin');
  database.close();
  return dataDir;
};

const command = async (...args: string[]): Promise<string> => {
  const program = run(tributary(args));
  await program.success(60_000);
  return program.output;
};

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'tributary-e2e-'));
  testClip(10);
}, 120_000);

afterAll(async () => {
  await Promise.all(programs.map((program) => program.stop('SIGKILL')));
  await Promise.all(nodes.map((node) => node.stop()));
  rmSync(folder, { recursive: true, force: true });
});

describe('a node over the data folder of SLS', () => {
  it('goes on with its ids and keys, and the way back has them again', { timeout: 180_000 }, async () => {
    const dataDir = oldDataFolder();
    const before = readFileSync(join(dataDir, 'streams.db'));
    const node = await TestNode.start({}, dataDir);
    nodes.push(node);
    node.adminKey = KEY;
    expect(node.program.output).toContain('1 stream ids, 1 API keys');
    expect(node.program.output).not.toContain('Generated default admin API key');
    expect(await node.rows()).toEqual([{ description: 'Bike', player: PLAYER, publisher: PUBLISHER }]);

    const url = `srt://127.0.0.1:${node.ports.publish}?mode=caller&pkt_size=1316`;
    const output = ['-c', 'copy', '-f', 'mpegts', '-srt_streamid', PUBLISHER, url];
    run(new Program('ffmpeg', ['-v', 'error', '-re', '-stream_loop', '-1', '-i', testClip(10), ...output]));
    const file = join(folder, 'bike.ts');
    run(rawPlayer(`srt://127.0.0.1:${node.ports.play}?streamid=${PLAYER}&mode=caller&latency=300`, file));
    await until('the picture', () => (statSync(file, { throwIfNoEntry: false })?.size ?? 0) > 100_000, 40_000);
    expect((await api(node)('GET', `/stats/${PLAYER}`)).body.publisher.bitrate).toBeGreaterThan(0);

    const backup = join(folder, 'backup.json');
    expect(await command('backup', backup, '--data-dir', dataDir)).toContain('streams.json and keys.json');
    const exported = join(folder, 'exported.db');
    expect(await command('export-sls', exported, '--data-dir', dataDir)).toContain('1 stream ids and 1 API keys');
    expect(readFileSync(join(dataDir, 'streams.db')).equals(before)).toBe(true);

    // The folder is the running node's.
    const late = run(tributary(['import-sls', exported, '--data-dir', dataDir]));
    expect(await late.exited).toBe(1);
    expect(late.output).toContain('another node is running with the data folder');
    expect(await node.program.stop()).toBe(0);

    const next = join(folder, 'next');
    await command('restore', backup, '--data-dir', next);
    expect(readFileSync(join(next, 'streams.json'))).toEqual(readFileSync(join(dataDir, 'streams.json')));
    expect(await command('import-sls', exported, '--data-dir', next)).toContain('1 stream ids were here already');
  });

  it('does not start over one that it cannot read, and says why in a line', { timeout: 60_000 }, async () => {
    const dataDir = oldDataFolder();
    writeFileSync(join(dataDir, 'streams.db'), 'damaged');
    const program = run(
      tributary(['relay'], { DATA_DIR: dataDir, SRTLA_PORT: '0', SLS_STATS_PORT: '0', SLS_MGNT_PORT: '0' }),
    );
    expect(await program.exited).toBe(1);
    expect(program.output).toMatch(
      /^tributary: .*streams\.db: is no readable SQLite database .*: give the streams\.db of SLS$/m,
    );
    expect(readdirSync(dataDir)).toEqual(['streams.db']);
  });
});
