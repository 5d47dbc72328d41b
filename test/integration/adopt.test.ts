import { expect, it, onTestFinished } from 'vitest';
import { readRows } from '../../src/cli/running-node.ts';
import { ENROL_KEY, LiveControlPlane } from '../support/live-control-plane.ts';
import { TestNode, tributary, until } from '../support/processes.ts';

const ADMIN_KEY = 'admin-key-of-the-plane';
const API_KEY = 'an-admin-key-of-the-node';
const TOKEN = '3f9a0c1e';
const PLAYER = `play_${TOKEN}`;

it('makes slots of the ids of a node, which stay its own until a session begins', { timeout: 90_000 }, async () => {
  const plane = new LiveControlPlane({ CONTROL_PLANE_ADMIN_KEY: ADMIN_KEY });
  await plane.start();
  onTestFinished(async () => {
    await plane.stop();
    plane.remove();
  });
  const admin = { authorization: `Bearer ${ADMIN_KEY}` };
  const { client } = await plane.plugin(await plane.addUser(await plane.setUp(), 'ann', 3));
  const { users } = (await (await fetch(`${plane.url}/api/v1/admin/users`, { headers: admin })).json()) as {
    users: { id: string; email: string; stream_slots: unknown[] }[];
  };
  const user = users.find(({ stream_slots }) => stream_slots.length === 3)!;

  const node = await TestNode.start({
    CONTROL_URL: plane.url,
    NODE_KEY: ENROL_KEY,
    SERVER_ID: 'kc1',
    TRIBUTARY_API_KEY: API_KEY,
  });
  onTestFinished(async () => {
    await node.stop();
  });
  const addId = async (body: object): Promise<number> =>
    (
      await fetch(`http://127.0.0.1:${node.ports.stats}/api/stream-ids`, {
        body: JSON.stringify(body),
        headers: { authorization: `Bearer ${API_KEY}`, 'content-type': 'application/json' },
        method: 'POST',
      })
    ).status;
  expect(await addId({ description: 'Camera', player: PLAYER, publisher: `live_${TOKEN}` })).toBeLessThan(300);
  expect(await addId({ player: 'play_00000000', publisher: 'live_00000000' })).toBeLessThan(300);
  const ownerOf = async (player: string): Promise<string | undefined> =>
    (await readRows(node.dataDir)).find((row) => row.player === player)?.owner;
  const status = async (): Promise<string | undefined> =>
    (await node.get<{ controlPlane?: string }>('/health')).controlPlane;
  await until('the node to be governed', async () => (await status()) === 'online');

  const adopt = async (more: string[], env: object = {}): Promise<{ code: number; output: string }> => {
    const program = tributary(
      ['adopt', '--user', user.email, '--plane', plane.url, ...more, '--data-dir', node.dataDir],
      {
        CONTROL_PLANE_ADMIN_KEY: ADMIN_KEY,
        ...env,
      },
    );
    return { code: await program.exited, output: program.output };
  };
  const slots = async (): Promise<{ stream_token: string; label: string }[]> =>
    (await client.call('GET', '/user/stream-slots')).body.stream_slots;

  expect((await adopt([`live_${TOKEN}`], { CONTROL_PLANE_ADMIN_KEY: 'a-key-that-is-nobodys' })).output).toContain(
    'status 401',
  );
  expect(await adopt([`live_${TOKEN}`, '--dry-run'])).toMatchObject({
    code: 0,
    output: expect.stringContaining('would become a slot'),
  });
  expect(await slots()).toHaveLength(3);
  const done = await adopt([`live_${TOKEN}`]);
  expect(done).toMatchObject({ code: 0, output: expect.stringContaining('is a slot of') });
  expect(done.output).not.toContain(TOKEN);
  expect((await slots()).at(-1)).toMatchObject({ label: 'Camera', stream_token: TOKEN });
  expect(await adopt([`live_${TOKEN}`])).toMatchObject({ code: 0, output: expect.stringContaining('slot already') });
  expect(await adopt([`live_${TOKEN}`, 'live_nobody'])).toMatchObject({
    code: 1,
    output: expect.stringContaining("is no id of the node's own"),
  });
  // A slot of somebody else's is nothing to hand the row over to.
  const other = users.find(({ id }) => id !== user.id)!;
  const theirs = await adopt(['live_00000000', '--user', other.email]);
  expect(theirs.code, theirs.output).toBe(0);
  const again = await adopt(['live_00000000']);
  expect(again.output).toContain('a slot of another user');
  expect(again.code).not.toBe(0);

  // A session of another slot brings a list that does not name it: it stays.
  await until('a session', async () =>
    [200, 201].includes((await client.start('conn_0', (await slots())[0]!.stream_token)).status),
  );
  await until('the other slot on the node', async () => (await readRows(node.dataDir)).some(({ owner }) => owner));
  expect(await ownerOf(PLAYER)).toBeUndefined();

  expect([200, 201]).toContain((await client.start('conn_1', TOKEN)).status);
  await until("the row to be the plane's", async () => (await ownerOf(PLAYER)) !== undefined);
  expect(await ownerOf('play_00000000')).toBeUndefined();
  // The plane's from now on: a new token takes the old one away.
  const number = (await slots()).findIndex(({ stream_token }) => stream_token === TOKEN) + 1;
  expect((await client.call('POST', '/user/regenerate-token', { slot_number: number })).status).toBe(200);
  await until(
    'the old id to be gone',
    async () => !(await readRows(node.dataDir)).some(({ player }) => player === PLAYER),
  );
});
