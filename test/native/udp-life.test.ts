import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { describe, expect, test } from 'vitest';

const CHILD = new URL('./udp-life-child.ts', import.meta.url).pathname;

/** Runs a child to its end. `signal` is null unless it crashed. */
const run = async (...args: string[]) => {
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  let text = '';
  for (const output of [child.stdout, child.stderr]) output.on('data', (chunk) => (text += chunk));
  const timer = setTimeout(() => child.kill('SIGKILL'), 25_000);
  const [code, signal] = await once(child, 'close');
  clearTimeout(timer);
  return { code, signal, text };
};

describe.concurrent('the end of an environment with UDP sockets', () => {
  test.each(['terminate', 'throw', 'wake-throw', 'exit', 'dispose', 'dispose-in-wake'])(
    'a worker: %s, several times, and nothing is left of it',
    async (how) => {
      const { code, signal, text } = await run(CHILD, how, '4');
      expect({ code, signal, text }).toEqual({ code: 0, signal: null, text: '' });
    },
  );

  test.each([
    { how: 'main-exit', code: 0 },
    { how: 'main-dispose', code: 0 },
    { how: 'main-dispose-in-wake', code: 0 },
    { how: 'main-throw', code: 1 },
    { how: 'main-wake-throw', code: 1 },
    { how: 'main-exit-beside-worker', code: 0 },
  ])('the process itself: $how', async ({ how, code }) => {
    const outcome = await run(CHILD, how);
    expect(outcome).toMatchObject({ code, signal: null });
    if (code !== 0) expect(outcome.text).toContain('as if broken');
    else expect(outcome.text).toBe('');
  });

  test('an engine that nobody holds any more survives the garbage collector, and so do its slots', async () => {
    const addon = new URL('../../src/shared/addon.ts', import.meta.url).href;
    const code = `
      import { loadAddon } from ${JSON.stringify(addon)};
      const options = { slots: 8, sendEntries: 8, scratchBytes: 64, busyPacketsPerSecond: 0, onWake() {} };
      const arenas = [];
      for (let i = 0; i < 20; i++) {
        const engine = loadAddon().createUdpEngine(options);
        engine.bind({ host: '127.0.0.1', port: 0, bufferBytes: 10_000 });
        arenas.push(engine.arena);
        if (i % 2) engine.dispose();
        else new WeakRef(engine);
        globalThis.gc();
      }
      await new Promise((resolve) => setImmediate(resolve));
      globalThis.gc();
      for (const arena of arenas) arena.fill(7);
      for (let i = 0; i < 5; i++) { try { loadAddon().createUdpEngine({ ...options, slots: 0 }); } catch {} globalThis.gc(); }
      console.log(arenas.length);
      process.exit(0);`;
    const outcome = await run('--expose-gc', '--input-type=module', '-e', code);
    expect(outcome).toEqual({ code: 0, signal: null, text: '20\n' });
  });
});
