import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { PlaneProcess } from '../support/plane-process.ts';

const POLLS = 2_000;
const LIMIT_KIB = 80 * 1024;

const memoryKib = (pid: number, what: 'VmRSS' | 'VmHWM'): number =>
  Number(new RegExp(`${what}:\\s+(\\d+) kB`).exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]);
/** What the launcher has started. */
const childOf = (pid: number): number =>
  Number(readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ')[0]);

describe('the memory of a control plane with the embedded database', () => {
  it('stays within 80 MiB in use', { timeout: 120_000 }, async () => {
    const plane = new PlaneProcess({}, 'launcher');
    try {
      await plane.start();
      const pid = childOf(plane.pid!);
      const idleKib = memoryKib(pid, 'VmRSS');
      const admin = await plane.setUp();
      const users = [];
      for (const name of ['ann', 'bob', 'cora']) users.push(await plane.plugin(await plane.addUser(admin, name, 3)));
      for (let index = 0; index < POLLS; index++)
        expect((await users[index % users.length]!.client.active('conn_1')).status).toBeLessThan(300);
      const inUseKib = memoryKib(pid, 'VmRSS');
      process.stdout.write(
        `control plane: ${idleKib} KiB at rest, ${inUseKib} KiB after ${POLLS} polls of three users, ${memoryKib(pid, 'VmHWM')} KiB at most\n`,
      );
      expect(inUseKib).toBeLessThan(LIMIT_KIB);
    } finally {
      await plane.stop();
      plane.remove();
    }
  });
});
