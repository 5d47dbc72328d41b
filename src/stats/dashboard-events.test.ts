import { describe, expect, it } from 'vitest';
import type { StreamEvent, StreamHappening } from '../data-plane/event-history.ts';
import { EventFeed, eventWords, FEED_EVENTS } from './dashboard-events.ts';

const caller = { source: 'srtla', address: '203.0.113.7' } as const;
const watcher = { playerId: 'play_secret_0123', address: '203.0.113.7', port: 50_000 } as const;
const link = { group: '0x1', address: '203.0.113.7', port: 40_000 } as const;

const CASES: readonly (readonly [StreamHappening, tone: string, text: string])[] = [
  [{ type: 'link-joined', ...link }, 'good', 'Link 203.0.113.7 joined'],
  [{ type: 'link-left', ...link, why: 'timeout' }, 'warn', 'Link 203.0.113.7 left: silent for too long'],
  [
    { type: 'publisher-up', ...caller, latencyMs: 2_000, encrypted: true },
    'good',
    'Stream started (bonded, latency 2000 ms, encrypted)',
  ],
  [
    { type: 'publisher-down', ...caller, why: 'kicked', seconds: 3_700, messages: 9 },
    'bad',
    'Stream ended after 62 min: disconnected by the operator',
  ],
  [
    { type: 'publisher-down', ...caller, why: 'ended', seconds: 12, messages: 9 },
    'neutral',
    'Stream ended after 12 s: ended by itself',
  ],
  [
    { type: 'publisher-refused', ...caller, why: 'passphrase', code: 10, times: 3 },
    'bad',
    'Encoder 203.0.113.7 refused (3 times): wrong or missing passphrase',
  ],
  [
    { type: 'session-rejected', group: '0x1', why: 'in-use', code: 1409, times: 1 },
    'bad',
    'Bonded encoder turned down: the stream id is in use by another sender',
  ],
  [{ type: 'publisher-takeover', ...caller }, 'warn', 'A new encoder 203.0.113.7 took over'],
  [{ type: 'publisher-timeout', ...caller, silentMs: 5_200 }, 'bad', 'Encoder given up: silent for 5 s'],
  [{ type: 'player-up', ...watcher, latencyMs: 2_000 }, 'good', 'Player play_se… from 203.0.113.7 connected'],
  [
    { type: 'player-down', ...watcher, why: 'slow', seconds: 7_300, messages: 1, dropped: 1 },
    'warn',
    'Player play_se… from 203.0.113.7 left after 2 h 2 min: could not keep up',
  ],
  [{ type: 'player-dropped', ...watcher, messages: 4 }, 'warn', 'Player play_se… from 203.0.113.7 missed 4 messages'],
  [{ type: 'removal-held' }, 'warn', 'The control plane has left this id out: it stays until that is confirmed'],
  [
    { type: 'bitrate-exceeded', kbps: 7_100, ceilingKbps: 6_000 },
    'warn',
    '7.1 Mbit/s, above the ceiling of 6.0 Mbit/s',
  ],
  [
    { type: 'bitrate-closed', kbps: 9_000, ceilingKbps: 6_000 },
    'bad',
    'Closed: 9.0 Mbit/s, above the ceiling of 6.0 Mbit/s',
  ],
  [
    { type: 'latency-short', latencyMs: 120, rttMs: 80.4 },
    'warn',
    'The latency of 120 ms is short for 80 ms of round trip: raise it',
  ],
];

const event = (happening: StreamHappening): StreamEvent => ({
  ...happening,
  publisherId: 'live_a',
  atMs: 1,
  wallMs: 1,
});

describe('an event in words', () => {
  it.each(CASES)('%o', (happening, tone, text) => {
    expect(eventWords(event(happening), (address) => address)).toEqual({ tone, text });
  });

  it('gives strangers neither addresses nor ids', () => {
    for (const [happening] of CASES) {
      const { text } = eventWords(event(happening), () => '');
      expect(text).not.toMatch(/203\.0\.113|play_|live_| {2}/);
    }
  });
});

describe('the feed of events', () => {
  it('holds the latest, newest first, and makes their words once', () => {
    const feed = new EventFeed();
    for (let n = 0; n < FEED_EVENTS + 3; n++) feed.add(event({ type: 'link-joined', ...link, port: n }));
    const latest = feed.latest('full', (address) => address);
    expect(latest).toHaveLength(FEED_EVENTS);
    expect(latest[0]!.id).toBe(FEED_EVENTS + 3);
    expect(feed.latest('full', (address) => address)).toBe(latest);
    expect(feed.latest('prefix', () => 'x')[0]!.text).toBe('Link x joined');
    feed.add(event({ type: 'publisher-up', ...caller, latencyMs: 1, encrypted: false }));
    expect(feed.latest('full', (address) => address)[0]!.type).toBe('publisher-up');
  });
});
