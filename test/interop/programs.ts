import { execFileSync } from 'node:child_process';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Program } from '../support/processes.ts';

export interface SrtTarget {
  readonly port: number;
  readonly streamId: string;
  readonly latencyMs: number;
  readonly payloadBytes: number;
  readonly passphrase: string | undefined;
}

export interface Peer {
  /** The program that it takes. */
  readonly needs: string;
  start(target: SrtTarget, file: string): Program;
}

export const isInstalled = (program: string): boolean => {
  try {
    execFileSync('sh', ['-c', `command -v "$1"`, 'sh', program], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
};

/** As root some programs do not run: they run as nobody then. */
const asNobody = (args: readonly string[]): string[] =>
  process.getuid?.() === 0
    ? ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups', 'env', 'HOME=/tmp', ...args]
    : [...args];
const program = ([command, ...args]: readonly string[]): Program => new Program(command!, args);

const query = (of: SrtTarget, latency: number, passphrase = 'passphrase'): string =>
  `streamid=${of.streamId}&mode=caller&latency=${latency}${of.passphrase === undefined ? '' : `&${passphrase}=${of.passphrase}`}`;
const ffmpegUrl = (of: SrtTarget): string =>
  `srt://127.0.0.1:${of.port}?${query(of, of.latencyMs * 1_000)}&pkt_size=${of.payloadBytes}&payload_size=${of.payloadBytes}`;
const libsrtUrl = (of: SrtTarget): string =>
  `srt://127.0.0.1:${of.port}?${query(of, of.latencyMs)}&payloadsize=${of.payloadBytes}`;
const gstOf = (of: SrtTarget): string[] => [
  `uri=srt://127.0.0.1:${of.port}?mode=caller`,
  `streamid=${of.streamId}`,
  `latency=${of.latencyMs}`,
  ...(of.passphrase === undefined ? [] : [`passphrase=${of.passphrase}`, 'pbkeylen=16']),
];

const paced = (file: string): string => `ffmpeg -v error -re -i '${file}' -map 0 -c copy -f mpegts -`;

export const PUBLISHERS: Readonly<Record<string, Peer>> = {
  ffmpeg: {
    needs: 'ffmpeg',
    start: (of, file) =>
      program(['ffmpeg', '-v', 'error', '-re', '-i', file, '-map', '0', '-c', 'copy', '-f', 'mpegts', ffmpegUrl(of)]),
  },
  'srt-live-transmit': {
    needs: 'srt-live-transmit',
    // It does not end with its input: so it is the program that is ended, and the pace maker ends by itself.
    start: (of, file) => {
      const fifo = join(tmpdir(), `tributary-${of.streamId}-${process.pid}.fifo`);
      const script = `rm -f "$2"; mkfifo "$2"; ${paced(file)} >"$2" & exec srt-live-transmit -q -a:no -chunk:${of.payloadBytes} file://con "$1" <"$2"`;
      return program(['sh', '-c', script, 'sh', libsrtUrl(of), fifo]);
    },
  },
  GStreamer: {
    needs: 'gst-launch-1.0',
    start: (of, file) =>
      program([
        ...[
          'gst-launch-1.0',
          '-q',
          'filesrc',
          `location=${file}`,
          '!',
          'tsparse',
          'set-timestamps=true',
          'alignment=7',
        ],
        ...['!', 'srtsink', 'sync=true', 'wait-for-connection=true', ...gstOf(of)],
      ]),
  },
};

export const PLAYERS: Readonly<Record<string, Peer>> = {
  ffmpeg: {
    needs: 'ffmpeg',
    start: (of, file) =>
      program([
        'ffmpeg',
        '-v',
        'error',
        '-y',
        '-i',
        ffmpegUrl(of),
        '-map',
        '0',
        '-c',
        'copy',
        '-f',
        'mpegts',
        '-flush_packets',
        '1',
        file,
      ]),
  },
  'srt-live-transmit': {
    needs: 'srt-live-transmit',
    start: (of, file) =>
      program([
        'sh',
        '-c',
        `exec srt-live-transmit -q -a:no -chunk:1456 "$1" file://con >"$2"`,
        'sh',
        libsrtUrl(of),
        file,
      ]),
  },
  GStreamer: {
    needs: 'gst-launch-1.0',
    start: (of, file) =>
      program([
        'gst-launch-1.0',
        '-q',
        'srtsrc',
        ...gstOf(of),
        '!',
        'filesink',
        `location=${file}`,
        'buffer-mode=unbuffered',
      ]),
  },
  VLC: {
    needs: 'cvlc',
    start: (of, file) =>
      program(
        asNobody([
          ...['cvlc', '-q', '--no-video-title-show', `--latency=${of.latencyMs}`, `--streamid=${of.streamId}`],
          ...(of.passphrase === undefined ? [] : [`--passphrase=${of.passphrase}`]),
          `srt://127.0.0.1:${of.port}`,
          `--sout=#std{access=file,mux=ts,dst=${file}}`,
        ]),
      ),
  },
};
