import { createSocket } from 'node:dgram';
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runSend } from '../../src/cli/send.ts';
import { FakeSrtlaReceiver } from '../support/fake-srtla-receiver.ts';
import { ImpairedLinks } from '../support/impaired-link.ts';
import { testClip } from '../support/media.ts';
import { Program, until } from '../support/processes.ts';

const SECONDS = 3;
let folder: string;
const ends: (() => unknown)[] = [];
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'tributary-input-'));
});
afterAll(async () => {
  for (const end of ends.splice(0).reverse()) await end();
  rmSync(folder, { recursive: true, force: true });
});

/** An SRT server that writes what it gets, behind an SRTLA receiver. */
const receiver = async (file: string, options = ''): Promise<FakeSrtlaReceiver> => {
  const socket = createSocket('udp4');
  await new Promise<void>((done) => socket.bind(0, '127.0.0.1', done));
  const { port } = socket.address();
  await new Promise<void>((done) => socket.close(done));
  const command = `exec srt-live-transmit -q -a:no "srt://127.0.0.1:${port}?mode=listener&lossmaxttl=200${options}" file://con > "$1"`;
  const server = new Program('sh', ['-c', command, 'sh', file]);
  const fake = await FakeSrtlaReceiver.open(port);
  ends.push(
    () => server.stop('SIGKILL'),
    () => fake.close(),
  );
  return fake;
};

describe('tributary send --input', () => {
  it('sends a file over links 20 and 80 ms apart that lose packets, without a gap', {
    timeout: 40_000,
  }, async () => {
    const clip = testClip(SECONDS, 'i');
    const file = join(folder, 'file.ts');
    const fake = await receiver(file);
    const links = await ImpairedLinks.open(fake.port, [
      { delayMs: 20, lossRate: 0.02 },
      { delayMs: 80, lossRate: 0.01, jitterMs: 10 },
    ]);
    ends.push(() => links.close());
    const code = await runSend([
      ...[
        '--quiet',
        '--to',
        `127.0.0.1:${fake.port}`,
        '--links',
        '127.0.1.1,127.0.2.1',
        '--via',
        links.targets.join(','),
      ],
      ...['--input', clip, '--streamid', 'live_test', '--latency', '1000'],
    ]);
    expect(code).toBe(0);
    // This server drops what it has buffered once the SHUTDOWN comes, so what it wrote is a beginning of the file.
    const whole = readFileSync(clip);
    const got = readFileSync(file);
    expect(got.length).toBeGreaterThan((whole.length * (SECONDS - 1.2)) / SECONDS);
    expect(whole.subarray(0, got.length).equals(got)).toBe(true);
    for (const { totals } of links.links) expect(totals.forth.lost).toBeGreaterThan(0);
  });

  it('encrypts, and names a wrong passphrase', { timeout: 40_000 }, async () => {
    const clip = testClip(SECONDS, 'i');
    const file = join(folder, 'secret.ts');
    const fake = await receiver(file, '&passphrase=correct-horse&pbkeylen=16&latency=200');
    const common = [
      '--quiet',
      '--to',
      `127.0.0.1:${fake.port}`,
      '--input',
      clip,
      '--streamid',
      'live_test',
      '--latency',
      '200',
    ];
    const errors: string[] = [];
    const write = process.stderr.write;
    process.stderr.write = (text: string | Uint8Array) => errors.push(String(text)) > 0;
    try {
      expect(await runSend([...common, '--passphrase', 'wrong-horse-battery'])).toBe(1);
    } finally {
      process.stderr.write = write;
    }
    expect(errors.join('')).toMatch(/^tributary send: the SRT connection failed: wrong passphrase \(10\): .+\n$/);
    const stop = new AbortController();
    const run = runSend([...common, '--passphrase', 'correct-horse'], stop.signal);
    await until('half a megabyte', () => statSync(file).size > 500_000);
    stop.abort();
    expect(await run).toBe(0);
    const got = readFileSync(file);
    expect(readFileSync(clip).subarray(0, got.length).equals(got)).toBe(true);
  });
});
