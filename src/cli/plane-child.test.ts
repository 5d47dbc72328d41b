import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { keepingLogger, type Line } from '../../test/data-plane/host-harness.ts';
import { until } from '../../test/support/processes.ts';
import { LOCAL_NODE_ENV } from '../control-plane/protocol.ts';
import { PlaneChild } from './plane-child.ts';

/** A program in the place of a control plane: notes each of its starts, and its end. */
const PROGRAM = `
  const { appendFileSync, readFileSync } = require('node:fs');
  const file = process.argv[2];
  const note = (text) => appendFileSync(file, text + '\\n');
  note('start ' + process.argv.slice(3).join(' ') + ' ' + process.env.${LOCAL_NODE_ENV});
  process.on('SIGTERM', () => { note('end'); process.exit(0); });
  if (readFileSync(file, 'utf8').split('start').length <= 2) process.exit(3);
  process.send({ type: 'something-else' });
  process.send({ type: 'plane-ready', url: 'http://127.0.0.1:4711/' });
  setInterval(() => {}, 1_000);
`;

const started = (command: (program: string, file: string) => string[]) => {
  const folder = mkdtempSync(join(tmpdir(), 'tributary-unit-'));
  const [program, file] = [join(folder, 'plane.cjs'), join(folder, 'notes')];
  writeFileSync(program, PROGRAM);
  writeFileSync(file, '');
  const lines: Line[] = [];
  let ready = 0;
  const child = new PlaneChild({
    command: command(program, file),
    args: ['control-plane', '--data-dir', 'x'],
    env: process.env,
    serverId: 'local',
    nodeKey: 'a-key-of-the-two',
    onReady: () => ready++,
    logger: keepingLogger(lines),
    random: () => 0,
    retry: { firstMs: 40, mostMs: 80 },
  });
  onTestFinished(async () => {
    await child.stop();
    rmSync(folder, { recursive: true, force: true });
  });
  child.start();
  return { child, lines, ready: () => ready, notes: () => readFileSync(file, 'utf8').trim().split('\n') };
};

describe('a control plane beside the node', () => {
  it('is started again when it ends, says where it is, and ends with the node', async () => {
    const { child, lines, ready, notes } = started((program, file) => [process.execPath, program, file]);
    await until('it to say where it is', () => ready() === 1);
    expect(child.url).toBe('http://127.0.0.1:4711');
    const start = 'start control-plane --data-dir x local a-key-of-the-two';
    expect(notes()).toEqual([start, start]);
    expect(lines).toMatchObject([{ severity: 'error', fields: { why: 'code 3', pauseMs: 20 } }]);
    expect(JSON.stringify(lines)).not.toContain('a-key-of-the-two');
    await child.stop();
    expect(notes()).toEqual([start, start, 'end']);
    expect(child.url).toBeUndefined();
    expect(lines).toHaveLength(1);
  });

  it('that cannot be started is tried again, and no more after the end', async () => {
    const { child, lines } = started(() => ['/nowhere/tributary']);
    await until('three tries', () => lines.length >= 3);
    expect(lines[0]?.fields.why).toContain('ENOENT');
    await child.stop();
    const tries = lines.length;
    child.start();
    expect(lines).toHaveLength(tries);
  });
});
