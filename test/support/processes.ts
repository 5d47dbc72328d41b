import { type ChildProcess, type StdioOptions, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { TestHook } from '../../src/data-plane/test-hooks.ts';
import { keepSecret, watch } from './secret-watch.ts';

const ROOT = resolve(import.meta.dirname, '../..');

/** Waits until `probe` gives something other than undefined or false; throws with `what` after `timeoutMs`. */
export const until = async <T>(
  what: string,
  probe: () => T | Promise<T>,
  timeoutMs = 15_000,
): Promise<NonNullable<T>> => {
  const end = performance.now() + timeoutMs;
  for (;;) {
    const value = await probe();
    if (value !== undefined && value !== null && value !== false) return value as NonNullable<T>;
    if (performance.now() > end) throw new Error(`waited ${timeoutMs} ms in vain for: ${what}`);
    await delay(25);
  }
};

/** A child process whose output is kept; it is killed with the test at the latest. */
export class Program {
  readonly child: ChildProcess;
  readonly exited: Promise<number>;
  output = '';
  exitCode: number | undefined;

  constructor(
    command: string,
    args: readonly string[],
    options: { env?: Record<string, string>; input?: string; ipc?: boolean } = {},
  ) {
    const env = { ...process.env, ...options.env };
    const stdio: StdioOptions = ['pipe', 'pipe', 'pipe', ...(options.ipc ? (['ipc'] as const) : [])];
    this.child = spawn(command, args, { cwd: ROOT, env, stdio });
    this.child.stdin?.on('error', () => {});
    this.child.stdin?.end(options.input ?? '');
    const tell = watch(args);
    const keep = (chunk: Buffer): void => {
      tell(chunk.toString('utf8'));
      this.output = (this.output + chunk.toString('utf8')).slice(-200_000);
    };
    this.child.stdout?.on('data', keep);
    this.child.stderr?.on('data', keep);
    this.exited = new Promise((done) => {
      this.child.once('error', (error) => {
        this.output += `\n${error.message}`;
        this.exitCode = 127;
        done(127);
      });
      this.child.once('close', (code, signal) => {
        this.exitCode = code ?? (signal ? 128 : 0);
        done(this.exitCode);
      });
    });
  }

  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<number> {
    if (this.exitCode === undefined) this.child.kill(signal);
    const late = setTimeout(() => this.child.kill('SIGKILL'), 8_000);
    const code = await this.exited;
    clearTimeout(late);
    return code;
  }

  /** Waits for its end; throws with its output unless it ends with 0. */
  async success(timeoutMs: number): Promise<void> {
    await until(
      `the end of ${this.child.spawnargs.slice(0, 6).join(' ')}`,
      () => this.exitCode !== undefined,
      timeoutMs,
    ).catch((error) => {
      throw new Error(`${error.message}\n${this.output.slice(-3_000)}`);
    });
    if (this.exitCode !== 0) throw new Error(`exit code ${this.exitCode}\n${this.output.slice(-3_000)}`);
  }
}

/** `./tributary …` without the launcher: the same program, the runtime that runs the tests. */
export const tributary = (args: readonly string[], env: Record<string, string> = {}): Program =>
  new Program(process.execPath, ['dist/main.js', ...args], {
    env,
    ipc: env.TRIBUTARY_TEST_HOOKS === '1',
  });

/** `./tributary …`, as an operator starts it: the program is a child of the launcher. */
export const launcher = (args: readonly string[], env: Record<string, string> = {}): Program =>
  new Program(process.execPath, ['bin/launch.cjs', ...args], { env });

export interface NodePorts {
  srtla: number[];
  publish: number;
  play: number;
  stats: number;
  links: number;
  dashboard: number;
}

/** Settings of a node: every port is a free one. */
export const FREE_PORTS: Readonly<Record<string, string>> = {
  SRTLA_PORT: '0',
  SRT_SENDER_PORT: '0',
  SRT_PLAYER_PORT: '0',
  SLS_STATS_PORT: '0',
  LINK_STATS_PORT: '0',
  SLS_MGNT_PORT: '0',
};

/** A node of its own with free ports and a data folder of its own. */
export class TestNode {
  readonly dataDir: string;
  readonly program: Program;
  ports!: NodePorts;
  token = '';
  adminKey = '';
  readonly #keepData: boolean;

  private constructor(dataDir: string | undefined, env: Record<string, string>) {
    this.#keepData = dataDir !== undefined;
    this.dataDir = dataDir ?? mkdtempSync(join(tmpdir(), 'tributary-test-'));
    this.program = tributary(['relay'], {
      ...FREE_PORTS,
      DATA_DIR: this.dataDir,
      // Conditions are polled many times a second.
      TRIBUTARY_HTTP_STATS_PER_MINUTE: '1000000',
      TRIBUTARY_PUBLIC_HOST: '127.0.0.1',
      ...env,
    });
  }

  static async start(env: Record<string, string> = {}, dataDir?: string): Promise<TestNode> {
    const node = new TestNode(dataDir, env);
    const runtime = await until(
      'the node to be up',
      () => {
        if (node.program.exitCode !== undefined) throw new Error(`the node ended:\n${node.program.output}`);
        try {
          const facts = JSON.parse(readFileSync(join(node.dataDir, 'runtime.json'), 'utf8')) as {
            pid: number;
            token: string;
            ports: NodePorts;
          };
          return facts.pid === node.program.child.pid ? facts : undefined;
        } catch {
          return undefined;
        }
      },
      60_000,
    );
    await until('the node to say that it is up', () => node.program.output.includes('Tributary is up'));
    node.ports = runtime.ports;
    node.token = runtime.token;
    node.adminKey = /Generated default admin API key: ([0-9A-Za-z]+)/.exec(node.program.output)?.[1] ?? '';
    keepSecret(node.token, node.adminKey, env.TRIBUTARY_API_KEY);
    node.#keepIds();
    return node;
  }

  get links(): string {
    return `http://127.0.0.1:${this.ports.links}/stats`;
  }

  async get<T>(path: string, key = ''): Promise<T> {
    const headers: Record<string, string> = key ? { authorization: `Bearer ${key}` } : {};
    const answer = await fetch(`http://127.0.0.1:${this.ports.stats}${path}`, { headers });
    return (await answer.json()) as T;
  }

  /** Every row of the directory. */
  async rows(): Promise<{ publisher: string; player: string }[]> {
    return (await this.get<{ data: { publisher: string; player: string }[] }>('/api/stream-ids', this.adminKey)).data;
  }

  async createIds(): Promise<{ publisher: string; player: string }> {
    const answer = await fetch(`http://127.0.0.1:${this.ports.stats}/api/stream-ids`, {
      method: 'POST',
      headers: { authorization: `Bearer ${this.adminKey}`, 'content-type': 'application/json' },
      body: '{}',
    });
    return (await answer.json()) as { publisher: string; player: string };
  }

  /** Makes a part of the node fail or stand still; it must have been started with `TRIBUTARY_TEST_HOOKS=1`. */
  hook(what: TestHook): void {
    this.program.child.send(what);
  }

  /** Ids and passphrases that the node has now must stand in nobody's output. */
  #keepIds(): void {
    try {
      const { rows = [] } = JSON.parse(readFileSync(join(this.dataDir, 'streams.json'), 'utf8')) as {
        rows?: { publisher: string; player: string; passphrase?: string }[];
      };
      for (const { publisher, player, passphrase } of rows) keepSecret(publisher, player, passphrase);
    } catch {
      // A test may have damaged the file, or taken it away.
    }
  }

  async stop(): Promise<number> {
    this.#keepIds();
    const code = await this.program.stop();
    if (!this.#keepData) rmSync(this.dataDir, { recursive: true, force: true });
    return code;
  }
}
