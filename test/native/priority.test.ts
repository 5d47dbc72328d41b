import { execFileSync } from 'node:child_process';
import { expect, test } from 'vitest';

const run = (code: string): string => execFileSync(process.execPath, ['-e', code], { encoding: 'utf8' }).trim();
const module = new URL('../../src/shared/priority.ts', import.meta.url).href;

test('a thread goes before others where that is permitted, and says so; the rest of the process stays as it was', () => {
  const code = `
    const { Worker } = require('node:worker_threads');
    const { readFileSync } = require('node:fs');
    const nice = (path) => Number(readFileSync(path, 'utf8').split(') ')[1].split(' ')[16]);
    const inThread = \`
      const { parentPort } = require('node:worker_threads');
      import(${JSON.stringify(module)}).then(({ raiseThreadPriority }) => {
        const raised = raiseThreadPriority();
        const nice = (path) => Number(require('node:fs').readFileSync(path, 'utf8').split(') ')[1].split(' ')[16]);
        parentPort.postMessage({ raised, thread: nice('/proc/thread-self/stat') });
      });\`;
    new Worker(inThread, { eval: true }).once('message', (told) => {
      console.log(JSON.stringify({ ...told, main: nice('/proc/self/stat'), before: require('node:os').getPriority() }));
    });`;
  const { raised, thread, main, before } = JSON.parse(run(code)) as Record<string, number> & { raised: boolean };
  expect(main).toBe(before);
  expect(thread).toBe(raised ? -7 : main);
});
