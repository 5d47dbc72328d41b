import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { fromEnvironment } from '../../src/config/sources.ts';

const ROOT = resolve(import.meta.dirname, '../..');
const text = (name: string): string => readFileSync(join(ROOT, name), 'utf8');
const { NODE_FLAGS } = createRequire(import.meta.url)('../../bin/launcher.cjs') as { NODE_FLAGS: readonly string[] };

interface Service {
  image: string;
  network_mode?: string;
  ports?: string[];
  environment: Record<string, string>;
  volumes: string[];
}
const receiver = (name: string): Service =>
  (parse(text(name)) as { services: { receiver: Service } }).services.receiver;

/** What the image is made of must agree with the rest; that it works is for `npm run test:image`. */
describe('the image', () => {
  it.each(['docker/tributary', 'docker/tributary.service'])('%s gives Node the flags of the launcher', (name) => {
    expect(text(name)).toContain(`node ${NODE_FLAGS.join(' ')} `);
  });

  it('has every setting of its own spelled as the node reads it', () => {
    const [, block] = /^ENV (NODE_ENV=[\s\S]*?)\n\n/m.exec(text('docker/Dockerfile'))!;
    const env = Object.fromEntries(block!.split(/\s+\\?\s*/).map((pair) => pair.split('=') as [string, string]));
    expect(env).toMatchObject({ NODE_ENV: 'production', DATA_DIR: '/var/lib/sls' });
    const { entries, problems, warnings } = fromEnvironment(env);
    expect([...problems, ...warnings]).toEqual([]);
    expect(entries).toHaveLength(Object.keys(env).length - 1);
  });

  it('opens the ports that the compose file leads to', () => {
    const [, exposed] = /^EXPOSE (.*)$/m.exec(text('docker/Dockerfile'))!;
    const inside = receiver('docker/compose.yml').ports!.map((port) => port.split(':').at(-1)!);
    // The port of SLS beside ours: an old compose file leads there. The control plane's: another service of the same image.
    expect([...inside, '8080/tcp', '9080/tcp'].sort()).toEqual(exposed!.split(' ').sort());
  });
});

describe('the compose files', () => {
  const [bridge, host] = [receiver('docker/compose.yml'), receiver('docker/compose.host.yml')];

  it('are the same service but for its network', () => {
    const { ports: _ports, environment: _bridge, ...bridged } = bridge;
    const { network_mode, environment: _host, ...hosted } = host;
    expect(hosted).toEqual(bridged);
    expect(network_mode).toBe('host');
  });

  it('pass ports into the container only on the host network, by names that the node reads', () => {
    expect(Object.keys(bridge.environment)).toEqual(['APP_URL']);
    const names = bridge.ports!.map((port) => /^\$\{(\w+):-/.exec(port)![1]!);
    expect(Object.keys(host.environment)).toEqual(expect.arrayContaining(names));
    const { entries, warnings } = fromEnvironment(host.environment);
    expect(warnings).toEqual([]);
    expect(entries).toHaveLength(Object.keys(host.environment).length);
  });

  it('keep the folder and the host ports of the old stack', () => {
    expect(bridge.volumes).toContain('./data:/var/lib/sls');
    const defaults = bridge.ports!.map((port) => /:-(\d+)\}/.exec(port)![1]);
    expect(defaults).toEqual(['5000', '4001', '4000', '8090', '5080', '3000']);
  });
});
