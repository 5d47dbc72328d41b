import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { TributaryError } from '../shared/errors.ts';
import { type ControlTarget, executeControlLine, openControl } from './control.ts';
import { askSender } from './control-client.ts';

class FakeTarget implements ControlTarget {
  readonly addresses = ['127.0.1.1', '127.0.2.1'];
  readonly calls: string[] = [];
  #note(verb: string, address: string): void {
    if (address === '192.0.2.9') throw new TributaryError('TRIBUTARY_BAD_ARGUMENT', 'no such link', 'try another');
    this.calls.push(`${verb} ${address}`);
  }
  addLink = (address: string): void => this.#note('add', address);
  removeLink = (address: string): void => this.#note('remove', address);
  block = (address: string): void => this.#note('block', address);
  unblock = (address: string): void => this.#note('unblock', address);
  setPriority = (address: string, priority: number): void => this.#note(`priority ${priority}`, address);
  rebind = (address: string): void => this.#note('rebind', address);
  impair = (address: string, spec: string): void => this.#note('impair', `${address} ${spec}`);
  impairment = (): unknown => ({ links: [] });
  status = (): unknown => ({ linksUp: 2 });
}

describe('the control protocol', () => {
  it.each(['add', 'remove', 'block', 'unblock', 'rebind'])('%s reaches the link it names', (verb) => {
    const target = new FakeTarget();
    expect(JSON.parse(executeControlLine(`  ${verb}  127.0.2.1 `, target))).toEqual({ ok: true });
    expect(target.calls).toEqual([`${verb} 127.0.2.1`]);
  });

  it('priority reaches the link with its number', () => {
    const target = new FakeTarget();
    expect(JSON.parse(executeControlLine('priority 127.0.2.1 2.5', target))).toEqual({ ok: true });
    expect(target.calls).toEqual(['priority 2.5 127.0.2.1']);
  });

  it.each([
    ['priority 127.0.2.1', { ok: false, error: 'priority takes an address and a number from 1 to 10' }],
    ['priority 127.0.2.1 0', { ok: false, error: 'priority takes an address and a number from 1 to 10' }],
    ['priority 127.0.2.1 x', { ok: false, error: 'priority takes an address and a number from 1 to 10' }],
    ['list', { ok: true, links: ['127.0.1.1', '127.0.2.1'] }],
    ['status', { ok: true, status: { linksUp: 2 } }],
    ['impairment', { ok: true, impairment: { links: [] } }],
    ['impair 127.0.1.1', { ok: false, error: 'impair takes address and SPEC' }],
    ['block', { ok: false, error: 'block takes one address' }],
    ['block 1.2.3.4 5.6.7.8', { ok: false, error: 'block takes one address' }],
    ['block 192.0.2.9', { ok: false, error: 'no such link: try another' }],
    ['explode', { ok: false, error: expect.stringContaining('unknown command "explode"') }],
    ['', { ok: false, error: expect.stringContaining('unknown command') }],
  ])('answers "%s"', (line, answer) => {
    const target = new FakeTarget();
    const text = executeControlLine(line, target);
    expect(JSON.parse(text)).toEqual(answer);
    expect(text).not.toContain('\n');
    expect(target.calls).toEqual([]);
  });

  it('impair takes what follows the address as one SPEC', () => {
    const target = new FakeTarget();
    const line = 'impair 127.0.2.1 30ms, loss=1%';
    expect(JSON.parse(executeControlLine(line, target))).toEqual({ ok: true });
    expect(target.calls).toEqual(['impair 127.0.2.1 30ms,loss=1%']);
  });
});

describe('the control socket', () => {
  let folder: string;
  let path: string;
  const servers: Server[] = [];
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'tributary-control-'));
    path = join(folder, 'c.sock');
  });
  afterEach(() => {
    for (const server of servers.splice(0)) server.close();
    rmSync(folder, { recursive: true, force: true });
  });

  it('answers a client, is closed to other users, and leaves no file', async () => {
    const target = new FakeTarget();
    const control = await openControl(`unix:${path}`, target);
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect((await askSender(`unix:${path}`, 'block 127.0.1.1')).answer).toEqual({ ok: true });
    expect(target.calls).toEqual(['block 127.0.1.1']);
    control.close();
    await expect(askSender(path, 'list')).rejects.toMatchObject({ code: 'TRIBUTARY_NODE_NOT_RUNNING' });
  });

  it('refuses a path where another sender listens', async () => {
    const control = await openControl(path, new FakeTarget());
    await expect(openControl(path, new FakeTarget())).rejects.toMatchObject({ code: 'TRIBUTARY_BAD_ARGUMENT' });
    expect((await askSender(path, 'list')).answer.ok).toBe(true);
    control.close();
  });

  it('takes over the file of a sender that was killed', async () => {
    const { spawnSync } = await import('node:child_process');
    const script = `require('net').createServer().listen(${JSON.stringify(path)}, () => process.kill(process.pid, 'SIGKILL'))`;
    spawnSync(process.execPath, ['-e', script]);
    expect(statSync(path).isSocket()).toBe(true);
    const control = await openControl(path, new FakeTarget());
    expect((await askSender(path, 'list')).answer.ok).toBe(true);
    control.close();
  });

  it('names a path that cannot be written', async () => {
    await expect(openControl(`unix:${folder}/missing/c.sock`, new FakeTarget())).rejects.toMatchObject({
      code: 'TRIBUTARY_BAD_ARGUMENT',
      message: expect.stringContaining(`${folder}/missing/c.sock`),
    });
  });

  it('a server that speaks something else is reported, not waited for', async () => {
    const server = createServer((socket) => socket.end('HTTP/1.1 400\n'));
    servers.push(server);
    await new Promise<void>((resolve) => server.listen(path, resolve));
    await expect(askSender(path, 'list')).rejects.toMatchObject({ code: 'TRIBUTARY_NODE_NOT_RUNNING' });
  });
});
