import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { testClip } from '../support/media.ts';
import { namespacesMissing } from '../support/namespaces.ts';
import { until } from '../support/processes.ts';
import { Field, type FieldOptions } from './field.ts';

const missing = namespacesMissing();

describe.skipIf(missing !== undefined)(`the machine${missing ? ` (skipped: ${missing})` : ''}`, () => {
  let folder: string;
  let clip: string;
  let field: Field;
  const mounted: string[] = [];
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'tributary-machine-'));
    clip = testClip(12);
  });
  afterEach(async () => {
    await field?.close();
    for (const path of mounted.splice(0)) execFileSync('umount', ['-l', path]);
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  const open = async (options: FieldOptions = {}): Promise<Field> => {
    field = await Field.open(options);
    return field;
  };
  /** A disk of its own. */
  const disk = (name: string, size: string): string => {
    const path = join(folder, name);
    mkdirSync(path);
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${size}`, 'tmpfs', path]);
    mounted.push(path);
    return path;
  };
  interface Change {
    message: string;
    status: string;
    player?: string;
  }
  const add = () => field.ask<Change>('POST', '/api/stream-ids', {});
  const rows = async (): Promise<number> =>
    (await field.ask<{ data: unknown[] }>('GET', '/api/stream-ids')).body.data.length;

  it('a disk that is full: what cannot be stored is refused and not kept, streams go on, and there is room again later', async () => {
    const dataDir = disk('full', '256k');
    await open({ dataDir });
    const before = await rows();
    let refused: { status: number; body: Change } | undefined;
    const whole = await field.show(clip, async () => {
      try {
        writeFileSync(join(dataDir, 'filler'), Buffer.alloc(1 << 20));
      } catch {
        // As much as there was room for.
      }
      refused = await add();
    });
    expect(refused).toMatchObject({ status: 500, body: { status: 'error' } });
    expect(field.node.output).toContain('there is no room left for the data folder');
    expect(await rows()).toBe(before);
    expect(whole).toBe(true);
    rmSync(join(dataDir, 'filler'));
    expect((await add()).status).toBe(200);
    expect(await rows()).toBe(before + 1);
  });

  it('a data folder that is read-only all at once: the same', async () => {
    const dataDir = disk('read-only', '16m');
    await open({ dataDir });
    const before = await rows();
    let refused: { status: number; body: Change } | undefined;
    const whole = await field.show(clip, async () => {
      execFileSync('mount', ['-o', 'remount,ro', dataDir]);
      refused = await add();
    });
    expect(refused).toMatchObject({ status: 500 });
    expect(await rows()).toBe(before);
    expect(whole).toBe(true);
    execFileSync('mount', ['-o', 'remount,rw', dataDir]);
    expect((await add()).status).toBe(200);
  });

  it('a wall clock that jumps an hour ahead and two back changes nothing for a stream', async () => {
    const shim = join(folder, 'clock.so');
    execFileSync('cc', ['-shared', '-fPIC', '-O2', '-o', shim, 'test/chaos/clock-shim.c', '-ldl']);
    const clock = join(folder, 'clock');
    const jump = (seconds: number): void => {
      const bytes = Buffer.alloc(8);
      bytes.writeDoubleLE(seconds);
      writeFileSync(clock, bytes, { flag: 'r+' });
    };
    writeFileSync(clock, Buffer.alloc(8));
    await open({ env: { LD_PRELOAD: shim, CHAOS_CLOCK: clock } });
    const wallMs = async (): Promise<number> => {
      const { body } = await field.ask<{ data: { wallMs: number }[] }>('GET', `/api/events/${field.ids.publisher}`);
      return body.data.at(-1)!.wallMs;
    };
    let ahead = 0;
    const whole = await field.show(clip, async () => {
      jump(3_600);
      await field.command(`block ${field.address(0)}`);
      await delay(1_500);
      jump(-3_600);
      await field.command(`unblock ${field.address(0)}`);
      await delay(1_500);
      jump(3_600);
    });
    ahead = (await wallMs()) - Date.now();
    expect(whole).toBe(true);
    // It has been there: what is told carries the moved clock.
    expect(ahead).toBeGreaterThan(3_000_000);
    expect((await field.facts()).counters.dataPlaneRestarts).toBe(0);
  });

  it('a control plane that cannot be reached: ids of before are let in, and the node says how it stands', async () => {
    await open({
      env: {
        // Nobody is there, and nothing says so.
        CONTROL_URL: 'https://10.99.99.99',
        SERVER_ID: 'chaos-1',
        NODE_KEY: 'a-node-key-of-chaos-1',
      },
    });
    expect(await field.show(clip, async () => {})).toBe(true);
    const { body } = await field.ask<{ controlPlane: string; status: string }>('GET', '/health');
    expect(body.status).toBe('ok');
    expect(['enrolling', 'offline', 'degraded']).toContain(body.controlPlane);
  });

  it('names that nobody resolves: streams do not wait for webhooks, carriers or the authorisation hook', async () => {
    // A server of names that never answers, for this network alone.
    const etc = `/etc/netns`;
    const options: FieldOptions = {
      env: {
        TRIBUTARY_HOOKS_URLS: 'https://hooks.nowhere.example/',
        TRIBUTARY_HOOKS_AUTH_URL: 'https://access.nowhere.example/',
        TRIBUTARY_HOOKS_WHEN_DOWN: 'open',
        TRIBUTARY_HOOKS_SECRET: 'a-secret-of-these-hooks',
        TRIBUTARY_ASN_UPDATE: 'weekly',
        TRIBUTARY_ASN_URL: 'https://asn.nowhere.example/db.mmdb',
      },
      beforeStart: (space) => {
        mkdirSync(join(etc, space), { recursive: true });
        writeFileSync(join(etc, space, 'resolv.conf'), 'nameserver 10.99.99.99\noptions timeout:30 attempts:5\n');
      },
    };
    await open(options);
    try {
      expect(await field.show(clip, async () => {})).toBe(true);
      await until('a warning of the hook', () => field.node.output.includes('authorisation hook'), 20_000);
      const { body } = await field.ask<{ status: string; ready: boolean }>('GET', '/health');
      expect(body).toMatchObject({ status: 'ok', ready: true });
    } finally {
      rmSync(join(etc, field.space.name), { recursive: true, force: true });
    }
  });
});
