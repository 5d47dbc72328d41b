import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { describe, expect, test } from 'vitest';
import { Peer, until } from './peer.ts';

const CHILD = new URL('./life-child.ts', import.meta.url).pathname;

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

describe.concurrent('the end of an environment', () => {
  test.each(['terminate', 'throw', 'wake-throw', 'exit', 'dispose', 'dispose-in-wake'])(
    'a worker with live sockets: %s, several times, and nothing is left of it',
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
    for (let i = 0; i < 2; i++) {
      const outcome = await run(CHILD, how);
      expect(outcome).toMatchObject({ code, signal: null });
      if (code !== 0) expect(outcome.text).toContain('as if broken');
      else expect(outcome.text).toBe('');
    }
  });

  test('an engine that nobody holds any more survives the garbage collector, and so do its slots', async () => {
    const addon = new URL('../../src/shared/addon.ts', import.meta.url).href;
    const code = `
      import { loadAddon } from ${JSON.stringify(addon)};
      const options = { tickMs: 5, slots: 64, takeoverSilenceMs: 0, onWake() {} };
      const arenas = [];
      for (let i = 0; i < 20; i++) {
        const engine = loadAddon().createSrtEngine(options);
        arenas.push(engine.arena);
        if (i % 2) engine.dispose();
        else new WeakRef(engine);
        globalThis.gc();
      }
      await new Promise((resolve) => setImmediate(resolve));
      globalThis.gc();
      for (const arena of arenas) arena.fill(7);
      for (let i = 0; i < 5; i++) { try { loadAddon().createSrtEngine({ ...options, slots: 0 }); } catch {} globalThis.gc(); }
      console.log(arenas.length);
      process.exit(0);`;
    const outcome = await run('--expose-gc', '--input-type=module', '-e', code);
    expect(outcome).toEqual({ code: 0, signal: null, text: '20\n' });
  });

  test('everything throws SRT_DISPOSED after dispose, and dispose may be called again', async () => {
    const peer = new Peer();
    const { port } = peer.listen();
    peer.engine.allow('publish', 'in', { maxSockets: 1 });
    const caller = new Peer();
    const socket = await caller.join(port, 'in');
    peer.engine.dispose();
    peer.engine.dispose();
    const { engine } = peer;
    const uses = [
      () => engine.receive(),
      () => engine.takeEvents(),
      () => engine.rearm(),
      () => engine.close(1),
      () => engine.listenerPort(1),
      () => engine.takeLog(),
      () => engine.refuseAll(true),
      () => engine.yieldPublisher(1),
      () => engine.sendMessage(1, new Uint8Array(3), 0),
      () => engine.stats(1, new Float64Array(30)),
      () => peer.listen(),
      () => peer.call(port, 'in'),
    ];
    for (const use of uses) expect(use).toThrow(expect.objectContaining({ code: 'SRT_DISPOSED' }));
    engine.arena.fill(1);
    await until('the other side to notice', () => caller.find('broken', socket));
    caller.engine.dispose();
  });

  test('closing in any order', async () => {
    type Act = 'listener' | 'publisher' | 'caller' | 'engine';
    const orders: Act[][] = [
      ['listener', 'publisher', 'caller', 'engine'],
      ['caller', 'publisher', 'listener', 'engine'],
      ['publisher', 'listener', 'engine', 'caller'],
      ['engine', 'caller', 'publisher', 'listener'],
    ];
    for (const order of orders) {
      const [node, caller] = [new Peer(), new Peer()];
      const { listener, port } = node.listen();
      node.engine.allow('publish', 'in', { maxSockets: 1 });
      const socket = await caller.join(port, 'in');
      const publisher = (await node.accepted('in')).socket;
      const acts: Record<Act, () => void> = {
        listener: () => node.engine.closeListener(listener),
        publisher: () => node.engine.close(publisher),
        caller: () => caller.engine.close(socket),
        engine: () => node.engine.dispose(),
      };
      const disposed = () => order.indexOf('engine');
      for (const [i, act] of order.entries()) {
        if (i > disposed() && act !== 'caller') expect(acts[act]).toThrow('disposed');
        else acts[act]();
      }
      await caller.ended(socket);
      caller.engine.dispose();
    }
  });
});
