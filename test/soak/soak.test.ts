import { expect, it } from 'vitest';
import { soakTable } from './report.ts';
import { runSoak } from './soak.ts';

it('a minute of everything at once loses nothing and leaves nothing behind', { timeout: 180_000 }, async () => {
  const report = await runSoak({ minutes: 1, say: () => {} });
  expect(report.problems, soakTable(report)).toEqual([]);
});
