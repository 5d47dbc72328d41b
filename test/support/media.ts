import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, renameSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Program } from './processes.ts';

/** H.264 + AAC in MPEG-TS, constant bitrate of about 4 Mbit/s, a key frame each second. Made once and kept. */
export const testClip = (seconds: number, tag = 'a'): string => {
  const folder = join(tmpdir(), 'tributary-test-media');
  const file = join(folder, `clip-${tag}-${seconds}.ts`);
  if (existsSync(file)) return file;
  mkdirSync(folder, { recursive: true });
  const partial = `${file}.${process.pid}.part.ts`;
  execFileSync('ffmpeg', [
    ...['-v', 'error', '-y', '-f', 'lavfi', '-i', `testsrc2=size=640x360:rate=25,hue=h=${tag.charCodeAt(0) * 17}`],
    ...['-f', 'lavfi', '-i', 'sine=frequency=440:sample_rate=48000', '-t', String(seconds), '-pix_fmt', 'yuv420p'],
    ...[
      '-c:v',
      'libx264',
      '-preset',
      'ultrafast',
      '-g',
      '25',
      '-bf',
      '0',
      '-b:v',
      '3600k',
      '-minrate',
      '3600k',
      '-maxrate',
      '3600k',
    ],
    ...['-bufsize', '1800k', '-x264-params', 'nal-hrd=cbr', '-c:a', 'aac', '-b:a', '128k', '-f', 'mpegts', partial],
  ]);
  renameSync(partial, file);
  return file;
};

export interface MediaPacket {
  stream: number;
  dts: number;
  size: number;
  checksum: string;
}

/** Every coded frame of a file, in order, with its checksum. */
export const packetsOf = (file: string): MediaPacket[] =>
  execFileSync('ffmpeg', ['-v', 'error', '-i', file, '-map', '0', '-c', 'copy', '-copyts', '-f', 'framecrc', '-'], {
    encoding: 'utf8',
    maxBuffer: 1 << 26,
  })
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line) => {
      const [stream, dts, , , size, checksum] = line.split(',').map((part) => part.trim());
      return { stream: Number(stream), dts: Number(dts), size: Number(size), checksum: checksum ?? '' };
    });

/** What a full decode complains of; nothing, when all is well. */
export const decodeErrors = (file: string): string => {
  const program = execFileSync(
    'sh',
    ['-c', 'ffmpeg -v error -xerror -i "$1" -f null - 2>&1 || echo failed', 'sh', file],
    { encoding: 'utf8' },
  );
  return program.trim();
};

/** An ffmpeg that plays `url` into `file` without touching the coded frames. It ends when the player connection ends. */
export const ffmpegPlayer = (url: string, file: string): Program =>
  new Program('ffmpeg', [
    '-v',
    'error',
    '-y',
    '-fflags',
    '+genpts',
    '-i',
    url,
    '-map',
    '0',
    '-c',
    'copy',
    '-copyts',
    '-f',
    'mpegts',
    file,
  ]);

/** srt-live-transmit: writes exactly the bytes that the player connection delivers. */
export const rawPlayer = (url: string, file: string): Program =>
  new Program('sh', ['-c', 'exec srt-live-transmit -q -a:no "$1" file://con > "$2"', 'sh', url, file]);
