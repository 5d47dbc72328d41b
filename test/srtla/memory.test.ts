import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';

it('200,000 datagrams leave the heap where it was, and hardly allocate', { timeout: 60_000 }, () => {
  const child = fileURLToPath(new URL('memory-child.ts', import.meta.url));
  const text = execFileSync(process.execPath, ['--expose-gc', child], { encoding: 'utf8' });
  const result = JSON.parse(text) as { allocated: number; kept: number; sent: number; links: number };
  expect(result.links).toBe(3);
  expect(result.sent).toBeGreaterThan(200_000);
  expect(result.kept).toBeLessThan(1_000_000);
  // Without a collection in between: less than one number a datagram.
  expect(result.allocated).toBeLessThan(3_000_000);
});
