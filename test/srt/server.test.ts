import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { SRT_STATS_FIELDS } from '../../src/shared/addon.ts';
import { Peer, stream, until } from '../native/peer.ts';
import { packetsOf, rawPlayer, testClip } from '../support/media.ts';
import { Program } from '../support/processes.ts';
import { type RelayOptions, ServerRelay } from './relay.ts';

let relay: ServerRelay;
let peer: Peer;
const programs: Program[] = [];
let folder: string;
const open = async (options: RelayOptions = {}): Promise<void> => {
  relay = await ServerRelay.open(options);
};
beforeEach(() => {
  peer = new Peer();
  folder = mkdtempSync(join(tmpdir(), 'tributary-server-'));
});
afterEach(async () => {
  await Promise.all(programs.splice(0).map((program) => program.stop('SIGKILL')));
  peer.engine.dispose();
  relay?.close();
  rmSync(folder, { recursive: true, force: true });
});

const PUBLISH = 'a passphrase to publish';
const PLAY = 'another one to play with';
const stat = (session: number, field: (typeof SRT_STATS_FIELDS)[number]): number => {
  const out = new Float64Array(SRT_STATS_FIELDS.length);
  expect(relay.server.stats(session, out, performance.now())).toBe(true);
  return out[SRT_STATS_FIELDS.indexOf(field)]!;
};

describe('publishers and players of libsrt', () => {
  it.each<[what: string, options: RelayOptions, publish?: string, play?: string]>([
    ['in the clear, at play time', {}],
    ['in the clear, at arrival', { shared: true }],
    ['encrypted in, clear out', { passphrases: { publish_a: PUBLISH } }, PUBLISH],
    ['clear in, encrypted out', { passphrases: { play_a: PLAY } }, '', PLAY],
    [
      'encrypted both ways, with different passphrases',
      { passphrases: { publish_a: PUBLISH, play_a: PLAY } },
      PUBLISH,
      PLAY,
    ],
  ])(
    'get through what was sent, whole and in order: %s',
    async (_what, options, publish, play) => {
      await open(options);
      const player = await peer.join(relay.port, 'play_a', { reads: true, ...(play ? { passphrase: play } : {}) });
      const publisher = await peer.join(relay.port, 'publish_a', {
        reads: false,
        ...(publish ? { passphrase: publish } : {}),
      });
      await stream(peer, publisher, 0, 1_000);
      await stream(peer, publisher, 1_000, 1_200, { length: 1_456 });
      await until('all of it', () => peer.messages(player).length >= 1_200);
      const numbers = peer
        .messages(player)
        .map(({ bytes }) => new DataView(bytes.buffer, bytes.byteOffset).getUint32(0));
      expect(numbers).toEqual(Array.from({ length: 1_200 }, (_, n) => n));
      for (const { bytes } of peer.messages(player))
        expect(bytes[9]).toBe((new DataView(bytes.buffer, bytes.byteOffset).getUint32(0) * 31 + 9) & 255);
      const session = relay.publishers.get('publish_a')!;
      expect(stat(session, 'pktRecvUniqueTotal')).toBe(1_200);
      expect(stat(session, 'pktRcvDropTotal')).toBe(0);
      await until('everything to be acknowledged', () => relay.store.usedCount === 0);
    },
    30_000,
  );

  it('are told when the other side ends, and noticed when they do', async () => {
    await open();
    const player = await peer.join(relay.port, 'play_a', { reads: true });
    const publisher = await peer.join(relay.port, 'publish_a', { reads: false });
    const session = relay.publishers.get('publish_a')!;
    peer.engine.close(publisher);
    await until('the end of the publisher', () => relay.ended.length === 1);
    expect(relay.ended).toEqual([{ session, why: 'shutdown' }]);
    relay.server.close([...relay.players.keys()][0]!, performance.now());
    await peer.ended(player);
    expect(relay.server.sessions).toBe(0);
    expect(relay.ended[1]?.why).toBe('closed');
  });

  it('that were cut come in again at once', async () => {
    await open();
    for (let round = 0; round < 3; round++) {
      const publisher = await peer.join(relay.port, 'publish_a', { reads: false });
      await stream(peer, publisher, 0, 20);
      relay.server.close(relay.publishers.get('publish_a')!, performance.now());
      await peer.ended(publisher);
    }
    expect(relay.server.sessions).toBe(0);
    expect(relay.store.usedCount).toBe(0);
  });

  it('are turned away with a code', async () => {
    await open({ passphrases: { publish_a: PUBLISH } });
    const unknown = peer.call(relay.port, 'somebody');
    expect(await peer.outcome(unknown)).toMatchObject({ type: 'connect-failed', rejectReason: 1_404 });
    const wrong = peer.call(relay.port, 'publish_a', { passphrase: 'not that passphrase' });
    expect(await peer.outcome(wrong)).toMatchObject({ type: 'connect-failed', rejectReason: 10 });
    expect(relay.server.sessions).toBe(0);
  });
});

describe('programs of others', () => {
  it.each<[what: string, options: RelayOptions, publish: string, play: string, packetBytes: number]>([
    ['in the clear', {}, '', '', 1_316],
    [
      'with AES-128 in and AES-256 out',
      { passphrases: { publish_a: 'ffmpeg-passphrase', play_a: 'player-passphrase' } },
      '&passphrase=ffmpeg-passphrase&pbkeylen=16',
      '&passphrase=player-passphrase&pbkeylen=32',
      1_316,
    ],
    ['in packets of 1456 bytes', {}, '', '', 1_456],
  ])(
    'ffmpeg publishes and srt-live-transmit plays, every frame: %s',
    async (_what, options, publish, play, packetBytes) => {
      await open({ latencyMs: 200, ...options });
      const clip = testClip(4);
      const file = join(folder, 'seen.ts');
      const player = rawPlayer(`srt://127.0.0.1:${relay.port}?streamid=play_a&mode=caller&latency=200${play}`, file);
      programs.push(player);
      await until('the player', () => relay.players.size === 1);
      const url = `srt://127.0.0.1:${relay.port}?mode=caller&streamid=publish_a&latency=200000&pkt_size=${packetBytes}&payload_size=${packetBytes}${publish}`;
      const publisher = new Program('ffmpeg', [
        '-v',
        'error',
        '-re',
        '-i',
        clip,
        '-map',
        '0',
        '-c',
        'copy',
        '-f',
        'mpegts',
        url,
      ]);
      programs.push(publisher);
      await publisher.success(30_000);
      await until('the end of the publisher', () => relay.ended.length > 0, 10_000);
      await until('the player to have it all', () => relay.store.usedCount === 0, 10_000);
      // What has arrived is played after its latency.
      const playedMs = performance.now() + 1_000;
      await until('it to be played', () => performance.now() > playedMs);
      relay.server.close([...relay.players.keys()][0]!, performance.now());
      await player.exited;
      const frames = (of: string): string[] =>
        packetsOf(of)
          .filter(({ stream: index }) => index === 0)
          .map(({ checksum }) => checksum);
      // ffmpeg ends without waiting for the last of what it has sent, which may cut its last frame short.
      const seen = frames(file).slice(0, -1);
      expect(seen.length).toBeGreaterThan(80);
      expect(seen).toEqual(frames(clip).slice(0, seen.length));
    },
    60_000,
  );
});
