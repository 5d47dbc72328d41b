import { createHash } from 'node:crypto';
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { temporaryFolder } from '../../test/support/data-dir.ts';
import { DirectoryFile } from '../sls-bridge/directory-file.ts';
import { KeyStore } from '../stats/key-store.ts';
import { readSlsDatabase } from './sls-database.ts';
import { exportSls } from './sls-export.ts';
import { importLines, importOldDataFolder, importSls } from './sls-import.ts';
import { SLS_SCHEMA } from './sls-schema.ts';

/** What the disk does: nothing unusual, unless a test says so. */
const disk = vi.hoisted(() => ({ fails: undefined as RegExp | undefined, onCopy: () => {} }));
vi.mock('node:fs/promises', async (original) => {
  const real = await original<typeof import('node:fs/promises')>();
  const check = (path: unknown): void => {
    if (disk.fails?.test(String(path))) throw Object.assign(new Error('no space left on device'), { code: 'ENOSPC' });
  };
  return {
    ...real,
    open: async (...args: Parameters<typeof real.open>) => {
      check(args[0]);
      return real.open(...args);
    },
    copyFile: async (...args: Parameters<typeof real.copyFile>) => {
      disk.onCopy();
      check(args[1]);
      return real.copyFile(...args);
    },
  };
});
beforeEach(() => {
  disk.fails = undefined;
  disk.onCopy = () => {};
});

const read = (path: string): ReturnType<typeof readSlsDatabase> => readSlsDatabase(path, temporaryFolder());
const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');
const KEY = 'K'.repeat(32);

/** A database as SLS makes it: WAL, and rows by SQL. */
const database = (sql = '', folder = temporaryFolder()): { path: string; db: DatabaseSync } => {
  const path = join(folder, 'streams.db');
  const db = new DatabaseSync(path);
  db.exec(`PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; ${SLS_SCHEMA} ${sql}`);
  return { path, db };
};
const closed = (sql = '', folder?: string): string => {
  const { path, db } = database(sql, folder);
  db.close();
  return path;
};
const rowSql = (publisher: string, player: string, description = 'NULL'): string =>
  `INSERT INTO stream_ids (publisher, player, description) VALUES ('${publisher}', '${player}', ${description});`;
const keySql = (key: string, permissions: string, active = 1): string =>
  `INSERT INTO api_keys (key_hash, name, permissions, active, created_at)
   VALUES ('${sha256(key)}', 'n', '${permissions}', ${active}, '2025-03-04 05:06:07');`;
/** Bytes and times of everything in a folder. */
const stateOf = (folder: string): string[] =>
  readdirSync(folder)
    .sort()
    .map((name) => {
      const path = join(folder, name);
      return `${name} ${statSync(path, { bigint: true }).mtimeNs} ${readFileSync(path).toString('base64')}`;
    });

describe('reading a database of SLS', () => {
  it('takes ids byte for byte, descriptions and active keys', async () => {
    const odd = ['#!::r=live/x,m=publish', ' spaces ', 'quote"', 'Ünïcode/✓', '%2f?&', 'x'.repeat(512)];
    const path = closed(
      `${rowSql('live_a', 'play_a', "'first'")}${rowSql('live_a', 'play_b', "''")}${odd.map((id, n) => rowSql(id, `p ${n}`)).join('')}
       ${rowSql('same', 'same')}${keySql(KEY, 'admin')}${keySql('w', 'write')}${keySql('o', 'other')}${keySql('old', 'admin', 0)}`,
    );
    const content = await read(path);
    expect(content.rows.slice(0, 2)).toEqual([
      { publisher: 'live_a', player: 'play_a', description: 'first' },
      { publisher: 'live_a', player: 'play_b' },
    ]);
    expect(content.rows.slice(2).map((row) => row.publisher)).toEqual([...odd, 'same']);
    expect(content.keys.map((key) => key.permissions)).toEqual(['admin', 'write', 'read']);
    expect(content.keys[0]).toEqual({
      name: 'n',
      permissions: 'admin',
      created: '2025-03-04T05:06:07.000Z',
      sha256: sha256(KEY),
    });
    expect(content).toMatchObject({ inactiveKeys: 1, unusable: [] });
  });

  it('names what cannot be an SRT stream id', async () => {
    const path = closed(
      `${rowSql('', 'p1')}${rowSql('x'.repeat(513), 'p2')}${rowSql('ok', 'p3')}
       INSERT INTO stream_ids (publisher, player) VALUES (CAST(x'c3' AS TEXT), 'p4');`,
    );
    const { rows, unusable } = await read(path);
    expect(rows).toEqual([{ publisher: 'ok', player: 'p3' }]);
    expect(unusable).toEqual([
      'row 1: the publisher id cannot be used: it is empty',
      'row 2: the publisher id cannot be used: it is longer than 512 bytes',
      'row 4: the publisher id cannot be used: it is no UTF-8 text',
    ]);
  });

  it('sees what is only in the write-ahead log, and leaves database, log and folder as they are', async () => {
    const { path, db } = database(rowSql('live_a', 'play_a'));
    db.exec('PRAGMA wal_checkpoint(TRUNCATE); PRAGMA wal_autocheckpoint=0;');
    db.exec(rowSql('live_b', 'play_b'));
    const folder = temporaryFolder();
    // As after a crash or a kill: nobody has taken the log in.
    for (const name of ['streams.db', 'streams.db-wal', 'streams.db-shm'])
      copyFileSync(join(path, '..', name), join(folder, name));
    db.close();
    expect(statSync(join(folder, 'streams.db-wal')).size).toBeGreaterThan(0);
    const before = stateOf(folder);
    const dataDir = temporaryFolder();
    // A kill has left a copy there.
    mkdirSync(join(dataDir, 'sls-copy-x'));
    let copied: string[] = [];
    disk.onCopy = () => {
      copied = readdirSync(dataDir).map(
        (name) => `${name.slice(0, 9)} ${(statSync(join(dataDir, name)).mode & 0o777).toString(8)}`,
      );
    };
    const { rows } = await readSlsDatabase(join(folder, 'streams.db'), dataDir);
    expect(copied).toEqual(['sls-copy- 700']);
    expect(rows.map((row) => row.player)).toEqual(['play_a', 'play_b']);
    expect(stateOf(folder)).toEqual(before);
    expect(readdirSync(dataDir)).toEqual([]);
  });

  it('does so while the original may only be read', async () => {
    const path = closed(rowSql('live_a', 'play_a'));
    chmodSync(path, 0o400);
    expect((await read(path)).rows).toHaveLength(1);
  });

  const damaged = (change: (bytes: Buffer) => Buffer): string => {
    const path = closed(Array.from({ length: 200 }, (_, n) => rowSql(`live_${n}`, `play_${n}`)).join(''));
    writeFileSync(path, change(readFileSync(path)));
    return path;
  };
  it.each([
    ['not there', () => join(temporaryFolder(), 'none.db')],
    ['text', () => damaged(() => Buffer.from('publisher,player\n'.repeat(100)))],
    ['empty', () => damaged(() => Buffer.alloc(0))],
    ['cut short', () => damaged((bytes) => bytes.subarray(0, 3 * 4_096))],
    ['overwritten inside', () => damaged((bytes) => Buffer.from(bytes).fill(0xa5, 4_096, 4 * 4_096))],
    ['of something else', () => closedWith('CREATE TABLE t (x)')],
  ])('one that is %s is a typed error, and left as it is', async (_, make) => {
    const path = make();
    const folder = join(path, '..');
    const before = stateOf(folder);
    await expect(read(path)).rejects.toMatchObject({
      code: 'TRIBUTARY_SLS_DATABASE_UNREADABLE',
      message: expect.stringContaining(path),
    });
    expect(stateOf(folder)).toEqual(before);
  });

  const closedWith = (sql: string): string => {
    const path = join(temporaryFolder(), 'streams.db');
    const db = new DatabaseSync(path);
    db.exec(sql);
    db.close();
    return path;
  };
  it.each([
    ['PRAGMA user_version = 3', 'schema version 3'],
    ['ALTER TABLE stream_ids ADD COLUMN max_viewers INTEGER', 'stream_ids has a column max_viewers'],
    ['ALTER TABLE api_keys RENAME COLUMN key_hash TO digest', 'api_keys has no column key_hash'],
  ])('one of a newer SLS (%s) is refused, and left as it is', async (sql, what) => {
    const path = closed(`${rowSql('live_a', 'play_a')}${sql};`);
    const before = stateOf(join(path, '..'));
    await expect(read(path)).rejects.toMatchObject({
      code: 'TRIBUTARY_SLS_DATABASE_NEWER',
      message: expect.stringContaining(what),
    });
    expect(stateOf(join(path, '..'))).toEqual(before);
  });
});

describe('import', () => {
  it('makes old ids and keys work, without ids and keys of its own', async () => {
    const path = closed(`${rowSql('live a', 'play a', "'d'")}${keySql(KEY, 'admin')}`);
    const dataDir = temporaryFolder();
    const counts = await importSls(path, dataDir);
    expect(importLines(path, counts)).toEqual([`Imported from ${path}: 1 stream ids, 1 API keys.`]);
    expect((await DirectoryFile.open(dataDir)).directory.rows()).toEqual([
      { publisher: 'live a', player: 'play a', description: 'd' },
    ]);
    const { keys, generated } = await KeyStore.open(dataDir);
    expect(generated).toBeUndefined();
    expect(keys.verify(KEY)?.permissions).toBe('admin');
  });

  it('adds to what is there, once, and takes nothing away', async () => {
    const path = closed(`${rowSql('live_a', 'play_a')}${rowSql('live_b', 'play_b')}${keySql(KEY, 'read')}`);
    const dataDir = temporaryFolder();
    const store = await DirectoryFile.open(dataDir, Date.now, () => [{ publisher: 'other', player: 'play_a' }]);
    expect(await importSls(path, dataDir)).toMatchObject({ streamIds: 1, keys: 1, known: 0, conflicts: 1 });
    expect(await importSls(path, dataDir)).toMatchObject({ streamIds: 0, keys: 0, known: 1, conflicts: 1 });
    const rows = (await DirectoryFile.open(dataDir)).directory.rows();
    expect(rows).toEqual([...store.directory.rows(), { publisher: 'live_b', player: 'play_b' }]);
  });

  it('happens by itself on a first start over an old data folder, and never again', async () => {
    const dataDir = temporaryFolder();
    expect(await importOldDataFolder(dataDir)).toBeUndefined();
    closed(rowSql('live_a', 'play_a'), dataDir);
    expect((await importOldDataFolder(dataDir))?.counts).toMatchObject({ streamIds: 1 });
    expect(existsSync(join(dataDir, 'streams.db'))).toBe(true);
    expect(await importOldDataFolder(dataDir)).toBeUndefined();
  });

  it.each([
    ['the copy', /sls-copy-/],
    ['the keys', /keys\.json/],
    ['the ids', /streams\.json/],
  ])('on a first start that %s does not fit on the disk is done by the next one', async (_, fails) => {
    const dataDir = temporaryFolder();
    closed(`${rowSql('live_a', 'play_a')}${rowSql('live_b', 'play_b')}${keySql(KEY, 'admin')}`, dataDir);
    disk.fails = fails;
    await expect(importOldDataFolder(dataDir)).rejects.toMatchObject({
      code: 'TRIBUTARY_DATA_DIR_UNWRITABLE',
      message: expect.stringContaining('there is no room left'),
      mend: 'make room on its disk',
    });
    expect(existsSync(join(dataDir, 'streams.json'))).toBe(false);
    disk.fails = undefined;
    expect((await importOldDataFolder(dataDir))?.counts).toMatchObject({ streamIds: 2, conflicts: 0, unusable: [] });
    expect((await DirectoryFile.open(dataDir)).directory.rows()).toHaveLength(2);
    const { keys, generated } = await KeyStore.open(dataDir);
    expect([generated, keys.verify(KEY)?.permissions]).toEqual([undefined, 'admin']);
    expect(readdirSync(dataDir).filter((name) => name.startsWith('sls-copy-'))).toEqual([]);
  });

  it('leaves out what there is no place for, says so, and takes all the rest', async () => {
    const dataDir = temporaryFolder();
    const keys = Array.from({ length: 1_001 }, (_, n) => keySql(`reader ${n}`, 'read')).join('');
    const path = closed(`${keys}${keySql(KEY, 'admin')}`);
    const db = new DatabaseSync(path);
    // Older tables let a player id be there twice.
    db.exec(`CREATE TABLE loose AS SELECT * FROM stream_ids; DROP TABLE stream_ids; ALTER TABLE loose RENAME TO stream_ids;
      ${rowSql('live_a', 'play_secret_a')}${rowSql('live_b', 'play_secret_a')}${rowSql('live_c', 'play_c')}`);
    db.close();
    const counts = await importSls(path, dataDir);
    expect(counts).toMatchObject({ streamIds: 2, keys: 1_000, known: 0, conflicts: 0 });
    expect(counts.unusable).toEqual([
      expect.stringMatching(/^Stream ID with player 'play_se….*' already exists$/),
      '2 API keys: there is room for 1000',
    ]);
    expect((await DirectoryFile.open(dataDir)).directory.rows().map((row) => row.player)).toEqual([
      'play_secret_a',
      'play_c',
    ]);
    expect((await KeyStore.open(dataDir)).keys.verify(KEY)?.permissions).toBe('admin');
    // Again: nothing is added, and nothing is lost.
    expect(await importSls(path, dataDir)).toMatchObject({ streamIds: 0, keys: 0, known: 2, conflicts: 1 });
  });

  it('of an empty database leaves a node that one can use', async () => {
    const dataDir = temporaryFolder();
    await importSls(closed(), dataDir);
    expect((await DirectoryFile.open(dataDir)).directory.rows()).toHaveLength(2);
  });
});

describe('export', () => {
  it('writes what an import takes, private to its owner, and SLS can go on with', async () => {
    const dataDir = temporaryFolder();
    const rows = [
      { publisher: 'live_a', player: 'play_a', description: 'd' },
      { publisher: 'live_b', player: 'play/b', passphrase: '0123456789' },
      { publisher: 'live_c', player: 'play_c', expiresAt: 1 },
    ];
    await DirectoryFile.open(dataDir, Date.now, () => rows);
    const { generated } = await KeyStore.open(dataDir);
    const path = join(temporaryFolder(), 'out.db');
    expect(await exportSls(dataDir, KEY, path, false)).toEqual({ streamIds: 2, keys: 2, expired: 1, simplified: 1 });
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(readdirSync(join(path, '..'))).toEqual(['out.db']);
    const content = await read(path);
    expect(content.rows).toEqual([rows[0], { publisher: 'live_b', player: 'play/b' }]);
    expect(content.keys.map((key) => [key.permissions, key.sha256])).toEqual([
      ['admin', sha256(generated!)],
      ['admin', sha256(KEY)],
    ]);
    const db = new DatabaseSync(path);
    db.exec(`${rowSql('live_new', 'play_new')} INSERT INTO access_logs (api_key_id, endpoint) VALUES (-1, '/x')`);
    expect(() => db.exec(rowSql('live_new', 'play_a'))).toThrow(/UNIQUE/);
    db.close();
  });

  it('does not replace a file unless it is told to', async () => {
    const dataDir = temporaryFolder();
    await DirectoryFile.open(dataDir);
    const path = join(temporaryFolder(), 'out.db');
    writeFileSync(path, 'mine');
    await expect(exportSls(dataDir, undefined, path, false)).rejects.toMatchObject({ code: 'TRIBUTARY_FILE_EXISTS' });
    expect(readFileSync(path, 'utf8')).toBe('mine');
    await exportSls(dataDir, undefined, path, true);
    expect((await read(path)).rows).toHaveLength(2);
    await expect(exportSls(dataDir, undefined, join(path, 'no'), true)).rejects.toMatchObject({
      code: 'TRIBUTARY_FILE_UNWRITABLE',
    });
    await expect(exportSls(temporaryFolder(), undefined, path, true)).rejects.toMatchObject({
      message: expect.stringContaining('has no stream ids'),
    });
  });
});
