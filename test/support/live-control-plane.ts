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
import { PlaneVisitors } from './plane-visitors.ts';

export const ENROL_KEY = 'enrol-key-of-the-contract';
const PUBLIC_URL = 'https://plane.example.org';

/** A control plane of real parts on a port of loopback, in this process, whose clock can be put forward. */
export class LiveControlPlane extends PlaneVisitors {
  readonly folder = mkdtempSync(join(tmpdir(), 'tributary-plane-'));
  /** Unix ms that the plane's wall clock is ahead of ours. */
  aheadMs = 0;
  readonly #env: Record<string, string>;
  readonly #logger: Logger;
  readonly #links: string[] = [];
  #plane: ControlPlane | undefined;
  #db: Database | undefined;
  #port = 0;

  constructor(env: Record<string, string> = {}, logger: Logger = silentLogger) {
    super();
    this.#env = env;
    this.#logger = logger;
  }

  get url(): string {
    return `http://127.0.0.1:${this.#port}`;
  }

  get setUpLink(): string {
    return this.#links.at(-1) ?? '';
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
}
