import { type ExecFileOptions, execFile } from 'node:child_process';
import { existsSync, mkdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';

export const ROOT = resolve(import.meta.dirname, '../..');

/** Images, layers and containers of the tests, apart from those of anybody else on this machine. Kept, because a base takes minutes. */
export const STORE = process.env.IMAGE_TEST_STORE ?? join(tmpdir(), 'tributary-image-test');

const run = promisify(execFile);
const MAX_OUTPUT = 1 << 26;

/** What is missing for these tests, in words; undefined where all is there. */
export const missingTools = (): string | undefined => {
  if (process.getuid?.() !== 0) return 'containers with limits need root here';
  const inPath = (name: string): boolean =>
    (process.env.PATH ?? '').split(':').some((folder) => existsSync(join(folder, name)));
  const missing = ['podman', 'runc', 'mmdebstrap'].filter((name) => !inPath(name));
  return missing.length === 0
    ? undefined
    : `missing: ${missing.join(', ')} (apt-get install -y --no-install-recommends podman buildah runc mmdebstrap uidmap)`;
};

let storageDriver: string | undefined;

/** Layers by overlay where the file system can, else as copies. */
const driver = async (): Promise<string> => {
  if (storageDriver !== undefined) return storageDriver;
  mkdirSync(STORE, { recursive: true });
  for (const name of ['overlay', 'vfs']) {
    try {
      await run('podman', [...options(name), 'info'], { maxBuffer: MAX_OUTPUT });
      storageDriver = name;
      return name;
    } catch (error) {
      if (name === 'vfs') throw error;
    }
  }
  throw new Error('unreachable');
};

/** crun cannot do hybrid cgroups; there need be no systemd. */
const options = (name: string): string[] => [
  `--root=${join(STORE, name)}`,
  `--runroot=${join(STORE, `${name}-run`)}`,
  `--storage-driver=${name}`,
  '--cgroup-manager=cgroupfs',
  '--runtime=runc',
];

/** The arguments of `podman` up to its command. */
export const podmanOptions = async (): Promise<string[]> => options(await driver());

/** `podman …`: what it prints. Rejects with its words where it fails. */
export const podman = async (args: readonly string[], more: ExecFileOptions = {}): Promise<string> => {
  try {
    const { stdout } = await run('podman', [...(await podmanOptions()), ...args], {
      maxBuffer: MAX_OUTPUT,
      cwd: ROOT,
      ...more,
    });
    return String(stdout).trim();
  } catch (error) {
    const { stdout = '', stderr = '' } = error as { stdout?: string; stderr?: string };
    throw new Error(`podman ${args.slice(0, 3).join(' ')} …: ${`${stdout}\n${stderr}`.trim().slice(-3_000)}`);
  }
};

/** Whether an image is there. */
export const hasImage = (name: string): Promise<boolean> =>
  podman(['image', 'exists', name]).then(
    () => true,
    () => false,
  );

export const command = async (
  program: string,
  args: readonly string[],
  more: ExecFileOptions = {},
): Promise<string> => {
  const { stdout } = await run(program, [...args], { maxBuffer: MAX_OUTPUT, cwd: ROOT, ...more });
  return String(stdout).trim();
};
