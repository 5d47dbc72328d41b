import { chownSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { SLS_SCHEMA } from '../../src/cli/sls-schema.ts';
import { until } from '../support/processes.ts';
import { composeText, DATA_OWNER } from './deployment.ts';
import { Machine } from './machine.ts';
import { podman } from './podman.ts';
import { copyOfClone, shimFolder } from './shim.ts';

interface Block {
  page: string;
  line: number;
  place: string | undefined;
  text: string;
}
const { blocksIn } = createRequire(import.meta.url)('../docs/blocks.cjs') as { blocksIn(page: string): Block[] };

let machine: Machine;
let parent: string;
let shim: string;
let folder: string;

beforeAll(() => {
  machine = new Machine();
  parent = mkdtempSync(join(tmpdir(), 'tributary-docs-'));
  shim = shimFolder(parent);
  copyOfClone(join(parent, 'clone'));
});

beforeEach(() => {
  folder = mkdtempSync(join(parent, 'operator-'));
  symlinkSync(join(parent, 'clone'), join(folder, 'tributary'));
});

afterEach(async () => {
  await machine.remove(`${basename(folder).toLowerCase()}-receiver-1`);
});

afterAll(async () => {
  await machine.close();
  await podman(['rmi', '--force', 'localhost/tributary:local']).catch(() => {});
  rmSync(parent, { recursive: true, force: true });
});

/** The blocks of a page that are to be run, one after the other, as somebody types them. */
const runPage = async (page: string): Promise<string> => {
  const blocks = blocksIn(page).filter(({ place }) => place === 'image');
  expect(blocks.length, `${page} has blocks that are run`).toBeGreaterThan(2);
  let output = '';
  for (const { line, text } of blocks) {
    const program = machine.start('sh', ['-c', 'cd "$1" && exec bash -euo pipefail -c "$2"', 'sh', folder, text], {
      PATH: `${shim}:${process.env.PATH}`,
    });
    await until(`the block in line ${line} of ${page}`, () => program.exitCode !== undefined, 170_000);
    expect(program.exitCode, `${page} line ${line}:\n${text}\n${program.output}`).toBe(0);
    output += program.output;
  }
  return output;
};

describe('what the documentation tells to type', () => {
  it('docs/docker.md', { timeout: 600_000 }, async () => {
    const output = await runPage('docs/docker.md');
    expect(output).toContain('srtla://relay.example.org:5000?streamid=live_');
    expect(readdirSync(join(folder, 'backups'))).toHaveLength(1);
  });

  it('docs/migrate.md, over the folder of an old stack', { timeout: 600_000 }, async () => {
    writeFileSync(join(folder, 'receiver.sh'), '#!/bin/sh\necho old\n', { mode: 0o755 });
    writeFileSync(join(folder, 'docker-compose.yml'), composeText('test/image/old-compose.yml'));
    const ports = ['SRTLA_PORT=5000', 'SRT_SENDER_PORT=4001', 'SRT_PLAYER_PORT=4000', 'SLS_STATS_PORT=8080'];
    writeFileSync(
      join(folder, '.env'),
      ['APP_URL=http://203.0.113.9:8080', ...ports, 'SLS_MGNT_PORT=3000', ''].join('\n'),
    );
    mkdirSync(join(folder, 'data'));
    const file = join(folder, 'data/streams.db');
    const database = new DatabaseSync(file);
    database.exec(SLS_SCHEMA);
    database.prepare('INSERT INTO stream_ids (publisher, player) VALUES (?, ?)').run('live_old', 'play_old');
    database.close();
    for (const path of [join(folder, 'data'), file]) chownSync(path, DATA_OWNER, DATA_OWNER);

    const output = await runPage('docs/migrate.md');
    expect(output).toContain('1 stream ids');
    expect(output).toContain('http://203.0.113.9:8080/stats/');
    const back = new DatabaseSync(file, { readOnly: true });
    expect(back.prepare('SELECT publisher, player FROM stream_ids').all()).toEqual([
      { publisher: 'live_old', player: 'play_old' },
    ]);
    back.close();
    expect(readdirSync(folder)).toContain('receiver.sh');
  });
});
