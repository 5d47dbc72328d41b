import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { FakeSrtlaReceiver } from '../support/fake-srtla-receiver.ts';
import { Program, until } from '../support/processes.ts';

const SCRIPT =
  "import('./dist/cli/send.js').then((m) => m.runSend(process.argv.slice(1))).then((code) => process.exit(code))";
let folder: string;
let fake: FakeSrtlaReceiver;
const programs: Program[] = [];
const send = (...args: string[]): Program => {
  const program = new Program(process.execPath, ['-e', SCRIPT, '--', ...args]);
  programs.push(program);
  return program;
};
/** Whole lines of JSON so far. */
const lines = (program: Program): Record<string, unknown>[] =>
  program.output
    .split('\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line) as Record<string, unknown>);
const line = (program: Program, wanted: Record<string, unknown>) =>
  until(`a line with ${JSON.stringify(wanted)}`, () =>
    lines(program).find((each) => Object.entries(wanted).every(([key, value]) => each[key] === value)),
  );

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'tributary-send-'));
  fake = await FakeSrtlaReceiver.open(9);
});
afterEach(async () => {
  await Promise.all(programs.splice(0).map((program) => program.stop('SIGKILL')));
  fake.close();
  rmSync(folder, { recursive: true, force: true });
});

describe('tributary send', () => {
  it('shows its help', async () => {
    const program = send('--help');
    expect(await program.exited).toBe(0);
    expect(program.output).toMatch(/^Usage: \.\/tributary send/);
  });

  it('says in one line what is wrong with its arguments, and exits with 2', async () => {
    const program = send('--listen', '0');
    expect(await program.exited).toBe(2);
    expect(program.output).toBe('tributary send: --to is missing: write --to HOST:PORT\n');
  });

  it('runs for an encoder, under control and SIGHUP, until SIGTERM', { timeout: 40_000 }, async () => {
    const links = join(folder, 'links');
    const control = `unix:${join(folder, 'control')}`;
    writeFileSync(links, '127.0.1.1\n127.0.2.1\n');
    const program = send(
      '--json',
      '--listen',
      '0',
      '--to',
      `127.0.0.1:${fake.port}`,
      '--links',
      links,
      '--control',
      control,
    );
    expect((await line(program, { type: 'listening' })).port).toBeGreaterThan(0);
    await line(program, { type: 'event', event: 'link-up', address: '127.0.2.1' });

    const block = send('--control', control, '--command', 'block 127.0.2.1');
    expect(await block.exited).toBe(0);
    await line(program, { type: 'event', event: 'link-down', address: '127.0.2.1', why: 'timeout' });
    const status = send('--control', control, '--command', 'status');
    expect(await status.exited).toBe(0);
    expect(JSON.parse(status.output)).toMatchObject({
      ok: true,
      status: { linksUp: 1, links: [{}, { blocked: true }] },
    });
    const wrong = send('--control', control, '--command', 'block 127.0.9.9');
    expect(await wrong.exited).toBe(1);

    writeFileSync(links, '127.0.1.1\n127.0.3.1\n');
    program.child.kill('SIGHUP');
    await line(program, { type: 'notice', text: 'links read again: 1 added, 1 removed' });
    await line(program, { type: 'event', event: 'link-up', address: '127.0.3.1' });
    writeFileSync(links, 'nonsense\n');
    program.child.kill('SIGHUP');
    expect(
      (await until('the complaint', () => lines(program).find((each) => String(each.text).includes('nonsense')))).type,
    ).toBe('notice');
    await line(program, { type: 'status', linksUp: 2 });

    expect(await program.stop('SIGTERM')).toBe(0);
  });

  it('names a port that is taken and exits with 1', { timeout: 20_000 }, async () => {
    const to = `127.0.0.1:${fake.port}`;
    const program = send('--listen', String(fake.port), '--to', to, '--links', '127.0.0.1');
    expect(await program.exited).toBe(1);
    expect(program.output).toMatch(/^tributary send: UDP 127\.0\.0\.1:\d+ is in use: .+\n$/);
  });
});
