import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { grantedBytes } from '../../src/data-plane/buffer-probe-socket.ts';
import { KernelDrops, parseUdpTable } from '../../src/data-plane/kernel-drops.ts';
import { until } from '../support/processes.ts';
import { keepingLogger, type Line } from './host-harness.ts';

const HEAD =
  '   sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode ref pointer drops\n';
const row = (port: number, inode: number, drops: number): string =>
  `  123: 0100007F:${port.toString(16).toUpperCase().padStart(4, '0')} 00000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 ${inode} 2 0000000000000000 ${drops}       \n`;

let folder: string;
let table: string;
let lines: Line[];
let nowMs: number;
let watch: KernelDrops;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'tributary-drops-'));
  table = join(folder, 'udp');
  lines = [];
  nowMs = 0;
  watch = new KernelDrops({
    ports: () => [4_000, 4_002],
    askedBytes: 8_192,
    logger: keepingLogger(lines),
    clock: () => nowMs,
    tables: [table, join(folder, 'missing')],
    everyMs: 1_000_000,
  });
});
afterEach(() => {
  watch.stop();
  rmSync(folder, { recursive: true, force: true });
});
const look = (...rows: string[]): Promise<void> => {
  writeFileSync(table, HEAD + rows.join(''));
  return watch.look();
};

describe("the kernel's table", () => {
  it('is read, whatever stands in it', () => {
    expect(parseUdpTable(`${HEAD}${row(4_000, 77, 12)}junk\n\n  1: x y\n`)).toEqual([
      { port: 4_000, inode: '77', drops: 12 },
    ]);
    expect(parseUdpTable('')).toEqual([]);
  });
});

describe('kernel drops of libsrt', () => {
  it('are summed over our ports, and go on from where they were when a socket is opened anew', async () => {
    await look(row(4_000, 1, 0), row(4_002, 2, 3), row(5_353, 3, 99));
    expect(watch.total).toBe(3);
    await look(row(4_000, 1, 5), row(4_002, 2, 3), row(5_353, 3, 999));
    expect(watch.total).toBe(8);
    await look(row(4_000, 9, 2));
    expect(watch.total).toBe(10);
  });

  it('are warned of with what to raise, where, and what was granted, once a minute at most', async () => {
    await look(row(4_000, 1, 0));
    expect(lines).toEqual([]);
    await look(row(4_000, 1, 7));
    expect(lines).toHaveLength(1);
    expect(lines[0]).toMatchObject({
      severity: 'warn',
      message: expect.stringMatching(/net\.core\.rmem_max on the host \(a container cannot raise it\)/),
      fields: { dropped: 7, askedBytes: 8_192, grantedBytes: 8_192 },
    });
    await look(row(4_000, 1, 9));
    expect(lines).toHaveLength(1);
    nowMs = 61_000;
    await look(row(4_000, 1, 9));
    expect(lines[1]?.fields).toMatchObject({ dropped: 2 });
  });

  it('are nothing where there is no table', async () => {
    await watch.look();
    expect(watch.total).toBe(0);
  });

  it('are found in the table of this very machine', async () => {
    const socket = createSocket({ type: 'udp4', recvBufferSize: 4_096 });
    socket.bind(0, '127.0.0.1');
    await once(socket, 'listening');
    const { port } = socket.address();
    const real = new KernelDrops({
      ports: () => [port],
      askedBytes: 4_096,
      logger: keepingLogger(lines),
      clock: () => 0,
    });
    const source = createSocket('udp4');
    try {
      // More than it holds, before this thread gets round to read.
      await until('a drop', async () => {
        for (let i = 0; i < 50; i++) source.send(new Uint8Array(1_332), port, '127.0.0.1');
        await real.look();
        return real.total > 0;
      });
      expect(lines).toHaveLength(1);
    } finally {
      real.stop();
      source.close();
      socket.close();
    }
  });

  it('know what the kernel grants', async () => {
    expect(await grantedBytes(16_384)).toBe(16_384);
    expect(await grantedBytes(2 ** 30)).toBeLessThan(2 ** 30);
  });
});
