import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { beforeAll, describe, expect, it } from 'vitest';
import { debianPackages } from './debian-packages.ts';

const run = promisify(execFile);
let bin = '';

beforeAll(async () => {
  bin = join(await debianPackages('prometheus'), 'usr/bin');
});

describe('Prometheus of the distribution', () => {
  it('runs without being installed', async () => {
    const { stdout, stderr } = await run(join(bin, 'promtool'), ['--version']);
    expect(stdout + stderr).toMatch(/^promtool, version 2\./);
  });
});
