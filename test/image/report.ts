import { appendFileSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { STORE } from './podman.ts';

const FILE = join(STORE, 'report.txt');

export const resetReport = (): void => {
  mkdirSync(STORE, { recursive: true });
  rmSync(FILE, { force: true });
};

/** A number to be told at the end. Test files are processes of their own: the file is what they share. */
export const report = (what: string, value: string): void => {
  appendFileSync(FILE, `${what}: ${value}\n`);
};

export const printReport = (): void => {
  process.stdout.write(`\nMeasured on this machine (${FILE}):\n\n${readFileSync(FILE, 'utf8').replace(/^/gm, '  ')}\n`);
};

export const megabytes = (bytes: number): string => `${(bytes / 1e6).toFixed(1)} MB`;
export const seconds = (ms: number): string => `${(ms / 1_000).toFixed(2)} s`;
