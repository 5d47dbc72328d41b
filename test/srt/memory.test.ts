import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';

it('300,000 datagrams of a publisher and three players leave the heap where it was, and hardly allocate', {
  timeout: 60_000,
}, () => {
  const child = fileURLToPath(new URL('memory-child.ts', import.meta.url));
  const text = execFileSync(process.execPath, ['--expose-gc', child], { encoding: 'utf8' });
  const result = JSON.parse(text) as Record<'allocated' | 'kept' | 'delivered' | 'sent' | 'naks' | 'held', number>;
  expect(result.delivered).toBeGreaterThan(150_000);
  expect(result.sent).toBeGreaterThan(3 * result.delivered);
  expect(result.naks).toBeGreaterThan(1_000);
  expect(result.held).toBeLessThan(200);
  expect(result.kept).toBeLessThan(1_000_000);
  // Without a collection in between: less than one number a datagram.
  expect(result.allocated).toBeLessThan(4_000_000);
});
