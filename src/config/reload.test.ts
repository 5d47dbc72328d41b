import { describe, expect, it } from 'vitest';
import { changesBetween, effectiveSettings, planReload } from './reload.ts';
import { type LoadedSettings, loadSettings } from './resolve.ts';
import { SETTING_PATHS, settingAt } from './schema.ts';

const load = (yaml: string, env: Record<string, string> = {}): LoadedSettings => {
  const result = loadSettings({
    ...{ argv: [], env, cwd: '/srv/node' },
    readFile: (path) => (path === '/srv/node/tributary.yml' ? yaml : undefined),
  });
  if ('problems' in result) throw new Error(result.problems.join('\n'));
  return result;
};
const SECRET = 'a-secret-that-nobody-may-see';

describe('changesBetween', () => {
  it('finds nothing between settings that say the same in different ways', () => {
    const next = load('srtla: {linkTimeoutMs: 15s, ports: 5000}\nbind: ["::"]\n');
    expect(changesBetween(load('').settings, next.settings, next.sources)).toEqual([]);
  });
  it('names each change with its class, both values and the source of the new one', () => {
    const next = load('srtla: {ports: [5000, 5001]}\nhttp: {keysPerMinute: 12}\n', {
      TRIBUTARY_PLAYER_JOIN: 'last-key-frame',
    });
    expect(changesBetween(load('').settings, next.settings, next.sources)).toEqual([
      {
        ...{ path: 'srtla.ports', reload: 'restart', from: '[5000]', to: '[5000, 5001]' },
        source: '/srv/node/tributary.yml line 1: srtla.ports',
      },
      {
        ...{ path: 'player.join', reload: 'next-session', from: 'next-key-frame', to: 'last-key-frame' },
        source: 'environment: TRIBUTARY_PLAYER_JOIN',
      },
      {
        ...{ path: 'http.keysPerMinute', reload: 'live', from: '20', to: '12' },
        source: '/srv/node/tributary.yml line 2: http.keysPerMinute',
      },
    ]);
  });
  it('shows of a secret only that it is another one', () => {
    const next = load(`hooks: {secret: ${SECRET}, urls: ["https://example.org/${SECRET}"]}\n`);
    const changes = changesBetween(load('').settings, next.settings, next.sources);
    expect(changes.map(({ path, from, to }) => [path, from, to])).toEqual([
      ['hooks.urls', '(not shown)', '(not shown)'],
      ['hooks.secret', '(not set)', '(not shown)'],
    ]);
    expect(JSON.stringify(changes)).not.toContain(SECRET);
  });
});

describe('effectiveSettings', () => {
  it('has the new value of everything but what needs a restart', () => {
    const running = load('').settings;
    const wanted = load('srtla: {ports: 6000}\nhttp: {keysPerMinute: 12}\n').settings;
    const effective = effectiveSettings(running, wanted);
    expect(effective.srtla.ports).toEqual([5000]);
    expect(effective.http.keysPerMinute).toBe(12);
  });
});

describe('planReload', () => {
  it('tells what is applied from what waits for a restart', () => {
    const plan = planReload(load('').settings, load('srtla: {ports: 6000}\nhttp: {keysPerMinute: 12}\n'));
    if ('problems' in plan) throw new Error(plan.problems.join('\n'));
    expect(plan.applied.map(({ path }) => path)).toEqual(['http.keysPerMinute']);
    expect(plan.waiting.map(({ path }) => path)).toEqual(['srtla.ports']);
  });
  it('refuses a value that does not go with one that stays', () => {
    // Settings that cannot be loaded as a whole any more stand for values of different classes that belong together.
    const running = load('').settings;
    const broken = { ...running, srt: { ...running.srt, publishPort: 4000 } };
    const plan = planReload(broken, load('http: {keysPerMinute: 12}\n'));
    expect(plan).toEqual({ problems: [expect.stringContaining('both UDP port 4000')] });
  });
});

describe('the schema', () => {
  it('says of every setting what a new value needs', () => {
    for (const path of SETTING_PATHS) expect(['live', 'next-session', 'restart']).toContain(settingAt(path).reload);
  });
  it('asks for a restart where a port, a folder or the library changes', () => {
    for (const path of SETTING_PATHS)
      if (/[pP]orts?$/.test(path) || ['bind', 'dataDir', 'srt.allowUnfixedLibrary'].includes(path))
        expect(settingAt(path).reload, path).toBe('restart');
  });
});
