import { type ChildProcess, spawn } from 'node:child_process';
import { createReadStream } from 'node:fs';
import type { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Millis, monotonicNow } from '../shared/clock.ts';
import { codeOf, messageOf, TributaryError } from '../shared/errors.ts';
import { PcrPacer } from './pcr-pacer.ts';
import { type TestPictureOptions, testPictureArguments } from './test-picture.ts';
import { MessageBuilder, TsFramer } from './ts-framer.ts';

/** Where MPEG-TS comes from. */
export interface TsSource {
  /** Messages of at most 1316 bytes, each at its time. Throws TributaryError TRIBUTARY_BAD_INPUT_FILE. Iterate once. */
  messages(): AsyncIterable<Uint8Array>;
  /** Ends the iteration soon. */
  stop(): void;
}

const FALLBACK_KBPS = 4_000;
/** So much without a packet boundary is no MPEG-TS. */
const PROBE_BYTES = 256 * 1024;
/** A consumer that falls further behind than this resets the pace instead of racing after it. */
const MAX_LAG_MS: Millis = 1_000;

const badInput = (message: string, mend: string, cause?: unknown): TributaryError =>
  new TributaryError('TRIBUTARY_BAD_INPUT_FILE', message, mend, cause);

const notTransportStream = (name: string): TributaryError =>
  badInput(
    `${name} is not MPEG-TS`,
    `convert it: ffmpeg -i ${name === 'standard input' ? 'FILE' : name} -c copy out.ts`,
  );

const checkFraming = (framer: TsFramer, name: string, atEnd: boolean): void => {
  if (framer.packets === 0 && (atEnd || framer.skippedBytes > PROBE_BYTES)) throw notTransportStream(name);
};

const readFailure = (error: unknown, name: string): TributaryError =>
  error instanceof TributaryError
    ? error
    : badInput(`cannot read ${name} (${codeOf(error) ?? messageOf(error)})`, 'check --input', error);

async function* liveMessages(stream: Readable, name: string): AsyncGenerator<Uint8Array> {
  const framer = new TsFramer();
  const builder = new MessageBuilder();
  for await (const chunk of stream) {
    const messages: Uint8Array[] = [];
    framer.push(chunk as Uint8Array, (packet) => {
      const message = builder.add(packet);
      if (message !== undefined) messages.push(message);
    });
    checkFraming(framer, name, false);
    yield* messages;
  }
  checkFraming(framer, name, true);
  const last = builder.flush();
  if (last !== undefined) yield last;
}

async function* pacedMessages(stream: Readable, name: string): AsyncGenerator<Uint8Array> {
  const framer = new TsFramer();
  const pacer = new PcrPacer(FALLBACK_KBPS);
  let start = monotonicNow();
  const paced = async function* (): AsyncGenerator<Uint8Array> {
    for (const { bytes, dueMs } of pacer.take()) {
      const aheadMs = start + dueMs - monotonicNow();
      if (aheadMs > 1) await sleep(aheadMs);
      else if (aheadMs < -MAX_LAG_MS) start -= aheadMs;
      yield bytes;
    }
  };
  for await (const chunk of stream) {
    framer.push(chunk as Uint8Array, (packet) => pacer.push(packet));
    checkFraming(framer, name, false);
    yield* paced();
  }
  checkFraming(framer, name, true);
  pacer.end();
  yield* paced();
}

/** Wraps a stream: failures get a name, and `stop` is an end instead of a failure. */
const sourceOf = (
  stream: Readable,
  name: string,
  generate: (stream: Readable, name: string) => AsyncIterable<Uint8Array>,
): TsSource => {
  let stopped = false;
  return {
    async *messages() {
      try {
        for await (const message of generate(stream, name)) {
          if (stopped) return;
          yield message;
        }
      } catch (error) {
        if (!stopped) throw readFailure(error, name);
      }
    },
    stop: () => {
      stopped = true;
      stream.destroy();
    },
  };
};

export const fileSource = (path: string): TsSource =>
  sourceOf(createReadStream(path, { highWaterMark: 64 * 1024 }), path, pacedMessages);

/** A live stream is passed on as it comes. */
export const streamSource = (stream: Readable, name = 'standard input'): TsSource =>
  sourceOf(stream, name, liveMessages);

const exitOf = (child: ChildProcess): Promise<number | null> =>
  new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', resolve);
  });

/** A moving test picture with clock and tone, made by ffmpeg. */
export const testSource = (picture?: TestPictureOptions, command = 'ffmpeg'): TsSource => {
  const child = spawn(command, testPictureArguments(picture), { stdio: ['ignore', 'pipe', 'pipe'] });
  let complaint = '';
  let stopped = false;
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    complaint = (complaint + text).slice(-2_000);
  });
  const exit = exitOf(child);
  exit.catch(() => {});
  return {
    async *messages() {
      let failure: unknown;
      try {
        yield* streamSource(child.stdout, 'the test picture').messages();
      } catch (error) {
        // An ffmpeg that says nothing useful on its output has said why on the other side.
        failure = error;
      }
      const code = await exit.catch((error: unknown) => {
        throw badInput(
          `ffmpeg, which makes the test picture, does not start (${codeOf(error) ?? messageOf(error)})`,
          'install it with `apt-get install ffmpeg`',
          error,
        );
      });
      if (stopped) return;
      if (code !== 0) {
        const lastLine = complaint.trim().split('\n').at(-1) ?? '';
        throw badInput(`ffmpeg stopped with ${code} (${lastLine})`, 'the test picture needs ffmpeg with libx264');
      }
      if (failure !== undefined) throw failure;
    },
    stop: () => {
      stopped = true;
      child.kill('SIGTERM');
    },
  };
};

/** `test`, `-` (standard input) or the path of a file. */
export const openTsSource = (input: string): TsSource => {
  if (input === 'test') return testSource();
  if (input === '-') return streamSource(process.stdin);
  return fileSource(input);
};
