import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MediaWatch } from '../../src/switcher/media-watch.ts';
import { type Answer, Readings } from '../../src/switcher/reading.ts';
import { SceneDecider } from '../../src/switcher/scene-decider.ts';
import { EXAMPLE, readSwitcherSettings } from '../../src/switcher/settings.ts';
import { type Reading, SCENE_LEVELS } from '../../src/switcher/types.ts';

const SCENES = { high: 'Live', medium: 'Live', low: 'Soft', veryLow: 'Low', gone: 'BRB' };
const RULES = { scenes: SCENES, retries: 5, instantRecovery: true };
const [high, medium, low, veryLow] = SCENE_LEVELS.map((level): Reading => ({ kind: 'live', level }));
const gone: Reading = { kind: 'gone' };
const unsure: Reading = { kind: 'unsure' };

/** What is shown after these readings, and the number of the reading that each change came with. */
const shownAfter = (readings: readonly Reading[], from = 'Live', rules = RULES): string => {
  const decider = new SceneDecider(rules);
  let current = from;
  const changes = readings.flatMap((reading, index) => {
    const scene = decider.take(reading, current);
    if (scene === undefined) return [];
    current = scene;
    return [`${index + 1}: ${scene}`];
  });
  return changes.join(', ');
};
const times = (count: number, ...readings: Reading[]): Reading[] =>
  Array.from({ length: count }, () => readings).flat();

describe('the scene', () => {
  it.each<[what: string, readings: Reading[], changes: string, from?: string]>([
    ['changes with the fifth reading that asks for another', times(5, low!), '5: Soft'],
    ['stays with four', [...times(4, low!), high!, ...times(4, low!)], ''],
    ['is counted by its name: two levels may share one', times(50, high!, medium!), ''],
    ['goes by what is wanted last', [...times(4, low!), ...times(5, veryLow!)], '9: Low'],
    ['is that of a stream that is gone after five seconds of that', times(5, gone), '5: BRB'],
    ['comes back at once', [high!], '1: Live', 'BRB'],
    ['comes back at once to what fits', [veryLow!], '1: Low', 'BRB'],
    [
      'is not changed by what nobody is sure of, nor is the count',
      [...times(4, low!), ...times(90, unsure), low!],
      '95: Soft',
    ],
    ['that somebody has chosen stays', times(20, gone, high!), '', 'Camera'],
  ])('%s', (_what, readings, changes, from) => {
    expect(shownAfter(readings, from)).toBe(changes);
  });

  it('waits on the way back too where the settings say so', () => {
    expect(shownAfter(times(5, high!), 'BRB', { ...RULES, instantRecovery: false })).toBe('5: Live');
  });

  it('is always one of the map, and never changes twice within the retries but from BRB', () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom(high!, medium!, low!, veryLow!, gone, unsure)), (readings) => {
        const decider = new SceneDecider(RULES);
        let current = 'Live';
        let since = 5;
        for (const reading of readings) {
          since++;
          const scene = decider.take(reading, current);
          if (scene === undefined) continue;
          expect(Object.values(SCENES)).toContain(scene);
          if (current !== SCENES.gone) expect(since).toBeGreaterThanOrEqual(5);
          current = scene;
          since = 0;
        }
      }),
    );
  });
});

describe('a reading', () => {
  const answer = (body: unknown): Answer => ({ ok: true, body });
  const live = (more: object) =>
    answer({ publisher: { bitrate: 4_000, quality_level: 'HIGH', ...more }, status: 'ok' });
  const none: Answer = { ok: false, why: 'away' };

  it.each<[what: string, given: Answer, kind: Reading]>([
    ['is the level of what arrives', live({}), high!],
    ['is unsure of a stream that stands still', live({ bitrate: 1 }), unsure],
    ['is unsure of one that is so new that it has no level', live({ quality_level: undefined }), unsure],
    ['is gone where nobody publishes', answer({ message: 'Publisher is currently not streaming', status: 'ok' }), gone],
    ['is unsure of what no node says', answer({ message: 'Invalid player key', status: 'error' }), unsure],
    ['is unsure of no answer', none, unsure],
    ['is unsure of nonsense', answer([{ publisher: 3 }]), unsure],
  ])('%s', (_what, given, kind) => {
    expect(new Readings(15_000).take(given, 1_000)).toEqual(kind);
  });

  it('is gone when the node has not answered for long, and not before', () => {
    const readings = new Readings(15_000);
    expect(readings.take(none, 19_000)).toEqual(unsure);
    expect(readings.take(live({}), 20_000)).toEqual(high);
    expect(readings.take(none, 34_999)).toEqual(unsure);
    expect(readings.take(none, 35_000)).toEqual(gone);
    expect(readings.take(live({}), 36_000)).toEqual(high);
    expect(readings.take(none, 37_000)).toEqual(unsure);
  });
});

describe('a media source', () => {
  const playing = (cursorMs: number | undefined) => ({ state: 'OBS_MEDIA_STATE_PLAYING', cursorMs });
  const ended = { state: 'OBS_MEDIA_STATE_ENDED', cursorMs: undefined };
  /** The seconds at which it is started anew. */
  const restarts = (looks: readonly (readonly [status: Parameters<MediaWatch['take']>[0], isLive: boolean])[]) => {
    const watch = new MediaWatch();
    return looks.flatMap(([status, isLive], second) => (watch.take(status, isLive, second * 1_000) ? [second] : []));
  };
  const looks = (count: number, status: (second: number) => Parameters<MediaWatch['take']>[0], isLive = true) =>
    Array.from({ length: count }, (_, second) => [status(second), isLive] as const);

  it.each<[what: string, given: ReturnType<typeof looks>, at: number[]]>([
    ['that plays is left alone', looks(60, (s) => playing(s * 1_000)), []],
    ['that never tells where it is, too', looks(60, () => playing(undefined)), []],
    ['that always says the same, too', looks(60, () => playing(0)), []],
    ['that has ended is started anew, and again after ten seconds', looks(20, () => ended), [1, 11]],
    ['that has ended without a stream is not', looks(20, () => ended, false), []],
    ['that stands still is', looks(20, (s) => playing(Math.min(s, 4) * 1_000)), [9]],
  ])('%s', (_what, given, at) => {
    expect(restarts(given)).toEqual(at);
  });
});

describe('the file', () => {
  const read = (text: string, env = {}) => readSwitcherSettings(text, 'switcher.yml', env);

  it('is right as the example has it', () => {
    expect(read(EXAMPLE)).toEqual({
      node: 'http://relay.example:8090',
      stream: 'play_your_player_id',
      obs: { url: 'ws://127.0.0.1:4455', password: undefined, onlyWhileStreaming: true },
      scenes: { high: 'Live', medium: 'Live', low: 'Live', veryLow: 'Low bitrate', gone: 'BRB' },
      ...{ retries: 5, instantRecovery: true, unknownAfterSeconds: 15 },
    });
  });
  it('may leave the password to the environment', () => {
    expect(read(EXAMPLE, { OBS_PASSWORD: 'from there' }).obs.password).toBe('from there');
  });
  it.each<[text: string, problem: RegExp]>([
    [EXAMPLE.replace('retries: 5', 'retrys: 5'), /retrys is not known \(did you mean retries\?\)/],
    [EXAMPLE.replace('  veryLow:', '  verylow:'), /scenes.verylow is not known \(did you mean veryLow\?\)/],
    [EXAMPLE.replace('http://relay', 'relay'), /node is not right: give the address/],
    [EXAMPLE.replace(/^stream.*$/m, ''), /stream is missing: give the player id/],
    [EXAMPLE.replace('retries: 5', 'retries: 0'), /retries is not right: give a whole number/],
    [EXAMPLE.replace(/scenes:[^#]*#/, '#'), /scenes holds no block/],
    ['a: [', /is not valid YAML/],
    ['', /the file holds no block/],
  ])('says what is wrong: %#', (text, problem) => {
    expect(() => read(text)).toThrow(problem);
  });
});
