import { afterAll, describe, expect, test } from 'vitest';
import { connectNamespaces, Namespace, namespacesMissing } from '../support/namespaces.ts';

const missing = namespacesMissing();
const CHILD = new URL('./udp-namespace-child.ts', import.meta.url).pathname;

describe.skipIf(missing !== undefined)(`UDP in a network of its own${missing ? ` (skipped: ${missing})` : ''}`, () => {
  const spaces: Namespace[] = [];
  const space = (name: string): Namespace => {
    const made = new Namespace(name);
    spaces.push(made);
    return made;
  };
  afterAll(() => {
    for (const made of spaces) made.remove();
  });

  test('a wildcard socket answers over a cable from the address that was asked', async () => {
    const [node, client] = [space('tributary-udp-a'), space('tributary-udp-b')];
    connectNamespaces(node, ['10.78.0.1/24', '10.78.0.2/24', 'fd78::1/64', 'fd78::2/64'], client, [
      '10.78.0.9/24',
      'fd78::9/64',
    ]);
    const echo = node.run(process.execPath, [CHILD, 'echo']);
    const asking = client.run(process.execPath, [CHILD, 'ask', '10.78.0.2', '10.78.0.1', 'fd78::2', 'fd78::1']);
    await asking.success(15_000);
    expect(asking.output.trim().split('\n')).toEqual(['10.78.0.2', '10.78.0.1', 'fd78::2', 'fd78::1']);
    expect(await echo.stop()).toBeGreaterThan(-1);
  });

  test('where the kernel refuses segmentation, it is given up for good and nothing is lost', async () => {
    const small = space('tributary-udp-c');
    // A segment that does not fit the device is refused; a datagram that does not is fragmented.
    small.ip('link', 'set', 'lo', 'mtu', '1280');
    const child = small.run(process.execPath, [CHILD, 'segments']);
    await child.success(15_000);
    expect(JSON.parse(child.output)).toEqual({
      before: true,
      received: 60,
      inOrder: true,
      after: false,
      runs: 0,
      errors: 0,
    });
  });

  test('without IPv6 it says so', async () => {
    const four = space('tributary-udp-d');
    const child = four.run('sh', [
      '-c',
      'echo 1 > /proc/sys/net/ipv6/conf/all/disable_ipv6; exec "$@"',
      'sh',
      process.execPath,
      CHILD,
      'bind',
      '::1',
    ]);
    await child.success(15_000);
    expect(child.output.trim()).toBe('EADDRNOTAVAIL');
  });
});
