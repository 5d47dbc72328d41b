import { afterAll, afterEach, describe, expect, it } from 'vitest';
import type { DataPlaneHost } from '../../src/data-plane/host.ts';
import { numbered, Peer } from '../native/peer.ts';
import { until } from '../support/processes.ts';
import { Hosts, ROW } from './host-harness.ts';

const hosts = new Hosts();
const callers = new Peer();
afterEach(() => hosts.closeAll(), 30_000);
afterAll(() => callers.engine.dispose());

const types = (host: DataPlaneHost): string[] => host.events.of(ROW.publisher).map(({ type }) => type);
const whyDown = (host: DataPlaneHost): string[] =>
  host.events.of(ROW.publisher).flatMap((event) => ('why' in event && event.type.endsWith('-down') ? [event.why] : []));
/** A publisher and two players of the first row. */
const live = async () => {
  const host = await hosts.start();
  const { publish, play } = host.snapshot().ports;
  const publisher = await callers.join(publish, ROW.publisher);
  const players = [
    await callers.join(play, ROW.player, { reads: true }),
    await callers.join(play, ROW.player, { reads: true }),
  ];
  await until('all three to be seen', () => host.snapshot().players.length + host.snapshot().publishers.length === 3);
  return { host, publisher, players };
};
const endsWithin = async (socket: number, startMs: number): Promise<number> =>
  (await callers.ended(socket)).atMs - startMs;

describe('what main tells the data plane to do', { timeout: 30_000 }, () => {
  it('kicks a player, all players of an id, a publisher; each may come back', async () => {
    const { host, publisher, players } = await live();
    const [first] = host.snapshot().players;
    host.kickSocket(first!.key);
    await until('one to be gone', () => host.snapshot().players.length === 1);
    expect(host.snapshot().players[0]!.key).not.toBe(first!.key);
    host.kickPlayers(ROW.player);
    await Promise.all(players.map((player) => callers.ended(player)));
    expect(callers.find('ended', publisher)).toBeUndefined();
    host.kickPublisher(ROW.publisher);
    await callers.ended(publisher);
    await until('the events', () => whyDown(host).length === 3);
    expect(new Set(whyDown(host))).toEqual(new Set(['kicked']));
    await callers.join(host.snapshot().ports.publish, ROW.publisher);
  });

  it('cuts everybody of a row that is taken away within a second', async () => {
    const { host, publisher, players } = await live();
    const startMs = performance.now();
    host.removeRow(ROW);
    for (const socket of [publisher, ...players]) expect(await endsWithin(socket, startMs)).toBeLessThan(1_000);
    await until('the events', () => whyDown(host).length === 3);
    expect(whyDown(host)).toEqual(['revoked', 'revoked', 'revoked']);
    const again = await callers.outcome(callers.call(host.snapshot().ports.publish, ROW.publisher));
    expect(again).toMatchObject({ type: 'connect-failed', rejectReason: 1404 });
  });

  it('leaves live sessions alone when limits change, and holds newcomers to them', async () => {
    const { host, publisher } = await live();
    host.updateRow({ ...ROW, passphrase: 'from now on secret', maxPlayers: 3 });
    const { play } = host.snapshot().ports;
    await until('the new secret to be due', async () => {
      const socket = callers.call(play, ROW.player, { reads: true });
      const outcome = await callers.outcome(socket);
      // Who came in before the change took effect must not keep the seats.
      callers.engine.close(socket);
      return outcome.type === 'connect-failed' && outcome.rejectReason === 11;
    });
    const secret = { reads: true, passphrase: 'from now on secret' };
    await until('a seat', async () => {
      const outcome = await callers.outcome(callers.call(play, ROW.player, secret));
      return outcome.type === 'connect-failed' && outcome.rejectReason === 1402;
    });
    expect(callers.find('ended', publisher)).toBeUndefined();
    host.updateRow({ ...ROW, expiresAt: Date.now() - 1 });
    await callers.ended(publisher);
    await until('the event', () => whyDown(host).includes('expired'));
  });

  it('drains: nobody new publishes, also after the thread was replaced', async () => {
    const { host, publisher } = await live();
    const { publish, play } = host.snapshot().ports;
    host.addRow({ publisher: 'live_second', player: 'play_second' });
    host.drain(true);
    const isRefused = async (): Promise<boolean> => {
      const socket = callers.call(publish, 'live_second');
      const outcome = await callers.outcome(socket);
      callers.engine.close(socket);
      return outcome.type === 'connect-failed' && outcome.rejectReason === 1402;
    };
    await until('newcomers to be refused', isRefused);
    await callers.join(play, 'play_second', { reads: true });
    expect(callers.find('ended', publisher)).toBeUndefined();
    host.fault('exit');
    await until(
      'another thread',
      () => host.snapshot().counters.dataPlaneRestarts === 1 && host.snapshot().counters.dataPlaneUp === 1,
    );
    expect(await isRefused()).toBe(true);
    host.drain(false);
    await until('newcomers to be let in', async () => !(await isRefused()));
  });
});

describe('what the data plane tells main', { timeout: 30_000 }, () => {
  it('each event once, in order, in the words of the log, and without a secret in the log', async () => {
    const { host, publisher } = await live();
    const heard: string[] = [];
    host.events.onEvent(({ type }) => heard.push(type));
    for (let i = 0; i < 50; i++) callers.engine.sendMessage(publisher, numbered(i), 0);
    const refused = await callers.outcome(callers.call(host.snapshot().ports.publish, `publish:${ROW.publisher}`));
    expect(refused).toMatchObject({ rejectReason: 1409 });
    callers.engine.close(publisher);
    await until('its end', () => heard.includes('publisher-down'));
    expect(types(host)).toEqual(['publisher-up', 'player-up', 'player-up', 'publisher-refused', 'publisher-down']);
    expect(heard).toEqual(['publisher-refused', 'publisher-down']);
    const logged = hosts.lines.map(({ message }) => message).filter((message) => types(host).includes(message));
    expect(logged).toEqual(types(host));
    const [up] = host.events.of(ROW.publisher);
    expect(Math.abs(up!.wallMs - Date.now())).toBeLessThan(20_000);
    expect(JSON.stringify(hosts.lines)).not.toContain(ROW.publisher);
    expect(JSON.stringify(hosts.lines)).not.toContain(ROW.player);
  });

  it('a secret that is wrong or missing', async () => {
    const host = await hosts.start();
    host.updateRow({ ...ROW, passphrase: 'correct horse battery' });
    const { publish } = host.snapshot().ports;
    await until('the secret to be due', async () => {
      const outcome = await callers.outcome(callers.call(publish, ROW.publisher, { passphrase: 'something else' }));
      return outcome.type === 'connect-failed' && outcome.rejectReason === 10;
    });
    await until('the event', () => types(host).includes('publisher-refused'));
    const refused = host.events.of(ROW.publisher).find(({ type }) => type === 'publisher-refused');
    expect(refused).toMatchObject({ why: 'passphrase', source: 'srt', address: '127.0.0.1' });
  });

  it('how long ago the last payload came', async () => {
    const { host, publisher } = await live();
    const [before] = host.snapshot().publishers;
    expect(before!.lastPayloadMs).toBeGreaterThan(before!.uptimeMs - 50);
    for (let i = 0; i < 50; i++) callers.engine.sendMessage(publisher, numbered(i), 0);
    const seen = () => host.snapshot().publishers[0]!;
    await until('it to be seen', () => seen().lastPayloadMs < 300);
    await until('a rate', () => seen().meanKbps2s > 0);
    expect(seen()).toMatchObject({ warnings: [] });
    await until('it to age', () => seen().lastPayloadMs > 2_100);
    await until('the mean to be nothing', () => seen().meanKbps2s === 0);
  });

  it('that sessions are gone with a thread that has died', async () => {
    const { host } = await live();
    host.fault('throw');
    await until('the events', () => whyDown(host).length === 3);
    expect(new Set(whyDown(host))).toEqual(new Set(['data-plane']));
  });
});
