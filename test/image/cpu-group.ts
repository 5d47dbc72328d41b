import { existsSync, mkdirSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const V1 = '/sys/fs/cgroup/cpu';
const V2 = '/sys/fs/cgroup';

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

  remove(): void {
    try {
      rmdirSync(this.#folder);
    } catch {
      // Podman may have left a group of its own in it.
    }
  }
}
