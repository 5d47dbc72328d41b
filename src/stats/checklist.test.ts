import { describe, expect, it } from 'vitest';
import { group, nodeState, player, publisher, refusal } from '../../test/support/node-states.ts';
import type { DataPlaneSnapshot } from '../data-plane/snapshot.ts';
import { advanceChecklist, type ChecklistReport, NO_MEMORY, refusalText } from './checklist.ts';

/** The reports for these states, one second apart. */
const reports = (...states: DataPlaneSnapshot[]): ChecklistReport[] => {
  let memory = NO_MEMORY;
  return states.map((state, second) => {
    const next = advanceChecklist(memory, state, second * 1_000);
    memory = next.memory;
    return next.report;
  });
};
const report = (state: DataPlaneSnapshot): ChecklistReport => reports(state)[0]!;

describe('the way of a stream', () => {
  it('is told step by step', () => {
    const bonded = { groups: [group('0xa', 2)], counters: { toServer: 9 } };
    const texts = reports(
      nodeState(),
      nodeState({ counters: { strangers: 3 } }),
      nodeState({ groups: [group('0xa', 1)], counters: { strangers: 3, reg1Answered: 1 } }),
      nodeState({ ...bonded, lastRefusal: refusal(1404) }),
      nodeState({ ...bonded, publishers: [publisher(4_100, '0xa')] }),
      nodeState({ ...bonded, publishers: [publisher(4_100, '0xa')], players: [player('playing')] }),
    ).map(({ step, text }) => [step, text]);
    expect(texts).toEqual([
      ['waiting', 'waiting for packets on 5000'],
      ['packets', 'packets, no registration'],
      ['registered', 'registered, 1 link'],
      ['refused', 'handshake: unknown stream id "live_3f…"'],
      ['live', 'live 4.1 Mbit/s, 2 links'],
      ['playing', 'player connected: live 4.1 Mbit/s, 2 links, 1 player'],
    ]);
  });

  it.each<[string, DataPlaneSnapshot, ChecklistReport['step'], string]>([
    [
      'several ports',
      nodeState({ ports: { srtla: [5000, 443], publish: 1, bond: 2, play: 3 } }),
      'waiting',
      'waiting for packets on 5000, 443',
    ],
    ['a group without links', nodeState({ groups: [group('0xa', 0)] }), 'packets', 'packets, no registration'],
    [
      'links of two groups',
      nodeState({ groups: [group('0xa', 2), group('0xb', 1)] }),
      'registered',
      'registered, 3 links',
    ],
    ['a plain SRT publisher', nodeState({ publishers: [publisher(850)] }), 'live', 'live 850 kbit/s, plain SRT'],
    [
      'a refused plain SRT publisher',
      nodeState({ lastRefusal: refusal(1409, 'publish') }),
      'refused',
      'handshake: stream id "live_3f…" is in use by another sender',
    ],
    [
      'an old refusal',
      nodeState({ lastRefusal: refusal(1404, 'srtla', 60_000) }),
      'waiting',
      'waiting for packets on 5000',
    ],
    [
      'a refused player before the stream',
      nodeState({ lastRefusal: refusal(1404, 'play') }),
      'waiting',
      'waiting for packets on 5000',
    ],
    [
      'a player that waits',
      nodeState({ players: [player('waiting')] }),
      'waiting',
      'waiting for packets on 5000 (1 player waiting)',
    ],
    [
      'a silent publisher',
      nodeState({ groups: [group('0xa', 1)], publishers: [publisher(0, '0xa')], players: [player('playing')] }),
      'live',
      'live 0 kbit/s, 1 link: no data',
    ],
    [
      'a refused player beside a live stream',
      nodeState({ publishers: [publisher(2_000)], lastRefusal: refusal(1403, 'play') }),
      'live',
      'live 2.0 Mbit/s, plain SRT; a player refused: "live_3f…" is a publisher id, not a player id',
    ],
    [
      'two streams',
      nodeState({
        groups: [group('0xa', 2)],
        publishers: [publisher(1_000, '0xa'), publisher(2_000)],
        players: [player('joining')],
      }),
      'playing',
      'player connected: live 3.0 Mbit/s, 2 streams, 2 links, 1 player',
    ],
  ])('%s', (_, state, step, text) => {
    expect(report(state)).toMatchObject({ step, text });
  });

  it('forgets a stray packet, and packets from before it looked', () => {
    const quiet = nodeState({ counters: { strangers: 5 } });
    const seen = reports(
      quiet,
      nodeState({ counters: { strangers: 6 } }),
      ...Array.from({ length: 17 }, () => nodeState({ counters: { strangers: 6 } })),
    );
    expect(seen.map(({ step }) => step)).toEqual(['waiting', ...Array(16).fill('packets'), 'waiting', 'waiting']);
  });

  it('counts the time at a step, and its key stays while only the rate changes', () => {
    const at = (kbps: number) => nodeState({ publishers: [publisher(kbps)] });
    const [first, second, third] = reports(at(4_100), at(4_200), nodeState());
    expect([first!.forMs, second!.forMs, third!.forMs]).toEqual([0, 1_000, 0]);
    expect(second!.key).toBe(first!.key);
    expect(second!.text).not.toBe(first!.text);
    expect(third!.key).not.toBe(first!.key);
  });
});

describe('causes', () => {
  it.each<[string, DataPlaneSnapshot, string]>([
    ['waiting', nodeState(), 'UDP 5000 is closed in the firewall'],
    ['registered', nodeState({ groups: [group('0xa', 1)] }), 'start the stream in the app'],
    ['unknown id', nodeState({ lastRefusal: refusal(1404) }), 'paste it again'],
    ['player id', nodeState({ lastRefusal: refusal(1403) }), 'senders use the live_… id'],
    ['in use', nodeState({ lastRefusal: refusal(1409) }), 'another device or app'],
    ['passphrase', nodeState({ lastRefusal: refusal(10) }), 'the same passphrase'],
    ['full', nodeState({ lastRefusal: refusal(1402) }), 'a limit is reached'],
    ['silent', nodeState({ publishers: [publisher(0)] }), 'sends nothing'],
    ['no player', nodeState({ publishers: [publisher(1_000)] }), 'srt://…:4000'],
    [
      'refused player',
      nodeState({ publishers: [publisher(1_000)], lastRefusal: refusal(1403, 'play') }),
      'players use the play_… id',
    ],
  ])('of %s', (_, state, first) => {
    expect(report(state).causes[0]).toContain(first);
  });

  it('of packets without registration: plain SRT, unless registrations were answered in vain', () => {
    const strangers = reports(nodeState(), nodeState({ counters: { strangers: 1 } }))[1]!;
    expect(strangers.causes[0]).toContain('the app sends plain SRT');
    const answered = reports(nodeState(), nodeState({ counters: { reg1Answered: 1 } }))[1]!;
    expect(answered.causes[0]).toContain('our answers do not reach the sender');
  });

  it('are none once a player plays', () => {
    expect(report(nodeState({ publishers: [publisher(1_000)], players: [player('playing')] })).causes).toEqual([]);
  });
});

it.each([
  [1402, 'srtla', 'takes no more streams'],
  [1402, 'play', 'too many players'],
  [10, 'publish', 'wrong passphrase'],
  [11, 'publish', 'a passphrase is missing'],
  [1234, 'publish', 'refused (code 1234)'],
] as const)('refusal %i on %s is put into words', (code, port, words) => {
  expect(refusalText(refusal(code, port))).toContain(words);
});
