import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Peer } from '../native/peer.ts';
import { ENROL_KEY, LiveControlPlane } from '../support/live-control-plane.ts';
import { type PluginClient, type PluginSession, streamIdOf } from '../support/plugin-client.ts';
import { type Program, TestNode, tributary, until } from '../support/processes.ts';

/*
 * A session moves to another node while a phone sends to the old address: the player that OBS opens at the new one gets the stream on, and goes on
 * with it when the phone comes over too.
 */

const MOST_GAP_MS = 2_000;

const plane = new LiveControlPlane();
const player = new Peer();
const programs: Program[] = [];
const nodes = new Map<string, TestNode>();
let plugin: PluginClient;
let token: string;

const startNode = async (id: string, region: string): Promise<void> => {
  const node = await TestNode.start({
    CONTROL_URL: plane.url,
    SERVER_ID: id,
    NODE_KEY: ENROL_KEY,
    REGION: region,
    PUBLIC_IP: '127.0.0.1',
    // How long a new player waits for a key frame is not what is measured.
    TRIBUTARY_PLAYER_JOIN: 'last-key-frame',
  });
  nodes.set(id, node);
  await until('the node to be governed', async () => {
    return (await node.get<{ controlPlane?: string }>('/health')).controlPlane === 'online';
  });
};
const portOf = (url: string): number => Number(/:(\d+)\?/.exec(url)?.[1]);
const send = (session: PluginSession): Program => {
  const program = tributary([
    ...['send', '--to', `127.0.0.1:${portOf(session.sender_url)}`, '--links', '127.0.1.1,127.0.2.1', '--input', 'test'],
    ...['--streamid', streamIdOf(session.sender_url), '--latency', '500'],
  ]);
  programs.push(program);
  return program;
};

const join = (session: PluginSession): Promise<number> =>
  player.join(portOf(session.media_source_url), streamIdOf(session.media_source_url), { reads: true, latencyMs: 500 });

/** Arrivals at the player: the longest time without one, from a moment on. */
const arrivals: number[] = [];
player.onRun = () => arrivals.push(performance.now());
const longestGapMs = (fromMs: number): number => {
  const since = [fromMs, ...arrivals.filter((at) => at >= fromMs), performance.now()];
  return Math.max(...since.slice(1).map((at, index) => at - since[index]!));
};
const playing = (sinceMs: number): Promise<boolean> =>
  until('the player to get the stream', async () => arrivals.some((at) => at > sinceMs), 30_000);
const sourceAt = async (id: string): Promise<string | undefined> => {
  const text = await (await fetch(`http://127.0.0.1:${nodes.get(id)!.ports.stats}/metrics`)).text();
  return ['srt', 'srtla', 'pull'].find((source) => text.includes(`tributary_publishers{source="${source}"} 1`));
};

beforeAll(async () => {
  await plane.start();
  await startNode('kc1', 'us-central');
  await startNode('ld1', 'eu-west');
  const admin = await plane.setUp();
  const owner = await plane.plugin(await plane.addUser(admin, 'ann', 1));
  plugin = owner.client;
  [token] = owner.slots as [string];
}, 120_000);

afterAll(async () => {
  player.engine.dispose();
  await Promise.all(programs.map((program) => program.stop('SIGKILL')));
  await Promise.all([...nodes.values()].map((node) => node.stop()));
  await plane.stop();
  plane.remove();
});

describe('a session that moves while its stream is sent', { timeout: 120_000 }, () => {
  let old: PluginSession;
  let moved: PluginSession;
  let phone: Program;

  it('is on the new node, where the player gets what the phone sends to the old one', async () => {
    old = (await plugin.start('obs', token)).body.session;
    phone = send(old);
    const began = performance.now();
    const before = await join(old);
    await playing(began);
    const askedMs = performance.now();
    const answer = await plugin.call('POST', '/relay/migrate', { connection_id: 'obs', new_region: 'eu-west' });
    expect(answer.status).toBe(200);
    moved = answer.body.session;
    expect(moved).toMatchObject({
      session_id: old.session_id,
      status: 'active',
      region: 'eu-west',
      instance_id: 'ld1',
    });
    expect(moved.media_source_url).not.toBe(old.media_source_url);
    await until('the new node to read from the old one', async () => (await sourceAt('ld1')) === 'pull');
    // OBS opens the new address; at the old one it is gone.
    player.engine.close(before);
    await join(moved);
    const switchedMs = performance.now();
    await playing(switchedMs + 3_000);
    const gapMs = longestGapMs(askedMs);
    process.stdout.write(`the player changes nodes: longest gap ${gapMs.toFixed(0)} ms\n`);
    expect(gapMs).toBeLessThanOrEqual(MOST_GAP_MS);
    expect(await sourceAt('kc1')).toBe('srtla');
  });

  it('moves once an hour', async () => {
    const answer = await plugin.call('POST', '/relay/migrate', { connection_id: 'obs', new_region: 'us-central' });
    expect(answer).toMatchObject({ status: 429, body: { error: { code: 'migration_too_soon' } } });
    // The same once more is what it has already.
    const again = await plugin.call('POST', '/relay/migrate', { connection_id: 'obs', new_region: 'eu-west' });
    expect(again).toMatchObject({ status: 200, body: { session: { instance_id: 'ld1' } } });
  });

  it('goes on when the phone comes over, and the reading gives way', async () => {
    const fromMs = performance.now();
    await phone.stop('SIGTERM');
    phone = send(moved);
    await until('the phone to be what the new node passes on', async () => (await sourceAt('ld1')) === 'srtla', 30_000);
    await playing(performance.now() + 3_000);
    const gapMs = longestGapMs(fromMs);
    process.stdout.write(`the phone changes nodes: longest gap ${gapMs.toFixed(0)} ms\n`);
    expect(gapMs).toBeLessThanOrEqual(MOST_GAP_MS);
    expect(await sourceAt('kc1')).toBeUndefined();
  });

  it('is read from the old node again where the phone goes back to its address', async () => {
    await phone.stop('SIGTERM');
    const fromMs = performance.now();
    phone = send(old);
    await until('the new node to read again', async () => (await sourceAt('ld1')) === 'pull', 30_000);
    await playing(fromMs);
  });

  it('is over on the old node after ten minutes', async () => {
    plane.aheadMs += 601_000;
    await plane.plane.runJob('sweep');
    await until('the phone to be cut at the old address', async () => (await sourceAt('kc1')) === undefined, 30_000);
    await until('the new node to read no more', async () => (await sourceAt('ld1')) === undefined, 30_000);
    const late = player.call(portOf(old.media_source_url), streamIdOf(old.media_source_url), { reads: true });
    // Refused, or accepted and closed.
    await until(
      'the old address to refuse',
      () => player.find('connect-failed', late) !== undefined || player.find('ended', late) !== undefined,
      30_000,
    );
  });
});
