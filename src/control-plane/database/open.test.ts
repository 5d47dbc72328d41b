import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { temporaryFolder } from '../../../test/support/data-dir.ts';
import { openDatabase } from './open.ts';

it('keeps the database, and what is written beside it, from other users of the machine', async () => {
  const folder = temporaryFolder();
  const db = await openDatabase(folder, undefined);
  await db.run('CREATE TABLE secrets (secret TEXT)');
  const modes = readdirSync(folder).map((name) => [name, (statSync(join(folder, name)).mode & 0o777).toString(8)]);
  expect(modes).toContainEqual(['control-plane.db-wal', '600']);
  expect(modes.filter(([, mode]) => mode !== '600')).toEqual([]);
  await db.close();
});

it('names a folder in which there can be none', async () => {
  await expect(openDatabase(join(temporaryFolder(), 'missing'), undefined)).rejects.toMatchObject({
    code: 'TRIBUTARY_DATABASE_UNUSABLE',
  });
});
