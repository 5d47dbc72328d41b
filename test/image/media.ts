import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, renameSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Program, until } from '../support/processes.ts';
import { LINK_ADDRESSES, type Machine, NODE_ADDRESS } from './machine.ts';

/** H.264 and AAC in MPEG-TS at a constant rate, a key frame each second. Made once and kept. */
export const clip = (seconds: number, kbps: number): string => {
  const folder = join(tmpdir(), 'tributary-test-media');
  const file = join(folder, `image-${kbps}-${seconds}.ts`);
  if (existsSync(file)) return file;
  mkdirSync(folder, { recursive: true });
  const partial = `${file}.${process.pid}.part.ts`;
  const videoKbps = Math.round(kbps * 0.95 - 128);
  execFileSync('ffmpeg', [
    ...[
      '-v',
      'error',
      '-y',
      '-f',
      'lavfi',
      '-i',
      'testsrc2=size=640x360:rate=25',
      '-f',
      'lavfi',
      '-i',
      'sine=frequency=440',
    ],
    ...[
      '-t',
      String(seconds),
      '-pix_fmt',
      'yuv420p',
      '-c:v',
      'libx264',
      '-preset',
      'ultrafast',
      '-g',
      '25',
      '-bf',
      '0',
    ],
    ...['-b:v', `${videoKbps}k`, '-minrate', `${videoKbps}k`, '-maxrate', `${videoKbps}k`, '-bufsize', `${videoKbps}k`],
    ...['-x264-params', 'nal-hrd=cbr', '-c:a', 'aac', '-b:a', '128k', '-muxrate', `${kbps}k`, '-f', 'mpegts', partial],
  ]);
  renameSync(partial, file);
  return file;
};

/** What decoding the first second of a file complains of. A player that is killed leaves the end of its file cut anywhere. */
export const firstSecondErrors = (file: string): string => {
  const output = ['-map', '0', '-t', '1', '-f', 'null', '-'];
  const { stdout, stderr, status } = spawnSync('ffmpeg', ['-v', 'error', '-xerror', '-i', file, ...output], {
    encoding: 'utf8',
  });
  return `${stdout}${stderr}${status === 0 ? '' : ` status ${status}`}`.trim();
};

export const sizeOf = (file: string): number => statSync(file, { throwIfNoEntry: false })?.size ?? 0;

export interface SenderOptions {
  publisher: string;
  input: string;
  profile?: string;
  port?: number;
  latencyMs?: number;
  links?: readonly string[];
}

/** `tributary send` over three links of a phone. */
export const bondedSender = (machine: Machine, options: SenderOptions): Program => {
  const { publisher, input, profile = 'bel', port = 5_000, latencyMs = 1_000, links = LINK_ADDRESSES } = options;
  return machine.tributary([
    ...['send', '--to', `${NODE_ADDRESS}:${port}`, '--links', links.join(','), '--profile', profile, '--reconnect'],
    ...['--input', input, '--streamid', publisher, '--latency', String(latencyMs), '--json'],
  ]);
};

/** An SRT caller that writes what it gets into a file, byte for byte. */
export const player = (machine: Machine, id: string, file: string, port = 4_000, latencyMs = 300): Program => {
  const url = `srt://${NODE_ADDRESS}:${port}?streamid=${id}&mode=caller&latency=${latencyMs}&conntimeo=500`;
  return machine.start('sh', ['-c', 'exec srt-live-transmit -q -a:no "$1" file://con > "$2"', 'sh', url, file]);
};

/** What a viewer does whose player ends: it starts again, at once, until there is a picture. */
export class PatientPlayer {
  readonly #machine: Machine;
  readonly #id: string;
  readonly #folder: string;
  #program: Program | undefined;
  #file = '';
  #count = 0;
  #closed = false;
  readonly #loop: Promise<void>;

  constructor(machine: Machine, id: string, folder: string) {
    this.#machine = machine;
    this.#id = id;
    this.#folder = folder;
    this.#loop = this.#run();
  }

  async #run(): Promise<void> {
    while (!this.#closed) {
      this.#file = join(this.#folder, `player-${process.pid}-${this.#count++}.ts`);
      this.#program = player(this.#machine, this.#id, this.#file);
      await this.#program.exited;
    }
  }

  /** What the present connection has brought. */
  get file(): string {
    return this.#file;
  }

  /** Number of the present connection. */
  get connection(): number {
    return this.#count;
  }

  /** Waits for bytes on a connection after the one of that number. The node begins each at a key frame, so that bytes are a picture. */
  async pictureAfter(connection: number, timeoutMs: number): Promise<void> {
    const isThere = (): boolean => this.#count > connection && sizeOf(this.#file) > 0;
    await until('a picture', isThere, timeoutMs);
  }

  async close(): Promise<void> {
    this.#closed = true;
    await this.#program?.stop('SIGKILL');
    await this.#loop;
  }
}
