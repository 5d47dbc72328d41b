import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import { loadSettings } from '../../src/config/resolve.ts';
import { DataPlaneHost } from '../../src/data-plane/host.ts';
import type { DataPlaneSettings } from '../../src/data-plane/settings.ts';
import type { LogFields, Logger } from '../../src/shared/logger.ts';

export interface Line {
  severity: 'debug' | 'info' | 'warn' | 'error';
  message: string;
  fields: LogFields;
}

/** A logger that keeps what is said. */
export const keepingLogger = (lines: Line[]): Logger => {
  const keep =
    (severity: Line['severity']) =>
    (message: string, fields: LogFields = {}): void => {
      lines.push({ severity, message, fields });
    };
  const logger: Logger = {
    debug: keep('debug'),
    info: keep('info'),
    warn: keep('warn'),
    error: keep('error'),
    child: () => logger,
  };
  return logger;
};

/** The defaults of a node, on free ports of loopback, without closing-by-accepting. */
export const freeSettings = (change: Partial<DataPlaneSettings> = {}): DataPlaneSettings => {
  const loaded = loadSettings({ argv: [], env: {}, cwd: '/', readFile: () => undefined });
  if ('problems' in loaded) throw new Error(loaded.problems.join('\n'));
  const { srtla, srt, player } = loaded.settings;
  return {
    bind: ['127.0.0.1'],
    srtla: { ...srtla, ports: [0] },
    redaction: { salt: 'a test', addresses: 'prefix' },
    debugLog: true,
    udpBufferBytes: 212_992,
    latencyMode: 'additive',
    bridge: {
      ...srt,
      sharesLatency: { srt: false, srtla: false, pull: false },
      udpBufferBytes: 212_992,
      publishPort: 0,
      playPort: 0,
      bondPort: 0,
      refuse: { publish: 'reject', play: 'reject', bond: 'reject' },
      playerWaitMs: player.waitSeconds * 1_000,
      playersPerId: player.maxPerId,
      playerSlow: player.slow,
      playerJoin: player.join,
      gopMaxBytes: player.gopMaxBytes,
      gopMaxMs: player.gopMaxMs,
    },
    ...change,
  };
};

export const ROW = { publisher: 'live_first', player: 'play_first' };

/** Hosts that end with the test. */
export class Hosts {
  readonly lines: Line[] = [];
  stuck = 0;
  readonly #open = new Set<DataPlaneHost>();

  make(settings = freeSettings()): DataPlaneHost {
    const host = new DataPlaneHost({
      settings,
      logger: keepingLogger(this.lines),
      testHooks: true,
      // As shipped: how soon a thread is up again is part of what is tested.
      threadEntry: new URL('../../dist/data-plane/worker.js', import.meta.url),
      onStuck: () => {
        this.stuck++;
      },
    });
    this.#open.add(host);
    return host;
  }

  async start(settings = freeSettings()): Promise<DataPlaneHost> {
    const host = this.make(settings);
    await host.start([ROW]);
    return host;
  }

  async closeAll(): Promise<void> {
    for (const host of this.#open) await host.stop();
    this.#open.clear();
    this.lines.length = 0;
  }

  said(message: string): Line[] {
    return this.lines.filter((line) => line.message.includes(message));
  }
}

/** Threads and descriptors of this process. */
export const processFacts = (): { threads: number; descriptors: number } => ({
  threads: readdirSync('/proc/self/task').length,
  descriptors: readdirSync('/proc/self/fd').length,
});

/** A UDP port of loopback that somebody else has. */
export const takenPort = async (): Promise<{ port: number; close: () => Promise<void> }> => {
  const socket = createSocket('udp4').bind(0, '127.0.0.1');
  await once(socket, 'listening');
  return {
    port: socket.address().port,
    close: async () => {
      socket.close();
      await once(socket, 'close');
    },
  };
};
