import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { resolve } from 'node:path';
import { brotliDecompressSync, gunzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';

const ROOT = resolve(import.meta.dirname, '../..');
const { arePagesBuilt } = createRequire(import.meta.url)('../../bin/pages.cjs') as {
  arePagesBuilt(root: string): boolean;
};
const built = (name: string): Buffer => readFileSync(resolve(ROOT, 'dist/dashboard', name));

const MOST_BYTES = 150_000;

describe('the built pages', () => {
  const index = built('index.html').toString();
  const first = [...index.matchAll(/(?:src|href)="\/([^"]+)"/g)].map((match) => match[1]!);

  it('are those of the sources', () => {
    expect(arePagesBuilt(ROOT)).toBe(true);
  });

  it('load with less than 150 kB, compressed', () => {
    expect(first.length).toBeGreaterThan(2);
    const files = ['index.html', ...first].map((name) => (/\.webmanifest$/.test(name) ? name : `${name}.gz`));
    const bytes = files.reduce((sum, name) => sum + built(name).length, 0);
    expect(bytes).toBeGreaterThan(10_000);
    expect(bytes).toBeLessThan(MOST_BYTES);
  });

  it('fetch the players of pictures and the charts later', () => {
    const code = first.filter((name) => name.endsWith('.js')).map((name) => built(name).toString());
    expect(code.join('')).not.toContain('MediaSource');
    expect(code.join('')).not.toContain('u-legend');
  });

  it('are compressed versions of themselves', () => {
    for (const name of first.filter((one) => /\.(?:js|css)$/.test(one))) {
      expect(brotliDecompressSync(built(`${name}.br`)).equals(built(name))).toBe(true);
      expect(gunzipSync(built(`${name}.gz`)).equals(built(name))).toBe(true);
    }
  });

  it('have no inline code and nothing from elsewhere', () => {
    expect(index).not.toMatch(/<script(?![^>]*\ssrc=)|<style|\son\w+=|https?:/);
  });
});
