import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { rawPlayer, testClip } from '../support/media.ts';
import { type Program, TestNode, tributary, until } from '../support/processes.ts';
import { PushClient } from '../support/stats-socket.ts';

const folders: string[] = [];
const programs: Program[] = [];
const folder = (): string => {
  const made = mkdtempSync(join(tmpdir(), 'tributary-life-'));
  folders.push(made);
  return made;
};
const FREE = {
  SRTLA_PORT: '0',
  SRT_SENDER_PORT: '0',
  SRT_PLAYER_PORT: '0',
  SLS_STATS_PORT: '0',
  LINK_STATS_PORT: '0',
  SLS_MGNT_PORT: '0',
};
const failing = async (env: Record<string, string>): Promise<{ code: number; text: string }> => {
  const program = tributary(['relay'], { ...FREE, DATA_DIR: folder(), ...env });
  programs.push(program);
  const code = await program.exited;
  return { code, text: program.output };
};

afterAll(async () => {
  await Promise.all(programs.map((program) => program.stop('SIGKILL')));
  for (const made of folders) rmSync(made, { recursive: true, force: true });
});

describe('a node that cannot start', () => {
  it('names the port that is taken and the setting that moves it, in one line', async () => {
    const taken = createServer();
    await new Promise<void>((done) => taken.listen(0, '::', done));
    const { port } = taken.address() as { port: number };
    const { code, text } = await failing({ SLS_STATS_PORT: String(port) });
    taken.close();
    expect(code).toBe(1);
    const lines = text.trim().split('\n');
    expect(lines.at(-1)).toMatch(new RegExp(`^tributary: TCP port .*:${port} is in use.*SLS_STATS_PORT`));
    // The key was made; it is told although the start failed, because it will not be told again.
    expect(lines[0]).toMatch(/^Generated default admin API key: [0-9A-Za-z]{32}$/);
  });

  it('lists every bad setting with its mend', async () => {
    const { code, text } = await failing({ SRT_PLAYER_PORT: '70000', TRIBUTARY_SRT_REFUSE_PLAY: 'maybe' });
    expect(code).toBe(2);
    expect(text).toContain('SRT_PLAYER_PORT');
    expect(text).toContain('TRIBUTARY_SRT_REFUSE_PLAY');
    expect(text.trim().split('\n').length).toBe(2);
  });

  it('leaves a damaged data file alone and names it', async () => {
    const dataDir = folder();
    writeFileSync(join(dataDir, 'streams.json'), '{"version":1,"streams":');
    const { code, text } = await failing({ DATA_DIR: dataDir });
    expect(code).toBe(1);
    expect(text).toMatch(/^tributary: .*streams\.json is damaged/m);
    expect(readFileSync(join(dataDir, 'streams.json'), 'utf8')).toBe('{"version":1,"streams":');
  });

  it('refuses a data folder that another node uses, and leaves that one undisturbed', async () => {
    const node = await TestNode.start();
    const { code, text } = await failing({ DATA_DIR: node.dataDir });
    expect(code).toBe(1);
    expect(text).toMatch(/another node is running with the data folder .*: stop it, or set DATA_DIR/);
    expect(existsSync(join(node.dataDir, 'runtime.json'))).toBe(true);
    expect(await node.stop()).toBe(0);
  });
});

describe('a node that is told to stop', () => {
  it('tells a live sender at once and lets players play out, drained before or not, and is gone within five seconds', {
    timeout: 120_000,
  }, async () => {
    const node = await TestNode.start();
    const [row] = await node.rows();
    const sender = tributary([
      ...[
        'send',
        '--to',
        `127.0.0.1:${node.ports.srtla[0]}`,
        '--links',
        '127.0.1.1,127.0.2.1',
        '--input',
        testClip(40),
      ],
      ...['--streamid', row!.publisher, '--latency', '1000'],
    ]);
    programs.push(sender);
    await until('a live publisher', async () => {
      const facts = await node.get<{ publishers: { messages: number }[] }>('/v1/doctor', node.token);
      return (facts.publishers[0]?.messages ?? 0) > 100;
    });
    // A dashboard that looks on is told so, and one that does not answer is not waited for.
    const dashboard = new PushClient(`ws://127.0.0.1:${node.ports.stats}/ws/stats/${row!.player}`);
    const deaf = new PushClient(`ws://127.0.0.1:${node.ports.stats}/ws/stats/${row!.player}`);
    expect([await dashboard.outcome, await deaf.outcome]).toEqual(['open', 'open']);
    deaf.socket.pause();
    const file = join(folder(), 'played.ts');
    const player = rawPlayer(
      `srt://127.0.0.1:${node.ports.play}?streamid=${row!.player}&mode=caller&latency=2500`,
      file,
    );
    programs.push(player);
    await until('the player to play', () => existsSync(file) && statSync(file).size > 100_000);
    const drain = tributary(['drain', '--until-idle', '--timeout', '0'], { DATA_DIR: node.dataDir });
    programs.push(drain);
    expect(await drain.exited).toBe(1);
    expect(drain.output).toMatch(/^draining: 1 publisher live, 1 player connected\nnot idle after 0 s/);
    const ready = async (): Promise<unknown> => (await node.get<{ reasons?: unknown }>('/readyz')).reasons;
    expect(await ready()).toEqual(['draining']);
    const from = performance.now();
    // It is told twice: by a service manager and by the launcher.
    node.program.child.kill('SIGTERM');
    await until('the node to say that it stops', async () => String(await ready()) === 'stopping,draining', 1_000);
    const playedBefore = statSync(file).size;
    const stopping = node.stop();
    expect(await sender.exited).toBe(1);
    // Without a SHUTDOWN on the links it would have taken the sender's idle timeout of five seconds.
    expect(performance.now() - from).toBeLessThan(3_000);
    expect(await stopping).toBe(0);
    expect(performance.now() - from).toBeLessThan(5_000);
    expect(node.program.output).toContain('"msg":"stopped"');
    // More than two seconds of 4 Mbit/s were on their way.
    expect(statSync(file).size - playedBefore).toBeGreaterThan(600_000);
    expect(await dashboard.closed).toBe(1_001);
    deaf.socket.terminate();
  });
});
