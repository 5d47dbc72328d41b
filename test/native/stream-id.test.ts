import fc from 'fast-check';
import { afterAll, describe, expect, test } from 'vitest';
import { loadAddon, SRT_REJECT, type SrtRole } from '../../src/shared/addon.ts';
import { streamIdForms } from '../../src/sls-bridge/stream-id.ts';
import { STREAM_ID_TABLE } from '../support/stream-id-table.ts';
import { Peer, until } from './peer.ts';

const node = new Peer();
const callers = new Peer();
afterAll(() => {
  node.engine.dispose();
  callers.engine.dispose();
});
const ports = { publish: node.listen({ role: 'publish' }).port, play: node.listen({ role: 'play' }).port };

/** 0 = let in. */
const call = async (role: SrtRole, streamId: string): Promise<number> => {
  const outcome = await callers.outcome(callers.call(ports[role], streamId, { reads: role === 'play' }));
  return outcome.type === 'connected' ? 0 : outcome.rejectReason;
};

/** Those that were let in count until they have ended. */
const closeAll = async (): Promise<void> => {
  for (const { socket } of node.ofType('accepted')) node.engine.close(socket);
  await until('all of them to end', () => {
    const ended = new Set(node.ofType('ended').map(({ socket }) => socket));
    return node.ofType('accepted').every(({ socket }) => ended.has(socket));
  });
};

describe('the parser of the addon', () => {
  const native = loadAddon().streamIdForms;

  test.each(STREAM_ID_TABLE)('$role $id: $forms', ({ id, role, forms }) => {
    expect(native(id, role)).toEqual(forms);
  });

  test('says the same as its twin, whatever it is given', () => {
    const pieces = fc.constantFrom('#!::', 'publish', 'play', 'read', 'request', 'm=', 'r=', 'u=', ...'/:?,=xy ü€');
    const id = fc.array(pieces, { maxLength: 16 }).map((list) => list.join(''));
    fc.assert(
      fc.property(id, fc.constantFrom('publish' as const, 'play' as const), (text, role) => {
        expect(native(text, role)).toEqual(streamIdForms(text, role));
      }),
      { numRuns: 2_000 },
    );
  });
});

describe('admission', () => {
  const dialects = STREAM_ID_TABLE.filter(({ forms }) => forms.length > 0);

  test('lets every dialect in as the first known id that it may mean, and nobody else', {
    timeout: 60_000,
  }, async () => {
    for (const { id, role, forms } of dialects) {
      const seen = node.ofType('accepted').length;
      expect([id, await call(role, id)]).toEqual([id, SRT_REJECT.notFound]);
      // The least likely one is the only one that is known.
      const known = forms.at(-1)!;
      node.engine.allow(role, known, { maxSockets: 5 });
      expect([id, await call(role, id)]).toEqual([id, 0]);
      const accepted = await until('the caller', () => node.ofType('accepted')[seen]);
      expect(accepted.streamId).toBe(known);
      node.engine.forbid(role, known);
      await closeAll();
    }
  });

  test('takes the exact bytes first: every dialect may be an id itself', { timeout: 60_000 }, async () => {
    for (const { id, role, forms } of dialects) {
      const seen = node.ofType('accepted').length;
      for (const known of [id, ...forms]) node.engine.allow(role, known, { maxSockets: 5 });
      expect([id, await call(role, id)]).toEqual([id, 0]);
      const accepted = await until('the caller', () => node.ofType('accepted')[seen]);
      expect(accepted.streamId).toBe(id);
      for (const known of [id, ...forms]) node.engine.forbid(role, known);
      await closeAll();
    }
  });

  test('never takes an id that is known to be refused for a dialect', { timeout: 60_000 }, async () => {
    for (const { id, role, forms } of dialects) {
      for (const form of forms) node.engine.allow(role, form, { maxSockets: 5 });
      node.engine.forbid(role, id, true);
      expect([id, await call(role, id)]).toEqual([id, SRT_REJECT.notFound]);
      // A likelier meaning that is refused does not make room for a less likely one.
      node.engine.forbid(role, id);
      node.engine.forbid(role, forms[0]!, true);
      expect([id, await call(role, id)]).toEqual([id, SRT_REJECT.notFound]);
      // Let in again, and forgotten.
      node.engine.allow(role, forms[0]!, { maxSockets: 5 });
      expect([id, await call(role, id)]).toEqual([id, 0]);
      for (const form of forms) node.engine.forbid(role, form);
      await closeAll();
    }
    // Nor one of the other role.
    node.engine.forbid('play', 'publish:over', true);
    node.engine.allow('publish', 'over', { maxSockets: 1 });
    expect(await call('publish', 'publish:over')).toBe(SRT_REJECT.notFound);
  });

  test('does not read an id of the other role as a dialect, and knows what a dialect would have meant there', async () => {
    node.engine.allow('play', 'publish:shared', { maxSockets: 5 });
    node.engine.allow('publish', 'shared', { maxSockets: 1 });
    expect(await call('publish', 'publish:shared')).toBe(SRT_REJECT.forbidden);
    node.engine.forbid('play', 'publish:shared');
    expect(await call('publish', 'publish:shared')).toBe(0);
    expect(await call('play', 'shared?x')).toBe(SRT_REJECT.forbidden);
  });

  test('one id has one publisher, whatever it is called', async () => {
    node.engine.allow('publish', 'one', { maxSockets: 1 });
    expect(await call('publish', 'publish/live/one')).toBe(0);
    await node.accepted('one');
    for (const again of ['one', 'publish:one', '#!::r=one,m=publish', 'one?x'])
      expect(await call('publish', again)).toBe(SRT_REJECT.conflict);
  });
});
