import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { DataPlaneHost } from '../../src/data-plane/host.ts';
import { freeSettings, Hosts, ROW } from '../data-plane/host-harness.ts';
import { rawPlayer, testClip } from '../support/media.ts';
import { Program, tributary, until } from '../support/processes.ts';

/** Real encoders and players against the data plane, without HTTP: who gets in, and how one is sent away. */
const hosts = new Hosts();
const programs: Program[] = [];
let folder: string;
let clip: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'tributary-access-'));
  clip = testClip(10);
}, 120_000);
afterAll(async () => {
  await Promise.all(programs.map((program) => program.stop('SIGKILL')));
  await hosts.closeAll();
  rmSync(folder, { recursive: true, force: true });
});

const run = (program: Program): Program => {
  programs.push(program);
  return program;
};
/** ffmpeg that sends the clip over and over, 4 Mbit/s. */
const encoder = (host: DataPlaneHost, more = '', streamId = ROW.publisher): Program => {
  const url = `srt://127.0.0.1:${host.snapshot().ports.publish}?mode=caller&streamid=${streamId}&latency=300000&pkt_size=1316${more}`;
  const input = ['-v', 'error', '-re', '-stream_loop', '-1', '-i', clip];
  return run(new Program('ffmpeg', [...input, '-map', '0', '-c', 'copy', '-f', 'mpegts', url]));
};
const player = (host: DataPlaneHost, file = '/dev/null', more = '', id = ROW.player): Program =>
  run(rawPlayer(`srt://127.0.0.1:${host.snapshot().ports.play}?mode=caller&streamid=${id}&latency=1000${more}`, file));
const types = (host: DataPlaneHost): string[] => host.events.of(ROW.publisher).map(({ type }) => type);
const event = (host: DataPlaneHost, type: string) => host.events.of(ROW.publisher).findLast((of) => of.type === type);
const ended = (program: Program): Promise<boolean> => until('the program to end', () => program.exitCode !== undefined);
/**
 * Somebody is turned away, as the node says: srt-live-transmit watches its socket only after it has called, and goes on waiting for ever
 * where the refusal was there before that.
 */
const turnedAway = async (
  host: DataPlaneHost,
  port: 'publish' | 'play',
  code: number,
  start: () => Program,
): Promise<Program> => {
  const before = host.snapshot().counters.refused ?? 0;
  const program = start();
  await until(`the refusal on ${port}`, () => {
    const { counters, lastRefusal } = host.snapshot();
    return (counters.refused ?? 0) > before && lastRefusal?.port === port && lastRefusal.code === code;
  });
  return program;
};
const playing = (host: DataPlaneHost, file: string): Promise<boolean> =>
  until('the stream to play', () => host.snapshot().players[0]?.state === 'playing' && sizeOf(file) > 300_000, 30_000);
const live = (host: DataPlaneHost): Promise<boolean> =>
  until('the publisher', () => (host.snapshot().publishers[0]?.messages ?? 0) > 50, 30_000);

/** Bytes that a player has written. */
const sizeOf = (file: string): number => statSync(file, { throwIfNoEntry: false })?.size ?? 0;
/** What decoding the first second complains of; the end of the file is cut anywhere. */
const firstFrameErrors = async (file: string): Promise<string> => {
  const args = ['-v', 'error', '-xerror', '-i', file, '-frames:v', '20', '-f', 'null', '-'];
  // Not at once: the tests beside this one measure time.
  return promisify(execFile)('ffmpeg', args).then(
    ({ stderr }) => stderr.trim(),
    (error: { stderr?: string }) => `${error.stderr}\nfailed`,
  );
};

describe.concurrent('real encoders and players', { timeout: 90_000 }, () => {
  it('need the passphrase of their id', async () => {
    const host = await hosts.start();
    host.updateRow({ ...ROW, passphrase: 'correct-horse-battery' });
    for (const wrong of ['', '&passphrase=something-else']) {
      await ended(await turnedAway(host, 'publish', 10, () => encoder(host, wrong)));
      await turnedAway(host, 'play', 10, () => player(host, '/dev/null', wrong));
    }
    await until('the refusal', () => types(host).includes('publisher-refused'));
    expect(event(host, 'publisher-refused')).toMatchObject({ why: 'passphrase' });
    expect(types(host)).not.toContain('publisher-up');
    const right = '&passphrase=correct-horse-battery';
    const file = join(folder, 'secret.ts');
    player(host, file, right);
    encoder(host, right);
    await playing(host, file);
    expect(host.snapshot().publishers[0]).toMatchObject({ encrypted: true });
  });

  it.each(['close', 'reject'] as const)('that nobody knows are sent away: %s', async (refuse) => {
    const settings = freeSettings();
    const host = await hosts.start({
      ...settings,
      bridge: { ...settings.bridge, refuse: { publish: refuse, play: refuse, bond: 'reject' } },
    });
    await ended(await turnedAway(host, 'publish', 1404, () => encoder(host, '', 'live_unknown')));
    await turnedAway(host, 'play', 1404, () => player(host, '/dev/null', '', 'play_unknown'));
    expect(host.snapshot().publishers).toEqual([]);
    // Nobody else is harmed.
    encoder(host, '', `publish/live/${ROW.publisher}`);
    await live(host);
    expect(host.snapshot().publishers[0]).toMatchObject({ publisherId: ROW.publisher });
  });

  it('take over from one that has died, and players stay', async () => {
    const host = await hosts.start();
    const file = join(folder, 'takeover.ts');
    const watching = player(host, file);
    const first = encoder(host);
    await playing(host, file);
    await first.stop('SIGKILL');
    await until(
      'another one to be let in',
      async () => {
        const second = encoder(host);
        return await until(
          'its fate',
          () => second.exitCode !== undefined || types(host).includes('publisher-takeover'),
        ).then(() => second.exitCode === undefined);
      },
      20_000,
    );
    const why = () => host.events.of(ROW.publisher).find(({ type }) => type === 'publisher-down');
    await until('the old one to be gone', why);
    expect(why()).toMatchObject({ why: 'taken-over' });
    const before = sizeOf(file);
    await until('the new one to play', () => sizeOf(file) > before + 1_000_000, 20_000);
    expect(watching.exitCode).toBeUndefined();
    expect(types(host).filter((type) => type === 'player-up')).toHaveLength(1);
  });

  it('are kicked, and may come back', async () => {
    const host = await hosts.start();
    const file = join(folder, 'kick.ts');
    const watching = player(host, file);
    const sending = encoder(host);
    await playing(host, file);
    host.kickPublisher(ROW.publisher);
    await ended(sending);
    await until('the end', () => event(host, 'publisher-down'));
    expect(event(host, 'publisher-down')).toMatchObject({ why: 'kicked' });
    expect(watching.exitCode).toBeUndefined();
    host.kickSocket(host.snapshot().players[0]!.key);
    await ended(watching);
    expect(event(host, 'player-down')).toMatchObject({ why: 'kicked' });
    encoder(host);
    await live(host);
  });

  it('are cut within a second when their row is taken away', async () => {
    const host = await hosts.start();
    const file = join(folder, 'revoke.ts');
    player(host, file);
    const sending = encoder(host);
    await playing(host, file);
    const startMs = Date.now();
    host.removeRow(ROW);
    await until('both to be gone', () => {
      const { publishers, players } = host.snapshot();
      return publishers.length + players.length === 0;
    });
    await until('their events', () => event(host, 'publisher-down') && event(host, 'player-down'));
    // As the node tells it: this process is busy with the other tests, and may look late.
    for (const type of ['publisher-down', 'player-down'])
      expect(event(host, type)!.wallMs - startMs, type).toBeLessThan(1_000);
    await ended(sending);
    expect(event(host, 'publisher-down')).toMatchObject({ why: 'revoked' });
    expect(event(host, 'player-down')).toMatchObject({ why: 'revoked' });
    await ended(encoder(host));
    expect(host.snapshot().publishers).toEqual([]);
  });

  it('are closed above their ceiling, and not below it', async () => {
    const host = await hosts.start();
    host.updateRow({ ...ROW, maxBitrateKbps: 20_000 });
    const sending = encoder(host);
    await until('six seconds of it', () => (host.snapshot().publishers[0]?.uptimeMs ?? 0) > 6_000, 30_000);
    expect(types(host)).toEqual(['publisher-up']);
    host.updateRow({ ...ROW, maxBitrateKbps: 1_000 });
    await ended(sending);
    await until('the end', () => event(host, 'publisher-down'));
    expect(types(host)).toEqual(['publisher-up', 'bitrate-exceeded', 'bitrate-closed', 'publisher-down']);
    expect(event(host, 'publisher-down')).toMatchObject({ why: 'bitrate' });
  });

  it('may come bonded and speak a dialect: stream and links have the one id', async () => {
    const host = await hosts.start();
    const to = `127.0.0.1:${host.snapshot().ports.srtla[0]}`;
    const links = ['--links', '127.0.1.1,127.0.2.1,127.0.3.1'];
    const id = ['--streamid', `publish/live/${ROW.publisher}`, '--latency', '1000'];
    run(tributary(['send', '--to', to, ...links, '--input', clip, ...id]));
    await live(host);
    await until('all links to be told', () => types(host).filter((type) => type === 'link-joined').length === 3);
    const { publishers, srtla } = host.snapshot();
    expect(publishers).toMatchObject([{ publisherId: ROW.publisher, source: 'srtla', group: srtla.groups[0]!.id }]);
    expect(srtla.groups).toMatchObject([{ streamId: ROW.publisher }]);
    expect(types(host).filter((type) => type === 'publisher-up')).toHaveLength(1);
    const other = run(tributary(['send', '--to', to, ...links, '--input', clip, ...id]));
    await ended(other);
    await until('the rejection', () => types(host).includes('session-rejected'));
    expect(event(host, 'session-rejected')).toMatchObject({ why: 'in-use', code: 1409 });
    expect(event(host, 'publisher-refused')).toMatchObject({ why: 'in-use', source: 'srtla' });
    host.kickPublisher(ROW.publisher);
    await until('its end', () => event(host, 'publisher-down'));
    expect(event(host, 'publisher-down')).toMatchObject({ why: 'kicked', source: 'srtla' });
  });

  it('begin with the last key frame where that is set, with a picture that decodes', async () => {
    const settings = freeSettings();
    const host = await hosts.start({ ...settings, bridge: { ...settings.bridge, playerJoin: 'last-key-frame' } });
    encoder(host);
    await live(host);
    await until('a group of pictures', () => host.snapshot().publishers[0]!.uptimeMs > 2_500);
    const file = join(folder, 'last-key-frame.ts');
    const watching = player(host, file);
    await until('three seconds of it', () => sizeOf(file) > 1_500_000, 30_000);
    await watching.stop();
    expect(await firstFrameErrors(file)).toBe('');
  });
});
