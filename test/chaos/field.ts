import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { askSender } from '../../src/sender/control-client.ts';
import { Namespace } from '../support/namespaces.ts';
import { FREE_PORTS, type NodePorts, type Program, until } from '../support/processes.ts';

/** Of the node, wherever a link ends. */
const NODE = '10.99.0.1';
const NODE_V6 = 'fd99::1';
const VIEWER_NODE = '10.90.0.1';
const LINKS = 3;

let fields = 0;

export interface FieldOptions {
  env?: Record<string, string>;
  /** Instead of a folder that is made for it. */
  dataDir?: string;
  /** The third link speaks IPv6 only. */
  thirdIsV6?: boolean;
  /** Before the node starts in the network of this name. */
  beforeStart?: (space: string) => void;
}

interface Facts {
  players: unknown[];
  publishers: unknown[];
  counters: Record<string, number>;
  srtla: { groups: { links: { address: string }[] }[]; counters: Record<string, number> };
}

/** A phone with three links, a node and a viewer, each in a network of its own, with cables between them. */
export class Field {
  readonly folder = mkdtempSync(join(tmpdir(), 'tributary-chaos-'));
  readonly phone: Namespace;
  readonly space: Namespace;
  readonly viewer: Namespace;
  readonly #options: FieldOptions;
  readonly #tag = `${process.pid % 10_000}${fields++}`;
  readonly #programs: Program[] = [];
  dataDir: string;
  node!: Program;
  ports!: NodePorts;
  token = '';
  adminKey = '';
  ids!: { publisher: string; player: string };

  private constructor(options: FieldOptions) {
    this.#options = options;
    this.dataDir = options.dataDir ?? join(this.folder, 'data');
    this.phone = new Namespace(`tv-phone-${this.#tag}`);
    this.space = new Namespace(`tv-node-${this.#tag}`);
    this.viewer = new Namespace(`tv-view-${this.#tag}`);
  }

  static async open(options: FieldOptions = {}): Promise<Field> {
    const field = new Field(options);
    try {
      field.#cable();
      await field.#start();
      return field;
    } catch (error) {
      await field.close();
      throw error;
    }
  }

  /** The phone's end of a link. */
  device(link: number): string {
    return `tp${link}-${this.#tag}`;
  }
  #nodeDevice(link: number): string {
    return `tn${link}-${this.#tag}`;
  }
  address(link: number, host = 2): string {
    return link === 2 && this.#options.thirdIsV6 ? `fd8${link}::${host}` : `10.8${link}.0.${host}`;
  }

  #cable(): void {
    const { phone, space, viewer } = this;
    space.ip('addr', 'add', `${NODE}/32`, 'dev', 'lo');
    space.ip('addr', 'add', `${NODE_V6}/128`, 'dev', 'lo', 'nodad');
    for (let link = 0; link < LINKS; link++) {
      const [end, nodeEnd] = [this.device(link), this.#nodeDevice(link)];
      execFileSync('ip', [
        'link',
        'add',
        end,
        'netns',
        phone.name,
        'type',
        'veth',
        'peer',
        'name',
        nodeEnd,
        'netns',
        space.name,
      ]);
      const v6 = link === 2 && this.#options.thirdIsV6;
      const [width, family] = v6 ? ['/64', '-6'] : ['/24', '-4'];
      space.ip('addr', 'add', this.address(link, 1) + width, 'dev', nodeEnd, ...(v6 ? ['nodad'] : []));
      phone.ip('addr', 'add', this.address(link) + width, 'dev', end, ...(v6 ? ['nodad'] : []));
      space.ip('link', 'set', nodeEnd, 'up');
      phone.ip('link', 'set', end, 'up');
      phone.ip(
        family,
        'rule',
        'add',
        'from',
        this.address(link, 0).replace(/0$/, '0') + width,
        'lookup',
        String(101 + link),
      );
      this.route(link);
    }
    const [end, nodeEnd] = [`tw-${this.#tag}`, `tx-${this.#tag}`];
    execFileSync('ip', [
      'link',
      'add',
      end,
      'netns',
      viewer.name,
      'type',
      'veth',
      'peer',
      'name',
      nodeEnd,
      'netns',
      space.name,
    ]);
    space.ip('addr', 'add', `${VIEWER_NODE}/24`, 'dev', nodeEnd);
    viewer.ip('addr', 'add', '10.90.0.2/24', 'dev', end);
    space.ip('link', 'set', nodeEnd, 'up');
    viewer.ip('link', 'set', end, 'up');
  }

  /** Which goes with the interface, and has to come back with it. */
  route(link: number): void {
    const family = link === 2 && this.#options.thirdIsV6 ? '-6' : '-4';
    this.phone.ip(
      family,
      'route',
      'replace',
      'default',
      'via',
      this.address(link, 1),
      'dev',
      this.device(link),
      'table',
      String(101 + link),
    );
  }

  async #start(): Promise<void> {
    mkdirSync(this.dataDir, { recursive: true });
    this.#options.beforeStart?.(this.space.name);
    this.node = this.run(
      this.space.tributary(['relay'], {
        ...FREE_PORTS,
        DATA_DIR: this.dataDir,
        TRIBUTARY_HTTP_STATS_PER_MINUTE: '1000000',
        TRIBUTARY_HTTP_API_KEY_PER_MINUTE: '1000000',
        ...this.#options.env,
      }),
    );
    await until(
      'the node',
      () => {
        if (this.node.exitCode !== undefined) throw new Error(`the node has ended:\n${this.node.output}`);
        return this.node.output.includes('Tributary is up');
      },
      30_000,
    );
    const facts = JSON.parse(readFileSync(join(this.dataDir, 'runtime.json'), 'utf8')) as {
      token: string;
      ports: NodePorts;
    };
    ({ ports: this.ports, token: this.token } = facts);
    this.adminKey = /Generated default admin API key: ([0-9A-Za-z]+)/.exec(this.node.output)?.[1] ?? '';
    this.ids = (await this.ask<{ publisher: string; player: string }>('POST', '/api/stream-ids', {})).body;
  }

  run(program: Program): Program {
    this.#programs.push(program);
    return program;
  }

  /** Asked from within the node's network, with the admin key; `/v1/doctor` with the token of this machine. */
  async ask<T>(method: string, path: string, body?: object): Promise<{ status: number; body: T }> {
    const key = path === '/v1/doctor' ? this.token : this.adminKey;
    const options = {
      method,
      headers: { authorization: `Bearer ${key}` },
      ...(body ? { body: JSON.stringify(body) } : {}),
    };
    const url = `http://127.0.0.1:${this.ports.stats}${path}`;
    const code = `const a = await fetch(${JSON.stringify(url)}, ${JSON.stringify(options)}); console.log(JSON.stringify({ status: a.status, body: await a.json() }))`;
    const asked = this.space.run(process.execPath, ['--input-type=module', '-e', code]);
    await asked.success(15_000);
    return JSON.parse(asked.output) as { status: number; body: T };
  }

  async facts(): Promise<Facts> {
    return (await this.ask<Facts>('GET', '/v1/doctor')).body;
  }

  get #raw(): string {
    return join(this.folder, 'seen.ts');
  }
  get #control(): string {
    return `unix:${join(this.folder, 'sender.sock')}`;
  }

  async command(text: string): Promise<void> {
    const { answer } = await askSender(this.#control, text);
    if (!answer.ok) throw new Error(`${text}: ${answer.error}`);
  }

  /**
   * Sends a clip over all links to a viewer; `disturb` happens while it runs.
   * @returns whether the viewer has got every byte of it
   */
  async show(clip: string, disturb: () => Promise<void>, more: readonly string[] = []): Promise<boolean> {
    rmSync(this.#raw, { force: true });
    writeFileSync(this.#raw, '');
    const url = `srt://${VIEWER_NODE}:${this.ports.play}?streamid=${this.ids.player}&mode=caller&latency=300`;
    const watching = this.run(
      this.viewer.run('sh', ['-c', 'exec srt-live-transmit -q -a:no "$1" file://con > "$2"', 'sh', url, this.#raw]),
    );
    await until('the viewer', async () => (await this.facts()).players.length > 0, 20_000);
    const [port] = this.ports.srtla;
    const via = Array.from({ length: LINKS }, (_, link) =>
      link === 2 && this.#options.thirdIsV6 ? `[${NODE_V6}]:${port}` : `${NODE}:${port}`,
    );
    const links = Array.from({ length: LINKS }, (_, link) => this.address(link));
    const sender = this.run(
      this.phone.tributary([
        ...['send', '--to', `${NODE}:${port}`, '--links', links.join(','), '--control', this.#control],
        ...(this.#options.thirdIsV6 ? ['--via', via.join(',')] : []),
        ...['--input', clip, '--streamid', this.ids.publisher, '--latency', '2000', ...more],
      ]),
    );
    await until('payload at the viewer', () => statSync(this.#raw).size > 500_000, 30_000).catch((error) => {
      throw new Error(`${error.message}\n${sender.output.slice(-1_500)}\n${this.node.output.slice(-1_500)}`);
    });
    await disturb();
    await sender.success(60_000);
    const { size } = statSync(clip);
    const isAllThere = (): boolean => statSync(this.#raw).size >= size;
    await until(
      'the end of the stream',
      async () => isAllThere() || (await this.facts()).publishers.length === 0,
      20_000,
    );
    // The node ends its players when they have played out; they write what they have when their connection ends.
    await until('the last bytes', () => isAllThere() || watching.exitCode !== undefined, 3_000).catch(() => {});
    await watching.stop('SIGTERM');
    return readFileSync(this.#raw).equals(readFileSync(clip));
  }

  async close(): Promise<void> {
    for (const program of this.#programs.splice(0).reverse())
      await program.stop(program === this.node ? 'SIGTERM' : 'SIGKILL');
    for (const space of [this.phone, this.space, this.viewer]) space.remove();
    rmSync(this.folder, { recursive: true, force: true });
  }
}
