import { execFile } from 'node:child_process';
import { cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { Program, until } from '../support/processes.ts';
import { debianPackages } from './debian-packages.ts';
import { freePort } from './free-port.ts';

const ROOT = resolve(import.meta.dirname, '../..');

interface Answer<T> {
  status: 'success' | 'error';
  data: T;
  error?: string;
}
export interface Vector {
  result: { metric: Record<string, string>; value: [number, string] }[];
}

/** Where the programs of Prometheus are. */
export const prometheusPrograms = async (): Promise<string> => join(await debianPackages('prometheus'), 'usr/bin');

/** A copy of docker/prometheus as the containers see it, with a token, and other files beside. */
export const configFolder = (folder: string, token: string, ...more: string[]): string => {
  const copy = join(folder, 'prometheus');
  cpSync(join(ROOT, 'docker/prometheus'), copy, { recursive: true });
  mkdirSync(join(copy, 'token'));
  writeFileSync(join(copy, 'token/metrics'), token);
  for (const path of more) cpSync(join(ROOT, path), join(copy, path.split('/').at(-1)!));
  return copy;
};

/** Runs promtool; gives what it has written, or throws with that. */
export const promtool = (programs: string, args: readonly string[], cwd: string, input = ''): Promise<string> =>
  new Promise((done, fail) => {
    const child = execFile(join(programs, 'promtool'), [...args], { cwd }, (error, stdout, stderr) => {
      if (error) fail(new Error(`promtool ${args.join(' ')}\n${stdout}${stderr}`));
      else done(stdout + stderr);
    });
    child.stdin?.on('error', () => {});
    child.stdin?.end(input);
  });

/** A Prometheus of its own, with the committed configuration but for the node's address and the interval. */
export class Prometheus {
  readonly program: Program;
  readonly url: string;

  private constructor(program: Program, url: string) {
    this.program = program;
    this.url = url;
  }

  /** @param target HOST:PORT instead of the one in prometheus.yml */
  static async start(programs: string, folder: string, target: string): Promise<Prometheus> {
    const file = join(folder, 'prometheus.yml');
    const text = readFileSync(file, 'utf8');
    const here = text.replaceAll('receiver:8090', target).replaceAll(/_interval: 10s/g, '_interval: 2s');
    if (!here.includes(target) || here.includes(': 10s'))
      throw new Error('prometheus.yml has changed: adapt this test');
    writeFileSync(file, here);
    const port = await freePort();
    const program = new Program(join(programs, 'prometheus'), [
      `--config.file=${file}`,
      `--storage.tsdb.path=${join(folder, 'data')}`,
      `--web.listen-address=127.0.0.1:${port}`,
    ]);
    const server = new Prometheus(program, `http://127.0.0.1:${port}`);
    await until(
      'Prometheus to be ready',
      async () => {
        if (program.exitCode !== undefined) throw new Error(`Prometheus ended:\n${program.output}`);
        return (await fetch(`${server.url}/-/ready`).catch(() => undefined))?.ok;
      },
      60_000,
    );
    return server;
  }

  async ask<T>(path: string, query: Record<string, string> = {}): Promise<Answer<T>> {
    const answer = await fetch(`${this.url}/api/v1/${path}?${new URLSearchParams(query)}`);
    return (await answer.json()) as Answer<T>;
  }

  /** What a query answers now; throws where it is no query. */
  async query(query: string): Promise<Vector['result']> {
    const answer = await this.ask<Vector>('query', { query });
    if (answer.status !== 'success') throw new Error(`${query}\n${answer.error}`);
    return answer.data.result;
  }

  async stop(): Promise<void> {
    await this.program.stop();
  }
}
