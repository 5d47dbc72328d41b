import { beforeEach, describe, expect, it } from 'vitest';
import { LinkEvents, MAX_WAITING_LINK_EVENTS } from '../../src/data-plane/link-events.ts';
import type { StreamHappening } from '../../src/sls-bridge/stream-event.ts';

let told: { id: string; atMs: number; happening: StreamHappening }[];
let live: Map<number, string>;
let links: LinkEvents;
const join = (group: string, port: number, now: number): void =>
  links.take({ type: 'link-joined', group, address: '198.51.100.1', port }, now);
const leave = (group: string, port: number, now: number): void =>
  links.take({ type: 'link-left', group, address: '198.51.100.1', port, why: 'timeout' }, now);
const accepted = (group: string, serverSocket: number, now: number): void =>
  links.take({ type: 'session-accepted', group, session: 1, serverSocket }, now);
const words = () => told.map(({ id, atMs, happening }) => [id, atMs, happening.type]);

beforeEach(() => {
  told = [];
  live = new Map();
  links = new LinkEvents({
    publisherOf: (socket) => live.get(socket),
    meantBy: (streamId) => (streamId.endsWith('live_a') ? 'live_a' : undefined),
    tell: (id, happening, atMs) => told.push({ id, atMs, happening }),
  });
  links.take({ type: 'group-created', group: '0xa' }, 0);
});

describe('LinkEvents', () => {
  it('tells what links did before their stream was known, with its own moments', () => {
    join('0xa', 1, 10);
    join('0xa', 2, 20);
    live.set(77, 'live_a');
    accepted('0xa', 77, 30);
    leave('0xa', 1, 40);
    expect(words()).toEqual([
      ['live_a', 10, 'link-joined'],
      ['live_a', 20, 'link-joined'],
      ['live_a', 40, 'link-left'],
    ]);
    expect(told[2]!.happening).toEqual({
      type: 'link-left',
      group: '0xa',
      address: '198.51.100.1',
      port: 1,
      why: 'timeout',
    });
  });

  it('does so too where the answer on the wire overtakes the accept', () => {
    join('0xa', 1, 10);
    accepted('0xa', 77, 20);
    links.publisherUp();
    expect(told).toEqual([]);
    live.set(77, 'live_a');
    links.publisherUp();
    expect(words()).toEqual([['live_a', 10, 'link-joined']]);
  });

  it('tells nothing of a group that never got a session, and keeps a bounded number of its events', () => {
    for (let i = 0; i < 1_000; i++) join('0xa', i, i);
    links.take({ type: 'group-ended', group: '0xa', why: 'idle' }, 1_000);
    live.set(77, 'live_a');
    accepted('0xa', 77, 1_001);
    expect(told).toEqual([]);
    links.take({ type: 'group-created', group: '0xb' }, 1_002);
    for (let i = 0; i < 1_000; i++) join('0xb', i, i);
    accepted('0xb', 77, 2_000);
    expect(told.length).toBe(MAX_WAITING_LINK_EVENTS);
    expect(told.at(-1)!.atMs).toBe(999);
  });

  it('tells of rejections by the id that was meant, the same ones together', () => {
    const reject = (streamId: string | undefined, code: number, now: number): void => {
      links.take({ type: 'session-started', group: '0xa', session: 1, streamId }, now);
      links.take({ type: 'session-rejected', group: '0xa', session: 1, code }, now);
    };
    reject('publish:live_a', 2409, 0);
    for (let i = 1; i < 5; i++) reject('live_a', 2409, i);
    reject('live_a', 1010, 6);
    reject('nobody', 2404, 7);
    reject(undefined, 2404, 8);
    links.tick(20_000);
    expect(told.map(({ happening }) => happening)).toEqual([
      { type: 'session-rejected', group: '0xa', why: 'in-use', code: 1409, times: 1 },
      { type: 'session-rejected', group: '0xa', why: 'passphrase', code: 10, times: 1 },
      { type: 'session-rejected', group: '0xa', why: 'in-use', code: 1409, times: 4 },
    ]);
  });
});
