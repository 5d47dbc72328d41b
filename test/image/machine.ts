import { execFile, execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { promisify } from 'node:util';
import { Program, until } from '../support/processes.ts';
import { CpuGroup } from './cpu-group.ts';
import { podmanOptions, ROOT } from './podman.ts';

const run = promisify(execFile);
const MAX_OUTPUT = 1 << 26;

/** Addresses of the test networks: the machine that runs the container, and the uplinks of a phone. */
export const NODE_ADDRESS = '203.0.113.9';
export const LINK_ADDRESSES = ['203.0.113.11', '203.0.113.12', '203.0.113.13'];

/** What the smallest supported machine has. */
export const SMALL_MACHINE = ['--memory=1g', '--memory-swap=1g', '--cpus=1'];

/** Without them runc is refused where the limits of this machine are lower than podman's defaults. */
export const LIMITS = ['--ulimit=nofile=4096:4096', '--ulimit=nproc=1000:1000'];

export interface Answer {
  status: number;
  text: string;
  // biome-ignore lint/suspicious/noExplicitAny: tests look into answers of many shapes
  json: any;
}

/**
 * A host for containers: a network namespace, so that its ports, bridge and firewall rules are nobody else's. Processes, files and cgroups
 * are those of the real one: `nsenter`, since `ip netns exec` would hide the cgroups.
 */
export class Machine {
  readonly #name = `tributary-image-${process.pid}`;
  readonly #containers = new Set<string>();
  readonly #programs = new Set<Program>();
  /** One for the containers, and one for everybody who sends and plays. */
  readonly #nodeGroup = CpuGroup.make(`tributary-image-node-${process.pid}`);
  readonly #loadGroup = CpuGroup.make(`tributary-image-load-${process.pid}`);

  constructor() {
    execFileSync('ip', ['netns', 'add', this.#name]);
    execFileSync('ip', ['-n', this.#name, 'link', 'set', 'lo', 'up']);
    for (const address of [NODE_ADDRESS, ...LINK_ADDRESSES])
      execFileSync('ip', ['-n', this.#name, 'addr', 'add', `${address}/32`, 'dev', 'lo']);
  }

  #enter(command: string, args: readonly string[]): [string, string[]] {
    return ['nsenter', [`--net=/run/netns/${this.#name}`, command, ...args]];
  }

  /** What a command in here is called as from elsewhere. */
  get prefix(): string[] {
    return ['nsenter', `--net=/run/netns/${this.#name}`];
  }

  /** A program that runs on this machine until `stop`, or the end of the machine. */
  start(command: string, args: readonly string[], env: Record<string, string> = {}): Program {
    const program = new Program(...this.#enter(command, args), { env });
    this.#loadGroup?.add(program.child.pid);
    this.#programs.add(program);
    void program.exited.then(() => this.#programs.delete(program));
    return program;
  }

  tributary(args: readonly string[]): Program {
    return this.start(process.execPath, ['dist/main.js', ...args]);
  }

  async command(command: string, args: readonly string[]): Promise<string> {
    return (await this.outputs(command, args)).stdout;
  }

  outputs(command: string, args: readonly string[]): Promise<{ stdout: string; stderr: string }> {
    return run(...this.#enter(command, args), { maxBuffer: MAX_OUTPUT, cwd: ROOT });
  }

  async podman(...args: string[]): Promise<string> {
    try {
      return (await this.command('podman', [...(await podmanOptions()), ...args])).trim();
    } catch (error) {
      const { stdout = '', stderr = '' } = error as { stdout?: string; stderr?: string };
      throw new Error(`podman ${args.slice(0, 2).join(' ')}: ${`${stdout}\n${stderr}`.trim().slice(-3_000)}`);
    }
  }

  /** `podman run` in the background. */
  async run(name: string, args: readonly string[], image: string, command: readonly string[] = []): Promise<Container> {
    this.#containers.add(name);
    const group = this.#nodeGroup ? [`--cgroup-parent=/${this.#nodeGroup.name}`] : [];
    await this.podman('run', '--detach', `--name=${name}`, ...group, ...LIMITS, ...args, image, ...command);
    return new Container(this, name);
  }

  /** HTTP as a client on this machine does it. */
  async http(
    url: string,
    { method = 'GET', key, body }: { method?: string; key?: string; body?: object } = {},
  ): Promise<Answer> {
    const more = [
      ...(key === undefined ? [] : ['--header', `Authorization: Bearer ${key}`]),
      ...(body === undefined ? [] : ['--header', 'Content-Type: application/json', '--data', JSON.stringify(body)]),
    ];
    const output = await this.command('curl', [
      ...['--silent', '--show-error', '--max-time', '5', '--request', method, '--write-out', '\n%{http_code}', ...more],
      url,
    ]);
    const end = output.lastIndexOf('\n');
    const text = output.slice(0, end);
    const looksJson = text.startsWith('{') || text.startsWith('[');
    return { status: Number(output.slice(end + 1)), text, json: looksJson ? JSON.parse(text) : undefined };
  }

  /** Resolves with the milliseconds that it took until `url` was answered with 200. */
  async answers(url: string, timeoutMs = 60_000): Promise<number> {
    const begin = performance.now();
    const isUp = async (): Promise<boolean> => (await this.http(url).catch(() => undefined))?.status === 200;
    await until(`an answer of ${url}`, isUp, timeoutMs);
    return performance.now() - begin;
  }

  async remove(name: string): Promise<void> {
    await this.podman('rm', '--force', '--volumes', '--time=0', name).catch(() => {});
    this.#containers.delete(name);
  }

  async close(): Promise<void> {
    await Promise.all([...this.#programs].map((program) => program.stop('SIGKILL')));
    for (const name of this.#containers) await this.remove(name);
    execFileSync('ip', ['netns', 'del', this.#name]);
    this.#nodeGroup?.remove();
    this.#loadGroup?.remove();
  }
}

export class Container {
  readonly name: string;
  readonly #machine: Machine;

  constructor(machine: Machine, name: string) {
    this.#machine = machine;
    this.name = name;
  }

  async inspect(format: string): Promise<string> {
    return this.#machine.podman('inspect', '--format', format, this.name);
  }

  /** The number of its first process, as this machine counts. */
  async pid(): Promise<number> {
    return Number(await this.inspect('{{.State.Pid}}'));
  }

  /** What it has printed on each of the two. */
  async logs(): Promise<{ stdout: string; stderr: string }> {
    return this.#machine.outputs('podman', [...(await podmanOptions()), 'logs', this.name]);
  }

  exec(...args: string[]): Promise<string> {
    return this.#machine.podman('exec', this.name, ...args);
  }

  stop(): Promise<string> {
    return this.#machine.podman('stop', this.name);
  }

  remove(): Promise<void> {
    return this.#machine.remove(this.name);
  }
}

/** Bytes that a process holds, its share of what it holds with others. */
export const proportionalBytes = (pid: number): number => {
  const rollup = readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8');
  return Number(/^Pss:\s+(\d+) kB/m.exec(rollup)![1]) * 1_024;
};

/** Processes that a process has started, by any of its threads, and that live. */
export const childrenOf = (pid: number): string[] =>
  readdirSync(`/proc/${pid}/task`).flatMap((thread) =>
    readFileSync(`/proc/${pid}/task/${thread}/children`, 'utf8').trim().split(' ').filter(Boolean),
  );

/** What a process has used of a core since it began. */
export const cpuSeconds = (pid: number): number => {
  const ticks = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]!.split(' ');
  return (Number(ticks[11]) + Number(ticks[12])) / 100;
};
