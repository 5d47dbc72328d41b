import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { temporaryFolder } from '../../test/support/data-dir.ts';
import { KeyStore } from './key-store.ts';

describe('KeyStore', () => {
  it('makes an admin key at the first start and tells it once', async () => {
    const folder = temporaryFolder();
    const first = await KeyStore.open(folder);
    expect(first.generated).toMatch(/^[0-9A-Za-z]{32}$/);
    expect(first.keys.verify(first.generated!)).toMatchObject({ name: 'Default Admin Key', permissions: 'admin' });
    const second = await KeyStore.open(folder);
    expect(second.generated).toBeUndefined();
    expect(second.keys.verify(first.generated!)).toMatchObject({ permissions: 'admin' });
  });

  it('writes hashes only, for its own user only', async () => {
    const folder = temporaryFolder();
    const { keys, generated } = await KeyStore.open(folder);
    const other = await keys.create('viewer', 'read');
    const path = join(folder, 'keys.json');
    const text = readFileSync(path, 'utf8');
    expect(text).not.toContain(generated);
    expect(text).not.toContain(other);
    expect(text).toContain(createHash('sha256').update(other).digest('hex'));
    expect(JSON.parse(text).keys.map((key: object) => Object.keys(key))).toEqual([
      ['name', 'permissions', 'created', 'sha256'],
      ['name', 'permissions', 'created', 'sha256'],
    ]);
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(readdirSync(folder)).toEqual(['keys.json']);
  });

  it('knows each key by its rights, and no other text', async () => {
    const folder = temporaryFolder();
    const { keys, generated } = await KeyStore.open(folder);
    const [read, write] = await Promise.all([keys.create('r', 'read'), keys.create('w', 'write')]);
    const again = (await KeyStore.open(folder)).keys;
    expect(again.verify(read!)?.permissions).toBe('read');
    expect(again.verify(write!)?.permissions).toBe('write');
    for (const wrong of ['', 'x', generated!.slice(1), `${generated} `, generated!.toLowerCase() + generated])
      expect(again.verify(wrong)).toBeUndefined();
  });

  it('takes a preset admin key, makes none then and does not store it', async () => {
    const folder = temporaryFolder();
    const preset = 'p'.repeat(20);
    const { keys, generated } = await KeyStore.open(folder, preset);
    expect(generated).toBeUndefined();
    expect(keys.verify(preset)?.permissions).toBe('admin');
    expect(readdirSync(folder)).toEqual([]);
    expect((await KeyStore.open(folder)).keys.verify(preset)).toBeUndefined();
  });

  it.each([
    '{',
    '[]',
    '{"version":1,"keys":[{"name":"x"}]}',
    '{"version":1,"keys":[{"name":"x","created":"","sha256":"00","permissions":"admin"}]}',
  ])('names a damaged file (%s) and leaves it as it is', async (text) => {
    const folder = temporaryFolder();
    const path = join(folder, 'keys.json');
    writeFileSync(path, text);
    await expect(KeyStore.open(folder)).rejects.toMatchObject({
      code: 'TRIBUTARY_DATA_FILE_CORRUPT',
      message: expect.stringContaining(path),
    });
    expect(readFileSync(path, 'utf8')).toBe(text);
  });
});
