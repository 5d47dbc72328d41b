import { readFile } from 'node:fs/promises';
import type { Millis } from '../shared/clock.ts';
import type { Logger } from '../shared/logger.ts';
import { grantedBytes } from './buffer-probe-socket.ts';

const TABLES = ['/proc/net/udp', '/proc/net/udp6'];
const LOOK_MS: Millis = 2_000;
const WARN_MS: Millis = 60_000;

/** One UDP socket of the kernel's table. */
export interface UdpRow {
  port: number;
  /** Of the socket itself: another one on the same port has another. */
  inode: string;
  /** Datagrams that a full receive buffer has cost since it was opened. */
  drops: number;
}

/**
 * The lines of /proc/net/udp or udp6: `sl local_address rem_address st queues timer retransmits uid timeout inode ref pointer drops`, with
 * the local port in hexadecimal after the colon. Lines of another form are left out.
 */
export const parseUdpTable = (text: string): UdpRow[] =>
  text
    .split('\n')
    .slice(1)
    .flatMap((line) => {
      const fields = line.trim().split(/\s+/);
      const port = Number.parseInt(fields[1]?.split(':')[1] ?? '', 16);
      const drops = Number(fields[12]);
      return fields.length < 13 || Number.isNaN(port) || !Number.isSafeInteger(drops)
        ? []
        : [{ port, inode: fields[9]!, drops }];
    });

export interface KernelDropsOptions {
  /** The ports of libsrt's sockets now. */
  ports: () => readonly number[];
  /** What each socket has asked the kernel for. */
  askedBytes: number;
  logger: Logger;
  clock: () => Millis;
  /** The kernel's tables; for tests. */
  tables?: readonly string[];
  everyMs?: Millis;
}

/**
 * What full receive buffers of libsrt's sockets have cost. libsrt neither counts that nor shows its sockets, so the kernel's table is read
 * every other second, on the main thread. Warns once a minute at most.
 */
export class KernelDrops {
  /** Datagrams since the start. */
  total = 0;
  readonly #options: KernelDropsOptions;
  /** By inode, so that a socket that was opened anew counts from 0. */
  #seen = new Map<string, number>();
  readonly #timer: NodeJS.Timeout;
  #warnedAt = 0;
  #warnedMs: Millis = Number.NEGATIVE_INFINITY;
  #looking: Promise<void> | undefined;

  constructor(options: KernelDropsOptions) {
    this.#options = options;
    this.#timer = setInterval(() => void this.look(), options.everyMs ?? LOOK_MS);
    this.#timer.unref();
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  /** One look; one that is under way is joined. Where there is no such table, as outside Linux, nothing is counted. */
  look(): Promise<void> {
    this.#looking ??= this.#look().finally(() => {
      this.#looking = undefined;
    });
    return this.#looking;
  }

  async #look(): Promise<void> {
    const { tables = TABLES, ports } = this.#options;
    const texts = await Promise.all(tables.map((path) => readFile(path, 'utf8').catch(() => '')));
    const ours = new Set(ports());
    const seen = new Map<string, number>();
    for (const { port, inode, drops } of texts.flatMap(parseUdpTable)) {
      if (!ours.has(port)) continue;
      seen.set(inode, drops);
      this.total += Math.max(0, drops - (this.#seen.get(inode) ?? 0));
    }
    this.#seen = seen;
    await this.#warn();
  }

  async #warn(): Promise<void> {
    const { logger, clock, askedBytes } = this.#options;
    if (this.total <= this.#warnedAt || clock() - this.#warnedMs < WARN_MS) return;
    const dropped = this.total - this.#warnedAt;
    this.#warnedAt = this.total;
    this.#warnedMs = clock();
    logger.warn(
      'the kernel has dropped UDP datagrams of SRT: raise net.core.rmem_max on the host (a container cannot raise it)',
      { dropped, grantedBytes: await grantedBytes(askedBytes), askedBytes },
    );
  }
}
