import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { BenchProcess, freeUdpPort, until } from './process.ts';
import { programPath } from './programs.ts';

/** What carries streams from publishers to players. */
export interface Relay {
  readonly process: BenchProcess;
  /** Where the load maker sends to, and how. */
  readonly publish: { port: number; mode: 'bonded' | 'plain' };
  readonly playPort: number;
  /** Names for so many more streams. */
  addIds(count: number): Promise<{ publisher: string; player: string }[]>;
  stop(): Promise<void>;
}

/** As it is started. */
export const { NODE_FLAGS } = createRequire(import.meta.url)('../bin/launcher.cjs') as { NODE_FLAGS: string[] };

export const API_KEY = 'bench-only-key-for-this-run';

export interface NodeRelayOptions {
  cores: readonly number[];
  env?: Record<string, string>;
  /** Before other programs on its cores, where that may be asked for. */
  urgent?: boolean;
  /** Has every thread of it report garbage collection and event-loop lag into a folder. */
  probe?: boolean;
}

/** `tributary relay` with free ports and an empty data folder. */
export class NodeRelay implements Relay {
  readonly process: BenchProcess;
  readonly #folder = mkdtempSync(join(tmpdir(), 'tributary-bench-'));
  #ids = 0;
  ports!: { srtla: number[]; publish: number; play: number; stats: number; links: number; dashboard: number };

  private constructor({ cores, env, urgent = false, probe }: NodeRelayOptions) {
    const ports = [
      'SRTLA_PORT',
      'SRT_SENDER_PORT',
      'SRT_PLAYER_PORT',
      'SLS_STATS_PORT',
      'LINK_STATS_PORT',
      'SLS_MGNT_PORT',
    ];
    this.process = new BenchProcess('node', process.execPath, [...NODE_FLAGS, 'dist/main.js', 'relay'], {
      cores,
      urgent,
      ipc: true,
      env: {
        ...Object.fromEntries(ports.map((name) => [name, '0'])),
        DATA_DIR: this.#folder,
        TRIBUTARY_API_KEY: API_KEY,
        TRIBUTARY_HTTP_API_KEY_PER_MINUTE: '1000000',
        TRIBUTARY_PLAYER_MAX_PER_ID: '1000',
        TRIBUTARY_PUBLIC_HOST: '127.0.0.1',
        TRIBUTARY_LOG_LEVEL: 'warn',
        TRIBUTARY_TEST_HOOKS: '1',
        ...(probe
          ? {
              NODE_OPTIONS: `--import=${pathToFileURL(join(import.meta.dirname, 'node-probe.mjs')).href}`,
              TRIBUTARY_BENCH_PROBE_DIR: this.#folder,
            }
          : {}),
        ...env,
      },
    });
  }

  static async start(options: NodeRelayOptions): Promise<NodeRelay> {
    const node = new NodeRelay(options);
    const facts = await until('the node to be up', () => {
      node.process.assertRunning();
      try {
        const read = JSON.parse(readFileSync(join(node.#folder, 'runtime.json'), 'utf8')) as {
          pid: number;
          ports: NodeRelay['ports'];
        };
        return read.pid === node.process.pid ? read : undefined;
      } catch {
        return undefined;
      }
    });
    node.ports = facts.ports;
    return node;
  }

  get publish(): Relay['publish'] {
    return { port: this.ports.srtla[0]!, mode: 'bonded' };
  }

  get playPort(): number {
    return this.ports.play;
  }

  get probeFolder(): string {
    return this.#folder;
  }

  async addIds(count: number): Promise<{ publisher: string; player: string }[]> {
    const ids = Array.from({ length: count }, () => {
      const n = this.#ids++;
      return { publisher: `live${n}`, player: `play${n}` };
    });
    for (const pair of ids) {
      const answer = await fetch(`http://127.0.0.1:${this.ports.stats}/api/stream-ids`, {
        method: 'POST',
        headers: { authorization: `Bearer ${API_KEY}`, 'content-type': 'application/json' },
        body: JSON.stringify(pair),
      });
      if (!answer.ok) throw new Error(`the node does not take a stream id: ${answer.status} ${await answer.text()}`);
    }
    return ids;
  }

  /** Its main thread stands still for so long. */
  blockMain(forMs: number): void {
    this.process.child.send({ hook: 'block-main', forMs });
  }

  /** Any JSON of its two HTTP ports; undefined where there is none. */
  async json<T>(port: number, path: string): Promise<T | undefined> {
    const answer = await fetch(`http://127.0.0.1:${port}${path}`, { headers: { authorization: `Bearer ${API_KEY}` } });
    return answer.ok ? ((await answer.json()) as T) : undefined;
  }

  async stop(): Promise<void> {
    await this.process.stop();
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

/** The bare libsrt relay, read as often as the node reads. */
export class BareRelay implements Relay {
  readonly process: BenchProcess;
  readonly publish: Relay['publish'];
  readonly playPort: number;
  #ids = 0;

  private constructor(process: BenchProcess, publishPort: number, playPort: number) {
    this.process = process;
    this.publish = { port: publishPort, mode: 'plain' };
    this.playPort = playPort;
  }

  static async start(cores: readonly number[], bufferBytes: number): Promise<BareRelay> {
    const [publishPort, playPort] = [await freeUdpPort(), await freeUdpPort()];
    const args = [publishPort, playPort, TICK_MS, bufferBytes].map(String);
    return new BareRelay(
      new BenchProcess('minirelay', programPath('minirelay'), args, { cores }),
      publishPort,
      playPort,
    );
  }

  addIds(count: number): Promise<{ publisher: string; player: string }[]> {
    return Promise.resolve(
      Array.from({ length: count }, () => {
        const n = this.#ids++;
        return { publisher: `live${n}`, player: `play${n}` };
      }),
    );
  }

  stop(): Promise<void> {
    // It has no signal handling: SIGTERM ends it.
    return this.process.stop();
  }
}

/** `srt.tickMs` of the node. */
const TICK_MS = 5;
