import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ENROL_KEY, LiveControlPlane } from '../support/live-control-plane.ts';
import type { PluginClient } from '../support/plugin-client.ts';
import { until } from '../support/processes.ts';
import { type RowsOnlyNode, startRowsOnlyNode } from '../support/rows-only-node.ts';

/*
 * The two sides of the protocol with each other: a control plane of real parts, and the control client of a node. What libsrt has to do with it is
 * test/system's.
 */

const plane = new LiveControlPlane();
let plugin: PluginClient;
let slots: string[];

beforeAll(async () => {
  await plane.start();
  const user = await plane.plugin(await plane.addUser(await plane.setUp(), 'ann', 6));
  plugin = user.client;
  slots = user.slots;
});

afterAll(async () => {
  await plane.stop();
  plane.remove();
});

const startNode = async (serverId: string, folder?: string): Promise<RowsOnlyNode> => {
  const node = await startRowsOnlyNode({ plane, serverId, nodeKey: ENROL_KEY, ...(folder ? { folder } : {}) });
  await until('the node to be governed', () => node.client.status.state === 'online');
  return node;
};
const assigned = (node: RowsOnlyNode): string[] => node.players().filter((player) => player !== 'play_mine');

const start = async (slot: number): Promise<{ state: string; node: string }> => {
  const { status, body } = await plugin.start(`conn_${slot}`, slots[slot]!);
  expect([200, 201]).toContain(status);
  return { state: body.session.status, node: body.session.instance_id };
};
const stop = async (slot: number): Promise<void> => {
  const { body } = await plugin.active(`conn_${slot}`);
  expect((await plugin.stop(body.session.session_id)).status).toBe(200);
};

describe('a node and a control plane', () => {
  it('agree on who may stream, and lose nothing while one of them is away', async () => {
    const node = await startNode('kc1');
    await until('its first heartbeat', async () => (await plugin.start('conn_0', slots[0]!)).status === 201);
    expect(await start(0)).toEqual({ state: 'active', node: 'kc1' });
    expect(await start(1)).toEqual({ state: 'active', node: 'kc1' });
    expect(assigned(node)).toEqual(slots.slice(0, 2).map((token) => `play_${token}`));

    // An encoder may outlive OBS: the id stays for a while, and is cut at once only where its token is made anew.
    await stop(1);
    expect(assigned(node)).toHaveLength(2);
    const { status, body } = await plugin.call('POST', '/user/regenerate-token', { slot_number: 2 });
    expect(status).toBe(200);
    await until('the old token to be gone', () => assigned(node).length === 1);
    slots[1] = body.stream_token;

    await plane.stop();
    await until('the node to notice', () => node.client.status.state === 'degraded');
    expect(assigned(node)).toHaveLength(1);
    await plane.start();
    node.client.hurry();
    await until('the node to be governed again', () => node.client.status.state === 'online');
    expect(await start(1)).toEqual({ state: 'active', node: 'kc1' });
    expect(assigned(node)).toEqual(slots.slice(0, 2).map((token) => `play_${token}`));
    expect(node.client.status).toMatchObject({ held: 0, refusedRemovals: 0, ignoredLists: 0 });
  });

  it('tell two nodes with one name apart', async () => {
    const first = await startNode('twin');
    const second = await startRowsOnlyNode({ plane, serverId: 'twin', nodeKey: ENROL_KEY });
    await until('the second one to be refused', () => second.client.status.problem !== undefined);
    expect(second.client.status).toMatchObject({
      state: 'enrolling',
      problem: expect.stringContaining('node_id_in_use'),
    });
    expect(first.client.status.state).toBe('online');
    await first.client.stop();
    await until('the second one to be taken in', () => {
      // Again and again: what the first one has said last may arrive after its end.
      plane.aheadMs += 31_000;
      second.client.hurry();
      return second.client.status.state === 'online';
    });
  });

  it('take nobody in with a wrong key', async () => {
    const node = await startRowsOnlyNode({ plane, serverId: 'kc9', nodeKey: 'w'.repeat(32) });
    await until('the refusal', () => node.client.status.problem !== undefined);
    expect(node.client.status).toMatchObject({ state: 'enrolling', problem: expect.stringContaining('401') });
  });
});
