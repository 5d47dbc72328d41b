import { spawn } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { afterAll, describe, expect, test } from 'vitest';
import { Peer, peerEngines, until } from './peer.ts';

const node = new Peer();
const callers = new Peer();
afterAll(() => {
  node.engine.dispose();
  callers.engine.dispose();
});

const failure = (act: () => unknown): Error & { code?: string; srtCode?: number } => {
  try {
    act();
  } catch (error) {
    return error as Error;
  }
  throw new Error('it did not throw');
};

describe('binding', () => {
  test('a port that a UDP socket of this process has is EADDRINUSE', async () => {
    const udp = createSocket('udp4').bind(0, '127.0.0.1');
    await once(udp, 'listening');
    const { port } = udp.address();
    const error = failure(() => node.listen({ port }));
    udp.close();
    expect(error.code).toBe('EADDRINUSE');
    if (peerEngines.kind === 'libsrt') expect(error.srtCode).toBeGreaterThan(0);
    expect(error.message).toContain(`127.0.0.1:${port}`);
  });

  test('so is a port of another listener, here or in another engine', () => {
    const { port } = node.listen();
    expect(failure(() => node.listen({ port })).code).toBe('EADDRINUSE');
    expect(failure(() => callers.listen({ port })).code).toBe('EADDRINUSE');
    expect(failure(() => node.listen({ port, host: '0.0.0.0' })).code).toBe('EADDRINUSE');
  });

  test.each(['udp', 'srt'])('so is a port of another process (%s)', async (kind) => {
    const child = spawn(process.execPath, [new URL('./port-child.ts', import.meta.url).pathname, kind], {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    const [line] = await once(child.stdout, 'data');
    const error = failure(() => node.listen({ port: Number(String(line)) }));
    child.stdin.end();
    const [code] = await once(child, 'exit');
    expect([error.code, code]).toEqual(['EADDRINUSE', 0]);
  });

  test('an address that is not here is EADDRNOTAVAIL', () => {
    const error = failure(() => node.listen({ host: '192.0.2.1', port: 0 }));
    expect(error.code).toBe('EADDRNOTAVAIL');
    expect(error.message).toContain('192.0.2.1:0');
  });

  test('a closed listener answers no more, and its port is free at once', async () => {
    const { listener, port } = node.listen();
    node.engine.allow('publish', 'again', { maxSockets: 1 });
    await callers.join(port, 'again');
    const { socket } = await node.accepted('again');
    node.engine.closeListener(listener);
    node.engine.closeListener(listener);
    expect(node.engine.listenerPort(listener)).toBe(0);
    // Sessions go on without their listener.
    expect(node.stat(socket, 'rttMs')).toBeGreaterThan(0);
    const second = node.listen({ port });
    expect(second.port).toBe(port);
    node.engine.close(socket);
    await node.ended(socket);
    await callers.join(port, 'again');
  });

  test(':: takes IPv4 and IPv6, and shows IPv4 as such; ::1 takes IPv6 alone', async () => {
    node.engine.allow('play', 'both', { maxSockets: 5 });
    const dual = node.listen({ host: '::', role: 'play' });
    await callers.join(dual.port, 'both', { reads: true });
    await callers.join(dual.port, 'both', { reads: true, host: '::1' });
    const addresses = await until('both callers', () => {
      const list = node.ofType('accepted').filter((event) => event.streamId === 'both');
      return list.length === 2 && list.map((event) => event.address);
    });
    expect(addresses.sort()).toEqual(['127.0.0.1', '::1']);
    const six = node.listen({ host: '::1', role: 'play' });
    const four = node.listen({ host: '127.0.0.1', role: 'play', port: six.port });
    expect(four.port).toBe(six.port);
    await callers.join(six.port, 'both', { reads: true, host: '::1' });
    await callers.join(four.port, 'both', { reads: true });
  });

  test('the latency floor of a listener holds, and a caller may ask for more', async () => {
    const publish = node.listen({ latencyFloorMs: 700 });
    const play = node.listen({ latencyFloorMs: 600, role: 'play' });
    for (const id of ['low', 'high']) {
      node.engine.allow('publish', id, { maxSockets: 1 });
      node.engine.allow('play', id, { maxSockets: 1 });
      const latencyMs = id === 'low' ? 100 : 900;
      await callers.join(publish.port, id, { latencyMs });
      await callers.join(play.port, id, { latencyMs, reads: true });
      await node.accepted(id, 1);
    }
    const latencies = (listener: number) =>
      node.ofType('accepted').flatMap((event) => (event.listener === listener ? [event.latencyMs] : []));
    expect(latencies(publish.listener)).toEqual([700, 900]);
    expect(latencies(play.listener)).toEqual([600, 900]);
  });
});
