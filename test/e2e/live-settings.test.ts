import { mkdtempSync, readFileSync, statSync } from 'node:fs';
import { Agent, get } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type ReloadablePath, SETTING_PATHS, settingAt } from '../../src/config/schema.ts';
import { rawPlayer, testClip } from '../support/media.ts';
import { type Program, tributary, until } from '../support/processes.ts';
import { settingCases } from '../support/setting-cases.ts';
import { SettingStage } from '../support/setting-stage.ts';
import { PushClient } from '../support/stats-socket.ts';

const SECONDS = 60;
// Long: other tests may have the machine busy, and what is lost here is to be lost by a reload.
const LATENCY_MS = 5_000;
/** It writes its last bytes at its end. */
const PLAYER_HOLDS_BYTES = 16_384;
const stage = new SettingStage(mkdtempSync(join(tmpdir(), 'tributary-live-')));
const programs: Program[] = [];
const run = (program: Program): Program => {
  programs.push(program);
  return program;
};

beforeAll(async () => {
  testClip(SECONDS);
  await stage.open();
}, 180_000);
afterAll(async () => {
  await Promise.all(programs.map((program) => program.stop('SIGKILL')));
  await stage.close();
});

/** Asks again and again over one connection, and keeps what was not answered with 200. */
const steadyRequests = (
  port: number,
): { stop: () => Promise<{ answers: number; faults: string[]; sockets: number }> } => {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  const sockets = new Set<unknown>();
  const faults: string[] = [];
  let answers = 0;
  let isOver = false;
  const ask = (): Promise<void> =>
    new Promise((done) => {
      const request = get({ host: '127.0.0.1', port, path: '/healthz', agent }, (answer) => {
        answers++;
        if (answer.statusCode !== 200) faults.push(`status ${answer.statusCode}`);
        answer.resume().once('end', done);
      });
      request.once('socket', (socket) => sockets.add(socket));
      request.once('error', (error) => {
        faults.push(error.message);
        done();
      });
    });
  const asking = (async () => {
    while (!isOver) {
      await ask();
      await delay(20);
    }
  })();
  return {
    stop: async () => {
      isOver = true;
      await asking;
      agent.destroy();
      return { answers, faults, sockets: sockets.size };
    },
  };
};

/** Where they differ first, in TS packets; undefined where they are the same. */
const differenceOf = (sent: Buffer, played: Buffer): string | undefined => {
  if (sent.equals(played)) return undefined;
  let at = 0;
  while (at < sent.length && sent[at] === played[at]) at++;
  return `${played.length / 188} of ${sent.length / 188} packets, the first that is not as it was sent: ${Math.floor(at / 188)}`;
};

describe('every setting that a running node takes', () => {
  it('counts from the reload on, while a stream goes on whole and no request is reset', {
    timeout: 180_000,
  }, async () => {
    const { node, main } = stage;
    const raw = join(stage.folder, 'played.ts');
    const url = `srt://127.0.0.1:${node.ports.play}?streamid=${main.player}&mode=caller&latency=${LATENCY_MS}&tlpktdrop=0`;
    const player = run(rawPlayer(url, raw));
    await until('the player', async () => (await stage.doctor()).players.length === 1);
    const sender = run(
      tributary([
        ...['send', '--to', `127.0.0.1:${node.ports.srtla[0]}`, '--links', '127.0.1.1,127.0.2.1'],
        ...['--input', testClip(SECONDS), '--streamid', main.publisher, '--latency', String(LATENCY_MS)],
      ]),
    );
    await until('a judged stream', () => stage.level(), 30_000);
    const push = new PushClient(`ws://127.0.0.1:${node.ports.stats}/ws/stats/${main.player}`);
    expect(await push.outcome).toBe('open');
    const requests = steadyRequests(node.ports.stats);

    const beganMs = performance.now();
    const cases = settingCases(stage);
    const reloadable = SETTING_PATHS.filter((path) => settingAt(path).reload !== 'restart') as ReloadablePath[];
    expect(Object.keys(cases).sort()).toEqual([...reloadable].sort());
    for (const path of reloadable) {
      const { to, also = {}, prepare, look } = cases[path];
      await stage.change(also);
      const before = await stage.shown(path);
      await prepare?.(stage);
      const said = await stage.change({ ...also, [path]: to });
      expect(said, path).toContain(`${path}: `);
      expect(said, path).toContain('new settings are in effect');
      expect(await stage.shown(path), path).not.toBe(before);
      if (typeof look === 'function')
        await look(stage).catch((error: Error) => {
          const state = `the sender ${sender.exitCode === undefined ? 'runs' : `has ended with ${sender.exitCode}`}`;
          const said = node.program.output.slice(-2_000);
          throw new Error(`${path}: ${error.message}; ${state}, the node said last:\n${said}`, { cause: error });
        });
      else expect(readFileSync(look, 'utf8').length, look).toBeGreaterThan(0);
    }
    await stage.change({});
    const tookMs = Math.round(performance.now() - beganMs);

    expect(sender.exitCode, `the stream was over before the settings were through (${tookMs} ms)`).toBeUndefined();
    const { answers, faults, sockets } = await requests.stop();
    expect(faults).toEqual([]);
    expect(sockets).toBe(1);
    expect(answers).toBeGreaterThan(100);
    expect(push.closeCode).toBeUndefined();
    push.socket.terminate();
    expect(stage.plane.problems).toEqual([]);

    await sender.success(150_000);
    await until('the stream to have played out', async () => (await stage.encoder(main.publisher)) === undefined);
    // The player is longer about it than a node that stops would wait.
    const { size } = statSync(testClip(SECONDS));
    await until('the player to have played out', () => statSync(raw).size >= size - PLAYER_HOLDS_BYTES, 30_000).catch(
      // What is missing is told below.
      () => undefined,
    );
    await node.program.stop();
    await player.exited;
    const [sent, played] = [readFileSync(testClip(SECONDS)), readFileSync(raw)];
    expect(differenceOf(sent, played), player.output).toBeUndefined();
  });
});
