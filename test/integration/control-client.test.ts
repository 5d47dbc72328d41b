import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { type DesiredStream, desiredStreamSchema } from '../../src/control-plane/protocol.ts';
import { NUMBER_RANGES, OPTIONAL_FIELDS } from '../../src/sls-bridge/directory-rules.ts';
import { temporaryFolder } from '../support/data-dir.ts';
import { FakeControlPlane, NODE_KEY, SERVER_ID } from '../support/fake-control-plane.ts';
import { until } from '../support/processes.ts';
import { LOCAL, type RowsOnlyNode, type RowsOnlyOptions, startRowsOnlyNode } from '../support/rows-only-node.ts';

const stream = (name: string, more: Partial<DesiredStream> = {}): DesiredStream => ({
  publisher: `live_${name}`,
  player: `play_${name}`,
  ...more,
});
const streams = (...names: string[]): DesiredStream[] => names.map((name) => stream(name));
const startClient = (
  plane: FakeControlPlane,
  options: Partial<Pick<RowsOnlyOptions, 'folder' | 'nodeKey' | 'settled'>> = {},
): Promise<RowsOnlyNode> => startRowsOnlyNode({ plane, serverId: SERVER_ID, nodeKey: NODE_KEY, ...options });

const startPlane = async (change: (plane: FakeControlPlane) => void = () => {}): Promise<FakeControlPlane> => {
  const plane = new FakeControlPlane();
  change(plane);
  await plane.start();
  onTestFinished(async () => {
    await plane.stop();
    expect(plane.problems).toEqual([]);
  });
  return plane;
};

const online = (node: RowsOnlyNode): Promise<unknown> =>
  until('the client to be online', () => node.client.status.state === 'online');

describe('a node with a control plane', () => {
  it('registers, takes the list, and says so', async () => {
    const plane = await startPlane((one) => one.list([stream('a', { label: 'Camera', latencyMs: 900 })]));
    const node = await startClient(plane);
    expect(await plane.acknowledged(1)).toEqual({ planeId: 'plane-one', generation: 1, held: 0, conflicts: [] });
    expect(node.store.directory.rows()).toEqual([
      LOCAL,
      { publisher: 'live_a', player: 'play_a', label: 'Camera', latencyMs: 900, owner: 'plane-one' },
    ]);
    expect(plane.registered[0]).toMatchObject({ protocol: 1, serverId: SERVER_ID, region: 'us-central' });
    await online(node);
    expect(node.client.status).toMatchObject({ generation: 1, planeId: 'plane-one', nodeStatus: 'active', held: 0 });
    await until('heartbeats', () => plane.heartbeats.length >= 3);
    expect(plane.heartbeats.at(-1)).toMatchObject({ planeId: 'plane-one', generation: 1, held: 0, score: 100 });
  });

  it('hears of a change while it waits, and acknowledges nothing before it is in effect', async () => {
    const plane = await startPlane();
    const gate = Promise.withResolvers<boolean>();
    let isOpen = true;
    const node = await startClient(plane, { settled: () => (isOpen ? Promise.resolve(true) : gate.promise) });
    await until('the question', () => plane.asked.some((path) => path.endsWith('/desired')));
    isOpen = false;
    const generation = plane.list(streams('a'));
    await until('the row', () => node.players().includes('play_a'));
    await until('another heartbeat', () => plane.heartbeats.length > 3);
    expect(plane.applied).toEqual([]);
    gate.resolve(true);
    await plane.acknowledged(generation);
  });

  it('takes changes one after the other, in their order', async () => {
    const plane = await startPlane();
    const node = await startClient(plane);
    await online(node);
    for (let n = 0; n < 20; n++) await plane.acknowledged(plane.list(streams('a', `b${n}`)));
    expect(node.players()).toEqual(['play_mine', 'play_a', 'play_b19']);
    const told = plane.applied.map((one) => one.generation);
    expect(told).toEqual([...told].sort((a, b) => a - b));
  });

  it('gets by the heartbeat what the long poll does not bring', async () => {
    const plane = await startPlane((one) => {
      one.instead = (path) => (path.endsWith('/desired') ? { status: 502 } : undefined);
    });
    const node = await startClient(plane);
    await until('the question', () => plane.asked.some((path) => path.endsWith('/desired')));
    await plane.acknowledged(plane.list(streams('a')));
    expect(node.players()).toContain('play_a');
    expect(node.client.status.state).toBe('degraded');
  });

  it('reports links while there are any, and once more without', async () => {
    const plane = await startPlane();
    const node = await startClient(plane);
    await online(node);
    const link = { addr: '203.0.113.0:1', bytes: 1, pkts: 1, share_pct: 100, last_ms_ago: 3, uptime_s: 2 };
    node.links = [{ publisher: 'live_a', bitrateKbps: 4_000, connections: [link] }];
    await until('reports', () => plane.links.length >= 3);
    expect(plane.links[0]?.body.streams).toEqual(node.links);
    node.links = [];
    await until('the last report', () => plane.links.at(-1)?.body.streams[0]?.connections.length === 0);
    const reports = plane.links.length;
    const beats = plane.heartbeats.length;
    await until('time to pass', () => plane.heartbeats.length > beats + 1);
    expect(plane.links.length).toBe(reports);
  });
});

describe('a control plane that is away', () => {
  it('changes nothing, restarts of the node included, and goes on where it was', async () => {
    const plane = await startPlane((one) => one.list(streams('a', 'b')));
    const folder = temporaryFolder();
    const first = await startClient(plane, { folder });
    await plane.acknowledged(1);
    await online(first);
    await plane.stop();
    await until('the client to notice', () => first.client.status.state === 'degraded');
    expect(first.players()).toEqual(['play_mine', 'play_a', 'play_b']);
    await first.client.stop();

    const second = await startClient(plane, { folder });
    expect(second.players()).toEqual(['play_mine', 'play_a', 'play_b']);
    await until('a try', () => second.client.status.problem !== undefined);
    expect(second.client.status).toMatchObject({ state: 'enrolling', generation: 1, planeId: 'plane-one' });
    await plane.start();
    await online(second);
    expect(plane.registered.at(-1)).toMatchObject({ planeId: 'plane-one', generation: 1 });
    expect(plane.registered.at(-1)?.instance).toBe(plane.registered[0]?.instance);
    await plane.acknowledged(plane.list(streams('b')));
    expect(second.players()).toEqual(['play_mine', 'play_b']);
  });

  it('keeps nobody from starting when what was known of it is damaged', async () => {
    const folder = temporaryFolder();
    writeFileSync(join(folder, 'control.json'), '{"version":1,"instance":"no');
    const plane = await startPlane((one) => one.list(streams('a')));
    const node = await startClient(plane, { folder });
    await plane.acknowledged(1);
    expect(readFileSync(join(folder, 'control.json.damaged'), 'utf8')).toContain('"no');
    expect(statSync(join(folder, 'control.json')).mode & 0o777).toBe(0o600);
    expect(node.lines.some(({ severity, message }) => severity === 'error' && /damaged/.test(message))).toBe(true);
  });
});

describe('a control plane that has lost something', () => {
  it('with an empty database takes nothing away', async () => {
    const plane = await startPlane((one) => one.list(streams('a', 'b')));
    const node = await startClient(plane);
    await plane.acknowledged(1);
    plane.planeId = 'plane-two';
    plane.generation = 0;
    plane.registered.length = 0;
    await plane.acknowledged(plane.list(streams('a', 'c')));
    expect(node.players()).toEqual(['play_mine', 'play_a', 'play_b', 'play_c']);
    const owners = node.store.directory.rows().map(({ player, owner }) => `${player} ${owner}`);
    expect(owners).toContain('play_a plane-two');
    expect(owners).toContain('play_b plane-one');
    await plane.acknowledged(plane.list([], { confirm: true }));
    expect(node.players()).toEqual(['play_mine', 'play_b']);
  });

  it('with an older database is not listened to, and is not asked without a pause', async () => {
    const plane = await startPlane();
    const node = await startClient(plane);
    await online(node);
    for (let n = 0; n < 5; n++) plane.list(streams('a', 'b'));
    await plane.acknowledged(5);
    plane.stubborn = true;
    plane.generation = 3;
    plane.streams = streams('a');
    const before = plane.asked.length;
    plane.answerAll();
    await until('lists to be ignored', () => node.client.status.ignoredLists >= 3);
    expect(node.players()).toEqual(['play_mine', 'play_a', 'play_b']);
    expect(plane.asked.length - before).toBeLessThan(60);
    expect(node.lines.filter(({ message }) => message.includes('is ignored'))).toHaveLength(1);
  });

  it('and knows it, adds and holds', async () => {
    const plane = await startPlane((one) => one.list(streams('a', 'b', 'c')));
    const node = await startClient(plane);
    await plane.acknowledged(1);
    const generation = plane.list(streams('a', 'd'), { older: true });
    expect(await plane.acknowledged(generation)).toMatchObject({ held: 2 });
    expect(node.players()).toEqual(['play_mine', 'play_a', 'play_b', 'play_c', 'play_d']);
  });
});

describe('a list that takes many away at once', () => {
  it('is held until it is confirmed, loudly, restarts included', async () => {
    const plane = await startPlane((one) => one.list(streams('a', 'b', 'c', 'd')));
    const folder = temporaryFolder();
    const node = await startClient(plane, { folder });
    await plane.acknowledged(1);
    expect(await plane.acknowledged(plane.list(streams('d')))).toMatchObject({ held: 3 });
    expect(node.players()).toHaveLength(5);
    expect(node.heldRows).toEqual(['play_a', 'play_b', 'play_c']);
    expect(node.client.status).toMatchObject({ held: 3, refusedRemovals: 1 });
    await until('a heartbeat that says so', () => plane.heartbeats.at(-1)?.held === 3);
    await node.client.stop();
    const again = await startClient(plane, { folder });
    await online(again);
    expect(again.client.status.held).toBe(3);
    expect(await plane.acknowledged(plane.list(streams('d'), { confirm: true }))).toMatchObject({ held: 0 });
    expect(again.players()).toEqual(['play_mine', 'play_d']);
  });
});

describe('rows that cannot be taken over', () => {
  it('are named, and the others are in effect', async () => {
    const plane = await startPlane((one) =>
      one.list([
        stream('a', { maxPlayers: 0 }),
        stream('mine'),
        { publisher: 'play_mine', player: 'play_x' },
        { publisher: 'with space', player: 'play_y' },
        stream('b'),
      ]),
    );
    const node = await startClient(plane);
    const { conflicts } = await plane.acknowledged(1);
    expect(conflicts.map(({ player, reason }) => [player, reason])).toEqual([
      ['play_mine', 'local'],
      ['play_a', 'invalid'],
      ['play_x', 'invalid'],
      ['play_y', 'invalid'],
    ]);
    expect(node.players()).toEqual(['play_mine', 'play_b']);
  });

  it('are told before anything else acknowledges their list', async () => {
    const gate = Promise.withResolvers<void>();
    const plane = await startPlane((one) => {
      one.list([stream('a'), { publisher: 'live_other', player: 'play_a' }]);
      one.hold = (path) => (path.endsWith('/applied') ? gate.promise : undefined);
    });
    const node = await startClient(plane);
    await until('the word', () => plane.asked.some((path) => path.endsWith('/applied')));
    node.links = [{ publisher: 'live_a', bitrateKbps: 1, connections: [] }];
    await until('time to pass', () => plane.links.length >= 3);
    expect(plane.asked.filter((path) => path.endsWith('/desired'))).toEqual([]);
    expect(plane.heartbeats.filter(({ generation }) => generation !== undefined)).toEqual([]);
    gate.resolve();
    await until('the question', () => plane.asked.some((path) => path.endsWith('/desired')));
  });

  it('have the fields of a row of the directory', () => {
    const known = Object.keys(desiredStreamSchema.shape).sort();
    const governed = OPTIONAL_FIELDS.filter((name) => name !== 'description' && name !== 'owner');
    expect(known).toEqual(['publisher', 'player', ...governed].sort());
    for (const name of Object.keys(NUMBER_RANGES)) expect(known).toContain(name);
  });
});

describe('a control plane that says no', () => {
  it.each([
    ['a wrong key', { nodeKey: 'w'.repeat(32) }, {}, /401 unauthorized/],
    ['a name that another node has', {}, { heldInstance: 'f'.repeat(32) }, /409/],
    ['a version that it does not speak', {}, { refuses: 'protocol_unsupported' }, /426/],
  ] as const)('to %s is asked seldom, and the rows stay', async (_name, options, change, problem) => {
    const plane = await startPlane((one) => {
      one.list(streams('a'));
      Object.assign(one, change);
    });
    const node = await startClient(plane, options);
    await until('the refusal', () => node.client.status.problem !== undefined);
    expect(node.client.status).toMatchObject({ state: 'enrolling', problem: expect.stringMatching(problem) });
    expect(node.players()).toEqual(['play_mine']);
    const said = node.lines.filter(({ message }) => message.includes('does not take this node in'));
    expect(said.map(({ severity }) => severity)).toEqual(['error']);
    expect(plane.asked).toEqual(['/register']);
    expect(JSON.stringify(node.lines)).not.toContain(NODE_KEY);
  });

  it('takes it back in later, by itself', async () => {
    const plane = await startPlane((one) => one.list(streams('a')));
    const node = await startClient(plane);
    await plane.acknowledged(1);
    plane.refuses = 'node_key_mismatch';
    await until('the refusal', () => node.client.status.state === 'enrolling');
    expect(node.players()).toEqual(['play_mine', 'play_a']);
    plane.refuses = undefined;
    node.client.hurry();
    await online(node);
  });

  it('to know the node makes it register again', async () => {
    const plane = await startPlane();
    const node = await startClient(plane);
    await online(node);
    plane.registered.length = 0;
    await until('another registration', () => plane.registered.length > 0);
    await online(node);
  });
});

describe('whoever is no control plane', () => {
  it.each([
    ['sends us elsewhere', { status: 302, headers: { location: 'http://127.0.0.1:1/' } }, 'enrolling'],
    ['is a web site', { status: 200, text: '<html>' }, 'enrolling'],
    ['has nothing to say', { status: 200 }, 'enrolling'],
    ['has no content', { status: 204 }, 'enrolling'],
    ['is a gateway', { status: 502, text: '<html>bad gateway' }, 'enrolling'],
    ['means something else', { status: 200, text: '{"planeId":"plane-one","status":"sleeping"}' }, 'enrolling'],
    ['knows no such path', { status: 404, text: '{}' }, 'enrolling'],
  ] as const)('%s', async (_name, answer, state) => {
    const plane = await startPlane((one) => {
      one.instead = () => answer;
    });
    const node = await startClient(plane);
    await until('the answer', () => node.client.status.problem !== undefined);
    expect(node.client.status.state).toBe(state);
    expect(node.players()).toEqual(['play_mine']);
    plane.instead = undefined;
    node.client.hurry();
    await online(node);
  });
});
