import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { createInterface } from 'node:readline';
import { type ProgramName, programPath, ROOT } from './programs.ts';

const KEPT_OUTPUT = 20_000;
const ANSWER_LIMIT_MS = 15_000;

export interface StartOptions {
  cores: readonly number[];
  env?: Record<string, string>;
  /** A channel for messages to a Node process. */
  ipc?: boolean;
  /** It keeps time: before others on its cores, where the user may ask for that. */
  urgent?: boolean;
}

/**
 * What starts a program that keeps time: in the real-time class, where the user may. Without the right to it `nice` starts the program
 * all the same; and it counts only within a session, where the kernel groups processes by these.
 */
const urgentStart = (): readonly string[] => {
  const realTime = ['chrt', '--rr', '1'];
  urgent ??=
    spawnSync(realTime[0]!, [...realTime.slice(1), 'true'], { stdio: 'ignore' }).status === 0
      ? realTime
      : ['nice', '-n', '-10'];
  return urgent;
};
let urgent: readonly string[] | undefined;

/** A child that keeps to these cores. It is ended with the bench at the latest. */
export class BenchProcess {
  readonly child: ChildProcess;
  readonly name: string;
  readonly exited: Promise<void>;
  readonly cores: readonly number[];
  output = '';
  hasExited = false;

  constructor(
    name: string,
    command: string,
    args: readonly string[],
    { cores, env, ipc, urgent: isUrgent }: StartOptions,
  ) {
    this.name = name;
    this.cores = cores;
    const [program, ...words] = [
      ...(isUrgent ? urgentStart() : []),
      'taskset',
      '-c',
      cores.join(','),
      command,
      ...args,
    ];
    this.child = spawn(program!, words, {
      cwd: ROOT,
      env: { ...process.env, ...env },
      stdio: ['pipe', 'pipe', 'pipe', ...(ipc ? (['ipc'] as const) : [])],
    });
    const keep = (chunk: Buffer): void => {
      this.output = (this.output + chunk.toString('utf8')).slice(-KEPT_OUTPUT);
    };
    this.child.stdout?.on('data', keep);
    this.child.stderr?.on('data', keep);
    this.child.stdin?.on('error', () => {});
    this.exited = new Promise((done) => {
      const end = (): void => {
        this.hasExited = true;
        done();
      };
      this.child.once('error', (error) => {
        this.output += `\n${error.message}`;
        end();
      });
      this.child.once('close', end);
    });
    running.add(this);
    void this.exited.then(() => running.delete(this));
  }

  /** What starts it, such as `taskset`, becomes the program itself, so this is the program's. */
  get pid(): number {
    return this.child.pid!;
  }

  /** @throws Error with the end of its output */
  assertRunning(): void {
    if (this.hasExited) throw new Error(`${this.name} has ended:\n${this.output.slice(-3_000)}`);
  }

  async stop(signal: NodeJS.Signals = 'SIGTERM', limitMs = 7_000): Promise<void> {
    if (this.hasExited) return;
    this.child.kill(signal);
    const late = setTimeout(() => this.child.kill('SIGKILL'), limitMs);
    await this.exited;
    clearTimeout(late);
  }
}

const running = new Set<BenchProcess>();

/** At the end, however it comes. */
export const killAll = (): void => {
  for (const child of running) child.child.kill('SIGKILL');
};

/** One of our C++ programs: it takes command lines and answers with lines of JSON. */
export class ControlledProgram extends BenchProcess {
  readonly #answers: Record<string, unknown>[] = [];
  #wake: () => void = () => {};

  constructor(
    program: ProgramName,
    options: Record<string, string | number>,
    cores: readonly number[],
    urgent = false,
  ) {
    const args = Object.entries(options).flatMap(([name, value]) => [`--${name}`, String(value)]);
    super(program, programPath(program), args, { cores, urgent });
    createInterface({ input: this.child.stdout! }).on('line', (line) => {
      if (!line.startsWith('{')) return;
      this.#answers.push(JSON.parse(line) as Record<string, unknown>);
      this.#wake();
    });
    void this.exited.then(() => this.#wake());
  }

  tell(command: 'start' | 'reset' | 'pause' | 'report' | 'stop'): void {
    this.child.stdin?.write(`${command}\n`);
  }

  /** The next answer of this kind; others before it are dropped. */
  async answer<T>(event: 'ready' | 'report' | 'final', limitMs = ANSWER_LIMIT_MS): Promise<T> {
    const end = performance.now() + limitMs;
    for (;;) {
      for (let next = this.#answers.shift(); next; next = this.#answers.shift()) {
        if (next.event === event) return next as T;
      }
      this.assertRunning();
      const leftMs = end - performance.now();
      if (leftMs <= 0)
        throw new Error(`${this.name} gave no "${event}" within ${limitMs} ms\n${this.output.slice(-500)}`);
      await new Promise<void>((done) => {
        const late = setTimeout(done, leftMs);
        this.#wake = () => {
          clearTimeout(late);
          done();
        };
      });
    }
  }

  async ask<T>(command: 'report' | 'stop'): Promise<T> {
    this.tell(command);
    return this.answer<T>(command === 'report' ? 'report' : 'final');
  }
}

/** A UDP port that was free a moment ago. */
export const freeUdpPort = (): Promise<number> =>
  new Promise((done, fail) => {
    const socket = createSocket('udp4');
    socket.once('error', fail);
    socket.bind(0, () => {
      const { port } = socket.address();
      socket.close(() => done(port));
    });
  });

/** @throws Error where it does not come true in time */
export const until = async <T>(what: string, probe: () => T | undefined | false, limitMs = 20_000): Promise<T> => {
  const end = performance.now() + limitMs;
  for (;;) {
    const value = probe();
    if (value !== undefined && value !== false) return value;
    if (performance.now() > end) throw new Error(`waited ${limitMs} ms in vain for ${what}`);
    await pause(20);
  }
};

export const pause = (ms: number): Promise<void> => new Promise((done) => setTimeout(done, ms));
