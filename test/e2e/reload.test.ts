import { mkdtempSync, rmSync, unlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { TestNode, until } from '../support/processes.ts';

interface Health {
  settings: string;
}

const folder = mkdtempSync(join(tmpdir(), 'tributary-reload-'));
const nodes: TestNode[] = [];

afterAll(async () => {
  await Promise.all(nodes.map((node) => node.stop()));
  rmSync(folder, { recursive: true, force: true });
});

const start = async (file: string, text: string): Promise<TestNode> => {
  writeFileSync(file, text);
  const node = await TestNode.start({ TRIBUTARY_CONFIG: file });
  nodes.push(node);
  return node;
};
const saying = (node: TestNode, text: string): Promise<boolean> =>
  until(`the node to say ${text}`, () => node.program.output.includes(text));
const state = async (node: TestNode): Promise<string> => (await node.get<Health>('/health')).settings;

describe('a node whose settings file changes', () => {
  it('takes what it can, says what needs a restart, and stays as it was where the file is wrong, empty or gone', {
    timeout: 60_000,
  }, async () => {
    const file = join(folder, 'a.yml');
    const node = await start(file, 'http: {maxPushClients: 200}\n');
    const shown = async (): Promise<number> => (await fetch(node.links)).status;
    expect(await state(node)).toBe('ok');
    expect(await shown()).toBe(200);

    writeFileSync(file, 'http: {maxPushClients: 100}\nsrtla: {maxGroups: 7}\n');
    await saying(node, 'some of them need a restart');
    expect(node.program.output).toContain('http.maxPushClients: 200 -> 100');
    expect(node.program.output).toContain('srtla.maxGroups: 200 -> 7');
    expect(await state(node)).toBe('restart needed');

    writeFileSync(file, 'http: {maxPushClient: 100}\n');
    await saying(node, 'did you mean http.maxPushClients');
    expect(await state(node)).toBe('refused');
    writeFileSync(file, '');
    await saying(node, 'is empty');
    unlinkSync(file);
    await saying(node, 'is gone');
    expect(await state(node)).toBe('refused');

    writeFileSync(file, 'http: {maxPushClients: 50}\n');
    await saying(node, 'http.maxPushClients: 100 -> 50');
    expect(await state(node)).toBe('ok');
  });

  it('is told by SIGHUP as well, and goes on', { timeout: 60_000 }, async () => {
    const file = join(folder, 'b.yml');
    const node = await start(file, 'quality: {mode: observe}\n');
    node.program.child.kill('SIGHUP');
    await saying(node, 'the settings are as they were');
    expect(node.program.exitCode).toBeUndefined();
    expect(await state(node)).toBe('ok');
  });
});
