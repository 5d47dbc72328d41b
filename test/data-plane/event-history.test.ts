import { describe, expect, it } from 'vitest';
import {
  EVENTS_PER_STREAM,
  EventHistory,
  STREAMS_WITH_EVENTS,
  type StreamEvent,
} from '../../src/data-plane/event-history.ts';
import { EventOutlet, type EventsMessage, MAX_WAITING_EVENTS } from '../../src/data-plane/event-outlet.ts';
import { logStreamEvent } from '../../src/data-plane/stream-log.ts';
import { silentLogger } from '../../src/shared/logger.ts';
import { keepingLogger, type Line } from './host-harness.ts';

const event = (publisherId: string, kbps = 0): StreamEvent => ({
  atMs: 1,
  wallMs: 2,
  publisherId,
  type: 'bitrate-exceeded',
  kbps,
  ceilingKbps: 9,
});
const rates = (events: readonly StreamEvent[]): number[] =>
  events.map((of) => (of.type === 'bitrate-exceeded' ? of.kbps : -1));

describe('EventHistory', () => {
  it('keeps the last 200 of each stream, oldest first', () => {
    const history = new EventHistory(silentLogger);
    for (let i = 0; i < EVENTS_PER_STREAM + 50; i++) history.add(event('live_a', i));
    history.add(event('live_b', 7));
    expect(history.of('live_a').length).toBe(200);
    expect([rates(history.of('live_a'))[0], rates(history.of('live_a')).at(-1)]).toEqual([50, 249]);
    expect(rates(history.of('live_b'))).toEqual([7]);
    expect(history.of('live_c')).toEqual([]);
    history.forget('live_b');
    expect(history.of('live_b')).toEqual([]);
  });

  it('does not let the comings and goings of players push out what became of the encoder', () => {
    const history = new EventHistory(silentLogger);
    for (let i = 0; i < 60; i++) history.add(event('live_a', i));
    const moment = { atMs: 1, wallMs: 2, publisherId: 'live_a' };
    const watcher = { playerId: 'play_a', address: '::1' };
    for (let port = 1; port <= 1_000; port++)
      history.add({ ...moment, type: 'player-up', latencyMs: 120, ...watcher, port });
    const kept = history.of('live_a');
    expect(kept).toHaveLength(200);
    expect(rates(kept.slice(0, 60))).toEqual(Array.from({ length: 60 }, (_, i) => i));
    expect(kept.at(-1)).toMatchObject({ port: 1_000 });
    // What is of the encoder takes its room back, down to half for players; then the oldest of all goes.
    for (let i = 60; i < 160; i++) history.add(event('live_a', i));
    const players = history.of('live_a').filter(({ type }) => type === 'player-up');
    expect(players).toHaveLength(100);
    expect(players[0]).toMatchObject({ port: 901 });
    expect(rates(history.of('live_a')).filter((kbps) => kbps >= 0)[0]).toBe(60);
  });

  it('gives away a list that is nobody else’s', () => {
    const history = new EventHistory(silentLogger);
    history.add(event('live_a', 1));
    const before = history.of('live_a');
    history.add(event('live_a', 2));
    expect(rates(before)).toEqual([1]);
  });

  it('forgets the stream that has been quiet for longest', () => {
    const history = new EventHistory(silentLogger);
    for (let i = 0; i < STREAMS_WITH_EVENTS; i++) history.add(event(`live_${i}`));
    history.add(event('live_0'));
    history.add(event('live_new'));
    expect(history.of('live_0').length).toBe(2);
    expect(history.of('live_1')).toEqual([]);
    expect(history.of('live_new').length).toBe(1);
  });

  it('tells every listener, whatever the others do', () => {
    const lines: Line[] = [];
    const history = new EventHistory(keepingLogger(lines));
    const heard: string[] = [];
    history.onEvent(() => {
      throw new Error('as if broken');
    });
    const stop = history.onEvent(({ publisherId }) => heard.push(publisherId));
    history.add(event('live_a'));
    stop();
    history.add(event('live_b'));
    expect(heard).toEqual(['live_a']);
    expect(lines.map(({ severity, fields }) => [severity, fields.error])).toEqual(
      Array(2).fill(['error', 'as if broken']),
    );
  });
});

describe('EventOutlet', () => {
  it('has one message on its way, keeps the order, and counts what does not fit', () => {
    const posted: EventsMessage[] = [];
    let seen = 0;
    const outlet = new EventOutlet(
      (message) => posted.push(structuredClone(message)),
      () => seen,
    );
    for (let i = 0; i < MAX_WAITING_EVENTS + 10; i++) outlet.put(event('live_a', i));
    expect(posted.map(({ events }) => rates(events))).toEqual([[0]]);
    expect(outlet.lost).toBe(9);
    seen = posted[0]!.sequence;
    outlet.flush();
    outlet.flush();
    expect(posted.length).toBe(2);
    expect(rates(posted[1]!.events)).toEqual(Array.from({ length: MAX_WAITING_EVENTS }, (_, i) => i + 1));
    seen = posted[1]!.sequence;
    outlet.flush();
    expect(posted.length).toBe(2);
  });
});

describe('the log of an event', () => {
  it('has its words, neither id, and no whole address', () => {
    const lines: Line[] = [];
    const logger = keepingLogger(lines);
    const moment = { atMs: 1, wallMs: 2, publisherId: 'live_secret' };
    const watcher = { playerId: 'play_0123456789', address: '2001:db8::5', port: 9 };
    logStreamEvent(logger, { ...moment, type: 'player-dropped', messages: 4, ...watcher });
    logStreamEvent(logger, {
      ...moment,
      type: 'link-left',
      group: '0xa',
      address: '203.0.113.7',
      port: 9,
      why: 'timeout',
    });
    expect(lines).toEqual([
      {
        severity: 'warn',
        message: 'player-dropped',
        fields: {
          stream: expect.stringMatching(/^stream-/),
          messages: 4,
          playerId: 'play_01…',
          address: '2001:db8:0::x',
          port: 9,
        },
      },
      {
        severity: 'info',
        message: 'link-left',
        fields: {
          stream: expect.stringMatching(/^stream-/),
          group: '0xa',
          address: '203.0.113.x',
          port: 9,
          why: 'timeout',
        },
      },
    ]);
    expect(JSON.stringify(lines)).not.toContain('live_secret');
  });
});
