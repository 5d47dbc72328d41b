import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Program, TestNode, tributary, until } from '../support/processes.ts';
import { ObsStudio } from './obs-studio.ts';
import { isInstalled } from './programs.ts';

/** How long the encoder is away. */
const AWAY_S = Number(process.env.TRIBUTARY_AWAY_SECONDS ?? 60);
const missing = ['obs', 'Xvfb', 'ffmpeg'].filter((program) => !isInstalled(program));

let folder: string;
let node: TestNode;
let obs: ObsStudio;
let switcher: Program;
let ids: { publisher: string; player: string };

/** A test picture that is made while it is sent. */
const encoder = (size: string, kbps: number): Program =>
  new Program('ffmpeg', [
    ...['-v', 'error', '-re', '-f', 'lavfi', '-i', `testsrc2=size=${size}:rate=25`],
    ...['-c:v', 'libx264', '-preset', 'ultrafast', '-tune', 'zerolatency', '-pix_fmt', 'yuv420p', '-g', '25'],
    ...[
      '-b:v',
      `${kbps}k`,
      '-maxrate',
      `${kbps}k`,
      '-bufsize',
      `${kbps}k`,
      '-x264-params',
      'nal-hrd=cbr',
      '-f',
      'mpegts',
    ],
    `srt://127.0.0.1:${node.ports.publish}?streamid=${ids.publisher}&mode=caller&latency=500000&pkt_size=1316`,
  ]);

describe.skipIf(missing.length > 0)('OBS of the distribution', () => {
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'tributary-switcher-'));
    node = await TestNode.start({
      TRIBUTARY_QUALITY_HIGH_KBPS: '700',
      TRIBUTARY_QUALITY_MEDIUM_KBPS: '600',
      TRIBUTARY_QUALITY_LOW_KBPS: '500',
      TRIBUTARY_QUALITY_VERY_LOW_KBPS: '100',
    });
    ids = await node.createIds();
    obs = await ObsStudio.start(`srt://127.0.0.1:${node.ports.play}?streamid=${ids.player}&mode=caller&latency=500000`);
    const file = join(folder, 'switcher.yml');
    writeFileSync(
      file,
      JSON.stringify({
        ...{ node: `http://127.0.0.1:${node.ports.stats}`, stream: ids.player, retries: 3, mediaSource: 'Relay' },
        obs: { url: obs.url, onlyWhileStreaming: false },
        scenes: { high: 'Live', medium: 'Live', low: 'Live', veryLow: 'Low', gone: 'BRB' },
      }),
    );
    switcher = tributary(['switcher', file], { OBS_PASSWORD: obs.password });
  });
  afterAll(async () => {
    await switcher?.stop();
    await obs?.stop();
    await node?.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  it(`shows the scene that fits, and the picture moves again within 5 s of an encoder that was away for ${AWAY_S} s`, {
    timeout: 180_000 + AWAY_S * 1_000,
  }, async () => {
    await until('the switcher to reach OBS', () => switcher.output.includes('connected to OBS'), 20_000);
    expect(await obs.scene()).toBe('BRB');
    const first = encoder('640x360', 1_200);
    await until('the live scene', async () => (await obs.scene()) === 'Live', 30_000);
    await obs.moves(20_000);
    await first.stop('SIGKILL');
    await until('the scene of a stream that is gone', async () => (await obs.scene()) === 'BRB', 30_000);
    const backMs = performance.now() + AWAY_S * 1_000;
    await until('the encoder to come back', () => performance.now() > backMs, AWAY_S * 1_000 + 5_000);
    expect(await obs.scene()).toBe('BRB');
    const second = encoder('320x180', 250);
    const live = async () => (await node.get<{ publisher?: object }>(`/stats/${ids.player}`)).publisher !== undefined;
    await until('the encoder', live, 20_000);
    const startMs = performance.now();
    const picture = await obs.moves(5_000);
    process.stdout.write(
      `\nthe picture moved again ${Math.round(performance.now() - startMs)} ms after the encoder was back\n`,
    );
    await until('the scene of a weak stream', async () => (await obs.scene()) === 'Low', 30_000);
    if (process.env.TRIBUTARY_PICTURE) writeFileSync(process.env.TRIBUTARY_PICTURE, picture.split(',')[1]!, 'base64');
    await second.stop();
    process.stdout.write(`${switcher.output}\n`);
  });
});

it.runIf(missing.length > 0)(`OBS is not tried: ${missing.join(', ')} not installed`, ({ skip }) => skip());
