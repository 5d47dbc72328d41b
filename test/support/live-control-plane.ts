import { mkdtempSync, rmSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadSettings } from '../../src/config/resolve.ts';
import { accountsPart } from '../../src/control-plane/accounts/accounts.ts';
import { Passwords } from '../../src/control-plane/accounts/passwords.ts';
import { type ControlPlane, createControlPlane } from '../../src/control-plane/control-plane.ts';
import type { Database } from '../../src/control-plane/database/database.ts';
import { openDatabase } from '../../src/control-plane/database/open.ts';
import { type Logger, silentLogger } from '../../src/shared/logger.ts';
import { PageClient, PluginClient } from './plugin-client.ts';

export const ENROL_KEY = 'enrol-key-of-the-contract';
const PASSWORD = 'correct horse battery';
const PUBLIC_URL = 'https://plane.example.org';

/** A control plane of real parts on a port of loopback, in this process, whose clock can be put forward. */
export class LiveControlPlane {
  readonly folder = mkdtempSync(join(tmpdir(), 'tributary-plane-'));
  /** Unix ms that the plane's wall clock is ahead of ours. */
  aheadMs = 0;
  readonly #env: Record<string, string>;
  readonly #logger: Logger;
  #links: string[] = [];
  #plane: ControlPlane | undefined;
  #db: Database | undefined;
  #port = 0;

  constructor(env: Record<string, string> = {}, logger: Logger = silentLogger) {
    this.#env = env;
    this.#logger = logger;
  }

  get url(): string {
    return `http://127.0.0.1:${this.#port}`;
  }

  get plane(): ControlPlane {
    if (!this.#plane) throw new Error('the control plane is not up');
    return this.#plane;
  }

  /** On the port that it had before, where it had one. */
  async start(): Promise<void> {
    const env = { NODE_ENROL_KEY: ENROL_KEY, CONTROL_PLANE_PUBLIC_URL: PUBLIC_URL, ...this.#env };
    const loaded = loadSettings({ argv: [], env, cwd: this.folder, readFile: () => undefined });
    if ('problems' in loaded) throw new Error(loaded.problems.join('\n'));
    const { settings } = loaded;
    const db = await openDatabase(this.folder, settings.controlPlane.databaseUrl);
    const plane = await createControlPlane({
      ...{ settings, db, logger: this.#logger, version: '0.1.0' },
      accounts: accountsPart({
        announce: (link) => this.#links.push(link),
        passwords: new Passwords({ logN: 4, r: 1, p: 1 }),
      }),
      clock: () => performance.now() + this.aheadMs,
      unixNow: () => Date.now() + this.aheadMs,
    });
    await plane.app.listen({ port: this.#port, host: '127.0.0.1' });
    plane.start();
    this.#port = (plane.app.server.address() as AddressInfo).port;
    this.#plane = plane;
    this.#db = db;
  }

  /** As a process that ends: connections break, nobody answers. */
  async stop(): Promise<void> {
    const [plane, db] = [this.#plane, this.#db];
    this.#plane = undefined;
    if (!plane || !db) return;
    await plane.stop();
    plane.app.server.closeAllConnections();
    await plane.app.close();
    await db.close();
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }

  /** A browser in which the first administrator is signed in. */
  async setUp(): Promise<PageClient> {
    const browser = new PageClient(this.url);
    const path = new URL(this.#links.at(-1)!).pathname;
    await browser.open(path);
    const email = 'admin@example.org';
    const status = await browser.send(path, { email, name: 'Ada', password: PASSWORD, again: PASSWORD });
    if (status !== 303) throw new Error(`no administrator: ${status} ${browser.page}`);
    return browser;
  }

  /** A browser in which a new user is signed in, who may have so many streams. */
  async addUser(admin: PageClient, name: string, slots: number): Promise<PageClient> {
    await admin.open('/admin/users');
    await admin.send('/admin/invitations', { email: `${name}@example.org`, slots: String(slots), role: 'user' });
    const path = new URL(/<code>([^<]+\/invite\/[^<]+)<\/code>/.exec(admin.page)?.[1] ?? '').pathname;
    const browser = new PageClient(this.url);
    await browser.open(path);
    const status = await browser.send(path, { name, password: PASSWORD, again: PASSWORD });
    if (status !== 303) throw new Error(`no user: ${status} ${browser.page}`);
    return browser;
  }

  /** The plugin, signed in by the user of this browser. */
  async plugin(browser: PageClient): Promise<{ client: PluginClient; slots: string[] }> {
    const client = new PluginClient(this.url);
    const { status, body } = await client.login(async (url) => {
      const { pathname } = new URL(url);
      await browser.open(pathname);
      await browser.send(pathname, { outcome: 'completed' });
    });
    if (status !== 200) throw new Error(`not signed in: ${status} ${JSON.stringify(body)}`);
    const slots = body.stream_slots.map(({ stream_token }: { stream_token: string }) => stream_token);
    return { client, slots };
  }
}
