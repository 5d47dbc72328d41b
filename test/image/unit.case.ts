import { describe, expect, it } from 'vitest';
import { command } from './podman.ts';
import { report } from './report.ts';

const UNIT = 'docker/tributary.service';

describe('the systemd unit', () => {
  it('is understood, and exposes little', async ({ skip }) => {
    const version = await command('systemd-analyze', ['--version']).catch(() => undefined);
    if (version === undefined) skip('there is no systemd-analyze here');
    expect(await command('systemd-analyze', ['verify', UNIT])).toBe('');
    const judged = await command('systemd-analyze', ['security', '--offline=yes', '--no-pager', UNIT]);
    const level = Number(/exposure level[^\d]*([\d.]+)/.exec(judged)![1]);
    report('systemd-analyze security, exposure level (0 to 10, less is better)', String(level));
    expect(level).toBeLessThan(2.5);
  });
});
