import { createHash } from 'node:crypto';
import { chmodSync, copyFileSync, existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { temporaryFolder } from '../../test/support/data-dir.ts';
import { DirectoryFile } from '../sls-bridge/directory-file.ts';
import { KeyStore } from '../stats/key-store.ts';
import { readSlsDatabase } from './sls-database.ts';
import { exportSls } from './sls-export.ts';
import { importLines, importOldDataFolder, importSls } from './sls-import.ts';
import { SLS_SCHEMA } from './sls-schema.ts';

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
    const content = await readSlsDatabase(path);
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
    const { rows, unusable } = await readSlsDatabase(path);
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
    const temporary = temporaryFolder();
    vi.stubEnv('TMPDIR', temporary);
    onTestFinished(() => void vi.unstubAllEnvs());
    const { rows } = await readSlsDatabase(join(folder, 'streams.db'));
    expect(rows.map((row) => row.player)).toEqual(['play_a', 'play_b']);
    expect(stateOf(folder)).toEqual(before);
    expect(readdirSync(temporary)).toEqual([]);
  });

  it('does so while the original may only be read', async () => {
    const path = closed(rowSql('live_a', 'play_a'));
    chmodSync(path, 0o400);
    expect((await readSlsDatabase(path)).rows).toHaveLength(1);
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
    await expect(readSlsDatabase(path)).rejects.toMatchObject({
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
    await expect(readSlsDatabase(path)).rejects.toMatchObject({
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
    const content = await readSlsDatabase(path);
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
    expect((await readSlsDatabase(path)).rows).toHaveLength(2);
    await expect(exportSls(dataDir, undefined, join(path, 'no'), true)).rejects.toMatchObject({
      code: 'TRIBUTARY_FILE_UNWRITABLE',
    });
    await expect(exportSls(temporaryFolder(), undefined, path, true)).rejects.toMatchObject({
      message: expect.stringContaining('has no stream ids'),
    });
  });
});
