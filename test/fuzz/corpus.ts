import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const CORPUS = join(import.meta.dirname, 'corpus');

/** Inputs that a parser has failed on, or that reach what others do not, by the name of their target. */
export const corpusOf = (target: string): readonly { name: string; input: Uint8Array }[] => {
  const folder = join(CORPUS, target);
  if (!existsSync(folder)) return [];
  return readdirSync(folder)
    .sort()
    .map((name) => ({ name, input: Buffer.from(readFileSync(join(folder, name), 'latin1').trim(), 'hex') }));
};

/** @returns the path of the file */
export const keep = (target: string, input: Uint8Array): string => {
  const folder = join(CORPUS, target);
  mkdirSync(folder, { recursive: true });
  const path = join(folder, `${createHash('sha256').update(input).digest('hex').slice(0, 12)}.hex`);
  writeFileSync(path, `${Buffer.from(input).toString('hex')}\n`);
  return path;
};
