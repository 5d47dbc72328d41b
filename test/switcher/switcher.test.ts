import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, expect, it } from 'vitest';
import { EXAMPLE, readSwitcherSettings } from '../../src/switcher/settings.ts';
import { Switcher } from '../../src/switcher/switcher.ts';
import { FakeObs } from '../support/fake-obs.ts';
import { until } from '../support/processes.ts';

/** A node that says what the test has it say. */
class FakeNode {
  level: string | undefined = 'HIGH';
  status = 200;
  readonly asked: string[] = [];
  readonly #server: Server;

  private constructor(server: Server) {
    this.#server = server;
  }
  static async start(): Promise<FakeNode> {
    const server = createServer((request, response) => {
      node.asked.push(request.url!);
      const { level } = node;
      response.writeHead(node.status, { 'content-type': 'application/json' });
      const publisher = level === undefined ? {} : { publisher: { bitrate: 4_000, quality_level: level } };
      response.end(JSON.stringify({ ...publisher, status: 'ok' }));
    });
    const node = new FakeNode(server);
    await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
    return node;
  }
  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }
  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((done) => this.#server.close(done));
  }
}

const ends: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

const start = async (more: Record<string, unknown> = {}, password: { obs?: string; given?: string } = {}) => {
  const [obs, node] = [await FakeObs.start(password.obs), await FakeNode.start()];
  const settings = readSwitcherSettings(EXAMPLE, 'switcher.yml', {});
  const lines: string[] = [];
  const switcher = new Switcher(
    {
      ...settings,
      ...{ node: node.url, retries: 2, mediaSource: 'Relay' },
      scenes: { high: 'Live', medium: 'Live', low: 'Low', veryLow: 'Low', gone: 'BRB' },
      ...more,
      obs: { url: obs.url, password: password.given, onlyWhileStreaming: true },
    },
    (line) => void lines.push(line),
  );
  ends.push(
    () => obs.stop(),
    () => node.stop(),
    () => switcher.stop(),
  );
  switcher.start();
  return { obs, node, lines, switcher };
};

it('shows the scene that fits, and the one for a stream that is gone, and comes back', async () => {
  const { obs, node, lines } = await start({}, { obs: 'a password', given: 'a password' });
  await until('a look', () => node.asked.length > 1);
  expect(obs.shown).toEqual([]);
  node.level = 'LOW';
  await until('the low scene', () => obs.scene === 'Low');
  node.level = undefined;
  await until('BRB', () => obs.scene === 'BRB');
  node.level = 'MEDIUM';
  await until('the stream', () => obs.scene === 'Live');
  expect(obs.shown).toEqual(['Low', 'BRB', 'Live']);
  expect(lines).toEqual([
    `connected to OBS at ${obs.url}`,
    ...['Live → Low: the stream is low', 'Low → BRB: the stream is gone', 'BRB → Live: the stream is medium'],
  ]);
  expect(node.asked[0]).toBe('/stats/play_your_player_id');
}, 30_000);

it('starts a media source anew that has ended while the stream is there', async () => {
  const { obs, lines } = await start();
  obs.media = { mediaState: 'OBS_MEDIA_STATE_ENDED', mediaCursor: null };
  await until('it to play', () => obs.restarted.length > 0);
  expect(obs.media.mediaState).toBe('OBS_MEDIA_STATE_PLAYING');
  await until('a line', () => lines.some((line) => line.includes('started "Relay" anew')));
}, 30_000);

it('leaves scenes alone while OBS does not stream, and where somebody has chosen another one', async () => {
  const { obs, node, lines } = await start();
  obs.isStreaming = false;
  node.level = undefined;
  await until('it to be said', () => lines.some((line) => line.includes('does not stream')));
  const looks = node.asked.length;
  await until('more looks', () => node.asked.length > looks + 3);
  expect(obs.shown).toEqual([]);
  obs.scene = 'Camera';
  obs.isStreaming = true;
  const later = node.asked.length;
  await until('more looks', () => node.asked.length > later + 3);
  expect(obs.shown).toEqual([]);
  obs.scene = 'Live';
  await until('BRB', () => obs.scene === 'BRB');
}, 30_000);

it('takes a node that fails for no stream that is gone, says so once, and goes on', async () => {
  const { obs, node, lines } = await start({ unknownAfterSeconds: 600 });
  node.status = 500;
  await until('it to be said', () => lines.includes('the node answers with status 500'));
  const looks = node.asked.length;
  await until('more looks', () => node.asked.length > looks + 3);
  expect(obs.shown).toEqual([]);
  expect(lines.filter((line) => line.includes('500'))).toHaveLength(1);
  node.status = 200;
  node.level = 'LOW';
  await until('the low scene', () => obs.scene === 'Low');
}, 30_000);

it('connects to OBS again when it has been away, and says what is wrong', async () => {
  const { obs, node, lines } = await start({}, { obs: 'right', given: 'wrong' });
  await until('the reason', () => lines.some((line) => line.includes('wants another password')));
  await obs.stop();
  await until('another reason', () =>
    lines.some((line) => line.includes('cannot be reached') && !line.includes('password')),
  );
  const anew = await FakeObs.start(undefined, obs.port);
  ends.push(() => anew.stop());
  anew.scenes = ['Live', 'BRB'];
  node.level = undefined;
  await until('BRB', () => anew.scene === 'BRB', 30_000);
  expect(lines).toContain('OBS has no scene named "Low"; it has "Live", "BRB"');
}, 60_000);
