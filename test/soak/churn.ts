import { renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { IPINFO_LITE, ipinfoRecord, mmdbFile } from '../support/mmdb-writer.ts';
import type { TestNode } from '../support/processes.ts';

/** What is done to a node while it works, and what went wrong with it. */
export class Churn {
  readonly problems: string[] = [];
  readonly counts = { ids: 0, keys: 0, databases: 0, reloads: 0 };
  readonly #node: TestNode;
  #database = 0;

  constructor(node: TestNode) {
    this.#node = node;
  }

  /** A stream id, and out again. */
  async ids(): Promise<void> {
    const { player } = await this.#node.createIds();
    await this.#expect(200, 'DELETE', `/api/stream-ids/${player}`);
    this.counts.ids++;
  }

  async keys(): Promise<void> {
    const made = await this.#expect(200, 'POST', '/api/keys', { name: 'soak', permissions: 'read' });
    const key = (JSON.parse(made) as { api_key?: string }).api_key ?? '';
    const kept = JSON.parse(await this.#expect(200, 'GET', '/api/keys')) as { data: { id: string; name: string }[] };
    const one = kept.data.find(({ name }) => name === 'soak');
    if (key === '' || !one) this.problems.push('a key that was made is not in the list');
    else await this.#expect(200, 'DELETE', `/api/keys/${one.id}`);
    this.counts.keys++;
  }

  /** Another database of carriers in the place of the one that is there, as an update does it. */
  database(): string {
    const name = `Carrier ${++this.#database % 2}`;
    const path = join(this.#node.dataDir, 'asn', 'ipinfo_lite.mmdb');
    const networks = { '127.0.0.0/8': ipinfoRecord(64_500 + (this.#database % 2), name) };
    writeFileSync(`${path}.new`, mmdbFile({ type: IPINFO_LITE, networks }));
    renameSync(`${path}.new`, path);
    this.counts.databases++;
    return name;
  }

  /** Other settings in the file, and the signal to read them. */
  settings(): void {
    const odd = ++this.counts.reloads % 2 === 1;
    const path = join(this.#node.dataDir, 'tributary.yml');
    writeFileSync(`${path}.new`, settingsText(odd));
    renameSync(`${path}.new`, path);
    this.#node.program.child.kill('SIGHUP');
  }

  async #expect(status: number, method: string, path: string, body?: object): Promise<string> {
    const answer = await fetch(`http://127.0.0.1:${this.#node.ports.stats}${path}`, {
      method,
      headers: { authorization: `Bearer ${this.#node.adminKey}` },
      ...(body ? { body: JSON.stringify(body) } : {}),
    });
    const text = await answer.text();
    if (answer.status !== status) this.problems.push(`${method} ${path.split('/', 3).join('/')}: ${answer.status}`);
    return text;
  }
}

export const settingsText = (odd: boolean): string =>
  `quality: { mode: ${odd ? 'advise' : 'observe'} }\nhttp: { keysPerMinute: ${odd ? 100_000 : 200_000} }\nmetrics: { maxLinks: ${odd ? 100 : 200} }\n`;
