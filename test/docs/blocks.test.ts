import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { TestNode } from '../support/processes.ts';

interface Block {
  page: string;
  line: number;
  language: string;
  place: string | undefined;
  until: string | undefined;
  text: string;
}
const { PLACES, ROOT, blocksIn, blocksOf, filled, pages } = createRequire(import.meta.url)('./blocks.cjs') as {
  PLACES: Record<string, string>;
  ROOT: string;
  blocksIn(page: string): Block[];
  blocksOf(page: string, markdown: string): Block[];
  filled(
    text: string,
    values: {
      repository?: string;
      key?: string;
      ports?: Record<string, number>;
      ids?: { publisher: string; player: string };
    },
  ): string;
  pages(): string[];
};

const BLOCKS = pages().flatMap(blocksIn);
const HERE = BLOCKS.filter(({ place }) => place === 'test');

describe('the marks of blocks', () => {
  it('are read from the info string', () => {
    const markdown = '```sh run\na\n```\n```sh run=fresh until="is up"\nb\nc\n```\n```sh\nd\n```\n```\ne\n```\n';
    expect(blocksOf('p', markdown).map(({ page, ...block }) => block)).toEqual([
      { line: 1, language: 'sh', place: 'test', until: undefined, text: 'a\n' },
      { line: 4, language: 'sh', place: 'fresh', until: 'is up', text: 'b\nc\n' },
      { line: 8, language: 'sh', place: undefined, until: undefined, text: 'd\n' },
      { line: 11, language: '', place: undefined, until: undefined, text: 'e\n' },
    ]);
    expect(() => blocksOf('p', '```sh\n')).toThrow('p line 1: the block has no end');
  });

  it('name a place that runs them, by a script that there is', () => {
    const { scripts } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as {
      scripts: Record<string, string>;
    };
    for (const { page, line, place, language, until } of BLOCKS.filter((block) => block.place !== undefined)) {
      const where = `${page} line ${line}`;
      expect(Object.keys(PLACES), where).toContain(place);
      expect(Object.keys(scripts), where).toContain(PLACES[place!]!.replace(/^npm (run )?/, ''));
      expect(language, where).toBe('sh');
      // Nothing that goes on running would end with `npm test`.
      if (place === 'test') expect(until, where).toBeUndefined();
    }
  });

  it('put the reader’s values in the place of what stands for them', () => {
    const values = { repository: 'R', key: 'k1', ports: { 8090: 81 }, ids: { publisher: 'live_1', player: 'play_1' } };
    const text = 'git clone <this repository>; curl -H "Bearer KEY" http://HOST:8090/stats/play_… HOST:1 KEYS live_…';
    expect(filled(text, values)).toBe(
      'git clone R; curl -H "Bearer k1" http://127.0.0.1:81/stats/play_1 127.0.0.1:1 KEYS live_1',
    );
  });
});

/** The blocks of a page in order, for a node that runs and nobody is live on; each page in a folder of its own, as if it were the clone. */
describe('what the documents tell to type', () => {
  let node: TestNode;
  const folders: string[] = [];
  beforeAll(async () => {
    node = await TestNode.start();
  });
  afterAll(async () => {
    await node?.stop();
    for (const folder of folders) rmSync(folder, { recursive: true, force: true });
  });

  it('is something', () => expect(HERE.length).toBeGreaterThan(5));

  it.each([...new Set(HERE.map(({ page }) => page))])('%s', { timeout: 120_000 }, async (page) => {
    const folder = mkdtempSync(join(tmpdir(), 'tributary-docs-'));
    folders.push(folder);
    symlinkSync(join(ROOT, 'tributary'), join(folder, 'tributary'));
    const { srtla, publish, play, stats, links } = node.ports;
    const ports = { 5000: srtla[0]!, 4001: publish, 4000: play, 8090: stats, 5080: links };
    const [ids] = await node.rows();
    for (const { line, text } of HERE.filter((block) => block.page === page)) {
      const { status, stdout, stderr } = spawnSync('bash', ['-eo', 'pipefail'], {
        cwd: folder,
        input: filled(text, { key: node.adminKey, ports, ids: ids! }),
        encoding: 'utf8',
        env: { ...process.env, DATA_DIR: node.dataDir },
        timeout: 60_000,
      });
      expect({ where: `${page} line ${line}`, status, said: `${stdout}${stderr}` }).toMatchObject({ status: 0 });
      // `curl` ends well with a refusal, too.
      expect(stdout, `${page} line ${line}`).not.toContain('"status":"error"');
    }
  });
});
