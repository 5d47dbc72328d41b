import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PlaneVisitors } from './plane-visitors.ts';
import { launcher, type Program, tributary, until } from './processes.ts';

export const ENROL_KEY = 'enrol-key-of-the-contract';

/** `./tributary control-plane` with a data folder of its own: to be killed, and started again on the same port. */
export class PlaneProcess extends PlaneVisitors {
  readonly folder = mkdtempSync(join(tmpdir(), 'tributary-plane-'));
  readonly #env: Record<string, string>;
  readonly #by: 'program' | 'launcher';
  #program: Program | undefined;
  #port = 0;
  #link = '';

  /** @param by the compiled program alone, or the launcher, as an operator starts it */
  constructor(env: Record<string, string> = {}, by: 'program' | 'launcher' = 'program') {
    super();
    this.#env = env;
    this.#by = by;
  }

  get pid(): number | undefined {
    return this.#program?.child.pid;
  }

  get url(): string {
    return `http://127.0.0.1:${this.#port}`;
  }

  get setUpLink(): string {
    return this.#link;
  }

  get output(): string {
    return this.#program?.output ?? '';
  }

  async start(): Promise<void> {
    const start = this.#by === 'launcher' ? launcher : tributary;
    const program = start(['control-plane'], {
      DATA_DIR: this.folder,
      CONTROL_PLANE_PORT: String(this.#port),
      CONTROL_PLANE_PUBLIC_URL: 'https://plane.example.org',
      NODE_ENROL_KEY: ENROL_KEY,
      ...this.#env,
    });
    this.#program = program;
    const port = await until(
      'the control plane to be up',
      () => {
        if (program.exitCode !== undefined) throw new Error(`the control plane ended:\n${program.output}`);
        return /is up on TCP (\d+)/.exec(program.output)?.[1];
      },
      60_000,
    );
    this.#port = Number(port);
    this.#link = /signs in here, once: (\S+)/.exec(program.output)?.[1] ?? this.#link;
  }

  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
    await this.#program?.stop(signal);
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}
