import { resolve } from 'node:path';
import { defineConfig } from 'vitest/config';

/** `npm run test:image`: the image for real. Minutes, root and podman: not a part of `npm test`. */
export default defineConfig({
  test: {
    root: resolve(import.meta.dirname, '../..'),
    include: ['test/image/*.case.ts'],
    globalSetup: ['test/support/global-setup.ts', 'test/image/setup.ts'],
    pool: 'forks',
    // One machine, and what it measures is not to be shared.
    maxWorkers: 1,
    fileParallelism: false,
    testTimeout: 180_000,
    hookTimeout: 120_000,
  },
});
