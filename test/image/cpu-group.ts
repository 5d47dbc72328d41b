import { existsSync, mkdirSync, readdirSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as elapse } from 'node:timers/promises';

const V1 = '/sys/fs/cgroup/cpu';
const V2 = '/sys/fs/cgroup';

const TRIES = 40;
const PAUSE_MS = 50;

/** A group can go only after those in it, and those that podman makes stay behind. */
const removeGroup = (folder: string): void => {
  for (const entry of readdirSync(folder, { withFileTypes: true }))
    if (entry.isDirectory()) removeGroup(join(folder, entry.name));
  rmdirSync(folder);
};

/**
 * A control group that weighs a hundred processes. What is in a group shares one process's turn with everything in it, so that on a
 * machine that is busy with other work a container would get a fraction of the core that its limit speaks of.
 */
export class CpuGroup {
  readonly name: string;
  readonly #folder: string;

  private constructor(name: string, folder: string) {
    this.name = name;
    this.#folder = folder;
  }

  /** Undefined where this is not permitted: then things take as long as they take. */
  static make(name: string): CpuGroup | undefined {
    const [root, file, weight] = existsSync(join(V1, 'cpu.shares'))
      ? [V1, 'cpu.shares', 102_400]
      : [V2, 'cpu.weight', 10_000];
    const folder = join(root, name);
    try {
      if (root === V2) writeFileSync(join(V2, 'cgroup.subtree_control'), '+cpu');
      mkdirSync(folder, { recursive: true });
      writeFileSync(join(folder, file), String(weight));
      return new CpuGroup(name, folder);
    } catch {
      return undefined;
    }
  }

  /** Takes a process in, and what it starts from now on. */
  add(pid: number | undefined): void {
    try {
      if (pid !== undefined) writeFileSync(join(this.#folder, 'cgroup.procs'), String(pid));
    } catch {
      // It has ended already.
    }
  }

  /** Waits for what has been killed in it to end, but not for ever. */
  async remove(): Promise<void> {
    for (let left = TRIES; left > 0 && existsSync(this.#folder); left--) {
      try {
        removeGroup(this.#folder);
      } catch {
        await elapse(PAUSE_MS);
      }
    }
  }
}
