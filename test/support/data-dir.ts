import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';

/** A folder of its own for the running test, removed after it. */
export const temporaryFolder = (): string => {
  const path = mkdtempSync(join(tmpdir(), 'tributary-unit-'));
  onTestFinished(() => rmSync(path, { recursive: true, force: true }));
  return path;
};
