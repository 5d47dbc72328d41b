import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { nearest } from '../shared/nearest.ts';
import type { LoadedSettings, Settings } from './load.ts';
import { loadSettings } from './load.ts';

interface Given {
  argv?: string[];
  env?: Record<string, string>;
  files?: Record<string, string>;
}

const load = ({ argv = [], env = {}, files = {} }: Given = {}) =>
  loadSettings({ argv, env, cwd: '/srv/node', readFile: (path) => files[path] });

const loaded = (given: Given = {}): LoadedSettings => {
  const result = load(given);
  if ('problems' in result) throw new Error(result.problems.join('\n'));
  return result;
};
const problems = (given: Given): readonly string[] => {
  const result = load(given);
  if (!('problems' in result)) throw new Error('no problem was found');
  return result.problems;
};
const fromYaml = (text: string): Given => ({ files: { '/srv/node/tributary.yml': text } });

describe('defaults', () => {
  it('are those of the stack that the node replaces', () => {
    const { settings, sources, file, warnings } = loaded();
    expect(settings.srtla).toEqual({
      ports: [5000],
      maxGroups: 200,
      maxLinksPerGroup: 16,
      linkTimeoutMs: 15_000,
      groupTimeoutMs: 30_000,
      sessionTimeoutMs: 10_000,
      maxGroupKbps: 100_000,
      maxGroupPacketsPerSecond: 15_000,
      adoptRebinds: false,
      ackFlushMs: 30,
      lossDetection: 'exact',
      transport: 'auto',
      coalesceMs: 2,
    });
    expect(settings.srt).toMatchObject({ publishPort: 4001, playPort: 4000, bondPort: 0, latencyFloorMs: 200 });
    expect(settings.srt.refuse).toEqual({ publish: 'close', play: 'close', bond: 'reject' });
    expect(settings.http).toMatchObject({ statsPort: 8090, linksPort: 5080, dashboardPort: 3000 });
    expect(settings.bind).toEqual(['::']);
    expect(settings.dataDir).toBe('/srv/node/data');
    expect(settings.srt.udpBufferBytes).toBe(8 * 1024 * 1024);
    expect(new Set(Object.values(sources))).toEqual(new Set(['default']));
    expect({ file, warnings }).toEqual({ file: undefined, warnings: [] });
  });
});

describe('sources', () => {
  it('rise from file to environment to flags', () => {
    const files = { '/srv/node/tributary.yml': 'srtla: {ports: 1111, maxGroups: 3}\nsrt: {publishPort: 2222}\n' };
    const env = { SRTLA_PORT: '3333,3334', SRT_SENDER_PORT: '4444' };
    const { settings, sources } = loaded({ files, env, argv: ['--srt-sender-port', '5555'] });
    expect(settings.srtla.ports).toEqual([3333, 3334]);
    expect(settings.srtla.maxGroups).toBe(3);
    expect(settings.srt.publishPort).toBe(5555);
    expect(sources['srtla.maxGroups']).toBe('/srv/node/tributary.yml line 1: srtla.maxGroups');
    expect(sources['srtla.ports']).toBe('environment: SRTLA_PORT');
    expect(sources['srt.publishPort']).toBe('command line: --srt-sender-port');
  });

  it.each([
    ['SRTLA_PORT', '0', (s: Settings) => s.srtla.ports, [0]],
    ['SRT_SENDER_PORT', '41', (s: Settings) => s.srt.publishPort, 41],
    ['SRT_PLAYER_PORT', '42', (s: Settings) => s.srt.playPort, 42],
    ['TRIBUTARY_SRT_BOND_PORT', '43', (s: Settings) => s.srt.bondPort, 43],
    ['SLS_STATS_PORT', '8080', (s: Settings) => s.http.statsPort, 8080],
    ['TRIBUTARY_HTTP_STATS_ALIAS_PORTS', '8080, 8090', (s: Settings) => s.http.statsAliasPorts, [8080, 8090]],
    ['LINK_STATS_PORT', '44', (s: Settings) => s.http.linksPort, 44],
    ['SLS_MGNT_PORT', '45', (s: Settings) => s.http.dashboardPort, 45],
    ['TRIBUTARY_BIND', '127.0.0.1, ::1', (s: Settings) => s.bind, ['127.0.0.1', '::1']],
    ['DATA_DIR', '/var/lib/x', (s: Settings) => s.dataDir, '/var/lib/x'],
    ['TRIBUTARY_PUBLIC_HOST', 'relay.example.com', (s: Settings) => s.publicHost, 'relay.example.com'],
    ['PUBLIC_IP', '198.51.100.7', (s: Settings) => s.publicIp, '198.51.100.7'],
    ['APP_URL', 'http://198.51.100.7:3000', (s: Settings) => s.appUrl, 'http://198.51.100.7:3000'],
    ['TRIBUTARY_LOG_LEVEL', 'debug', (s: Settings) => s.log.level, 'debug'],
    ['TRIBUTARY_API_KEY', 'k'.repeat(32), (s: Settings) => s.api.key, 'k'.repeat(32)],
    ['TRIBUTARY_UDP_BUFFER_MAX', '212992', (s: Settings) => s.udp.bufferMaxBytes, 212_992],
    ['TRIBUTARY_STATS_LINKS_MODE', 'byor', (s: Settings) => s.stats.linksMode, 'byor'],
    ['TRIBUTARY_STATS_TRUSTED', '10.8.0.0/24,::1', (s: Settings) => s.stats.trusted, ['10.8.0.0/24', '::1']],
    ['TRIBUTARY_STATS_TRUSTED', 'none', (s: Settings) => s.stats.trusted, []],
    ['TRIBUTARY_PLAYER_WAIT_SECONDS', '2m', (s: Settings) => s.player.waitSeconds, 120],
    ['TRIBUTARY_SRTLA_LINK_TIMEOUT_MS', '10s', (s: Settings) => s.srtla.linkTimeoutMs, 10_000],
    ['TRIBUTARY_SRT_UDP_BUFFER_BYTES', '1.5MiB', (s: Settings) => s.srt.udpBufferBytes, 1_572_864],
  ] as const)('environment %s=%s', (name, value, pick, expected) => {
    expect(pick(loaded({ env: { [name]: value } }).settings)).toEqual(expected);
  });

  it.each([['--srtla-port', '1,2'], ['--srtla.ports=1,2'], ['--srtla_ports=1,2'], ['--srtla-ports', '1,2']])(
    'flag %s',
    (...argv) => {
      expect(loaded({ argv }).settings.srtla.ports).toEqual([1, 2]);
    },
  );

  it('takes an empty environment value for none', () => {
    expect(loaded({ env: { SRTLA_PORT: '', PUBLIC_IP: ' ' } }).settings.srtla.ports).toEqual([5000]);
  });

  it('counts the last of two equal flags', () => {
    expect(loaded({ argv: ['--log-level', 'warn', '--log-level=error'] }).settings.log.level).toBe('error');
  });
});

describe('settings file', () => {
  it('takes snake_case, camelCase and dotted keys for the same', () => {
    for (const text of ['stats:\n  links_mode: byor', 'stats: {linksMode: byor}', 'stats.links-mode: byor'])
      expect(loaded(fromYaml(text)).settings.stats.linksMode).toBe('byor');
  });

  it('is searched in the order --config, ./, DATA_DIR, /etc', () => {
    const file = (level: string) => `log: {level: ${level}}`;
    const files: Record<string, string> = {
      '/etc/tributary/tributary.yml': file('error'),
      '/data/tributary.yml': file('warn'),
      '/srv/node/tributary.yml': file('debug'),
      '/srv/node/mine.yml': file('trace'),
    };
    const env = { DATA_DIR: '/data' };
    expect(loaded({ files, env, argv: ['--config', 'mine.yml'] }).settings.log.level).toBe('trace');
    expect(loaded({ files, env: { ...env, TRIBUTARY_CONFIG: 'mine.yml' } }).settings.log.level).toBe('trace');
    expect(loaded({ files, env }).settings.log.level).toBe('debug');
    delete files['/srv/node/tributary.yml'];
    expect(loaded({ files, env }).settings.log.level).toBe('warn');
    expect(loaded({ files, argv: ['--data-dir=/data'] }).settings.log.level).toBe('warn');
    expect(loaded({ files }).file).toBe('/etc/tributary/tributary.yml');
  });

  it('may be empty, or leave blocks and values empty', () => {
    for (const text of ['', '# nothing\n', 'srtla:\n', 'srtla:\n  ports:\n'])
      expect(loaded(fromYaml(text)).settings.srtla.ports).toEqual([5000]);
  });

  it.each([
    ['srtla:\n  port: 5000', '/srv/node/tributary.yml line 2: srtla.port is not a setting (did you mean srtla.ports?)'],
    ['zzz: 1', '/srv/node/tributary.yml line 1: zzz is not a setting'],
    ['srtla: 5', '/srv/node/tributary.yml line 1: srtla is a block: indent its settings below it'],
    ['- 1', '/srv/node/tributary.yml: holds no settings: write lines such as "srtla:" and below it "  ports: [5000]"'],
  ])('names what is wrong in %j', (text, problem) => {
    expect(problems(fromYaml(text))).toEqual([problem]);
  });

  it('reports bad YAML with its line', () => {
    expect(problems(fromYaml('srtla:\n  ports: [1'))[0]).toMatch(
      /^\/srv\/node\/tributary\.yml line 2: not valid YAML: /,
    );
  });

  it('reports the same setting in two spellings', () => {
    const text = 'stats: {links_mode: byor}\nstats.linksMode: auto\n';
    expect(problems(fromYaml(text))).toEqual([
      '/srv/node/tributary.yml line 2: stats.linksMode is given twice (line 1 too): keep one of them',
    ]);
  });

  it('is missed when it was asked for', () => {
    expect(problems({ argv: ['--config', 'x.yml'] })).toEqual([
      '/srv/node/x.yml is not there: give --config the path of a settings file',
    ]);
  });

  it('that cannot be read is a problem, not a stack trace', () => {
    const readFile = (): string => {
      throw Object.assign(new Error('permission denied'), { code: 'EACCES' });
    };
    const result = loadSettings({ argv: [], env: {}, cwd: '/srv/node', readFile });
    expect(result).toMatchObject({
      problems: ['/srv/node/tributary.yml cannot be read (EACCES): check its permissions'],
    });
  });
});

describe('problems', () => {
  it('come all at once, each with source, key, value and mend', () => {
    const given = { ...fromYaml('srtla:\n  ack_flush_ms: 90\n  maxGroup: 1'), env: { SRTLA_PORT: '70000' } };
    expect(problems({ ...given, argv: ['--log-level=loud', '--bnid', '::'] })).toEqual([
      '/srv/node/tributary.yml line 3: srtla.maxGroup is not a setting (did you mean srtla.maxGroups?)',
      '/srv/node/tributary.yml line 2: srtla.ackFlushMs = 90: give milliseconds from 20 to 50, or a duration such as 10s',
      'environment: SRTLA_PORT = "70000": give one to eight different ports from 1 to 65535 separated by commas, or 0 for a free one',
      'command line: --bnid is not a setting (did you mean --bind?)',
      'command line: --log-level = "loud": give one of trace, debug, info, warn, error',
    ]);
  });

  it.each([
    [{ env: { TRIBUTARY_BIND: 'localhost' } }, /TRIBUTARY_BIND = "localhost": give numeric addresses/],
    [{ env: { TRIBUTARY_STATS_TRUSTED: '10.0.0.0/33' } }, /give addresses or networks/],
    [{ env: { TRIBUTARY_PUBLIC_HOST: 'http://relay' } }, /give a host name or a numeric address, without scheme/],
    [{ env: { PUBLIC_IP: 'relay' } }, /give a numeric IPv4 or IPv6 address/],
    [{ env: { SRT_PLAYER_PORT: '4e3' } }, /give a port from 1 to 65535/],
    [{ env: { SRTLA_PORT: '5000,5000' } }, /different ports/],
    [{ argv: ['--srtla-port'] }, /--srtla-port has no value/],
    [{ argv: ['--srtla-port', '--log-level=info'] }, /--srtla-port has no value/],
    [{ argv: ['start'] }, /"start" is not understood/],
    [{ env: { SRT_SENDER_PORT: '4000' } }, /srt.publishPort and srt.playPort are both UDP port 4000/],
    [{ env: { LINK_STATS_PORT: '8090' } }, /http.statsPort and http.linksPort are both TCP port 8090/],
    [
      { env: { TRIBUTARY_HTTP_STATS_ALIAS_PORTS: '8080,5080' } },
      /http.statsAliasPorts and http.linksPort are both TCP port 5080/,
    ],
    [{ env: { TRIBUTARY_HTTP_STATS_ALIAS_PORTS: '0' } }, /give up to eight different ports/],
    [{ env: { TRIBUTARY_SRT_LATENCY_CEILING_MS: '100' } }, /srt.latencyFloorMs = 200 is above/],
    [{ env: { TRIBUTARY_QUALITY_LOW_KBPS: '2500' } }, /quality.mediumKbps = 2500 is not above quality.lowKbps = 2500/],
    [{ env: { TRIBUTARY_QUALITY_HIGH_LOSS_PCT: '2,5' } }, /give percent from 0.1 to 100/],
    [{ env: { TRIBUTARY_API_KEY_FILE: '/nowhere' } }, /the file cannot be read/],
  ] as [Given, RegExp][])('%j', (given, problem) => {
    const lines = problems(given);
    expect(lines).toHaveLength(1);
    expect(lines[0]).toMatch(problem);
  });

  it('never show a secret', () => {
    const lines = problems({ env: { TRIBUTARY_API_KEY: 'hunter2' } });
    expect(lines).toEqual([
      'environment: TRIBUTARY_API_KEY = (not shown): give 16 to 256 printable ASCII characters without spaces',
    ]);
    const file = { '/k': 'hunter2\n' };
    expect(problems({ env: { TRIBUTARY_API_KEY_FILE: '/k' }, files: file }).join()).not.toContain('hunter2');
  });

  it('are not made of ports that the system chooses', () => {
    const env = {
      SRT_SENDER_PORT: '0',
      SRT_PLAYER_PORT: '0',
      SLS_STATS_PORT: '0',
      LINK_STATS_PORT: '0',
      SRTLA_PORT: '0',
    };
    expect(loaded({ env }).settings.srt.playPort).toBe(0);
  });

  it('whatever the command line is, there is an answer', () => {
    fc.assert(
      fc.property(
        fc.array(fc.oneof(fc.string(), fc.constantFrom('--', '--=', '--config', '--bind=', '-x'))),
        (argv) => {
          const result = load({ argv });
          return 'problems' in result ? result.problems.length > 0 : result.settings.srtla.ports.length > 0;
        },
      ),
    );
  });

  it('whatever the file is, there is an answer', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        const result = load(fromYaml(text));
        return 'problems' in result || result.settings !== undefined;
      }),
    );
  });
});

describe('the API key', () => {
  it('may be in a file, whose last line break does not count', () => {
    const files = { '/run/secrets/key': `${'a'.repeat(32)}\n` };
    const { settings, sources } = loaded({ env: { TRIBUTARY_API_KEY_FILE: '/run/secrets/key' }, files });
    expect(settings.api.key).toBe('a'.repeat(32));
    expect(sources['api.key']).toBe('/run/secrets/key');
  });
});

describe('the control plane', () => {
  const enrolled = { SERVER_ID: 'kc1', NODE_KEY: 'k'.repeat(32) };
  it.each([
    ['https://plane.example.org', 'https://plane.example.org'],
    ['plane.example.org:8443/', 'https://plane.example.org:8443'],
    ['https://plane.example.org/relay/', 'https://plane.example.org/relay'],
    ['http://127.0.0.1:9080', 'http://127.0.0.1:9080'],
    ['http://[::1]:9080', 'http://[::1]:9080'],
    ['http://localhost:9080', 'http://localhost:9080'],
  ])('may be at %s', (text, url) => {
    expect(loaded({ env: { ...enrolled, CONTROL_URL: text } }).settings.control.url).toBe(url);
  });
  it.each([
    'http://plane.example.org',
    'http://10.0.0.5:9080',
    'http://127.0.0.1.example.org',
    'http://localhost.example.org',
    'ftp://127.0.0.1',
    'https://user:secret@plane.example.org',
    'https://plane.example.org/?key=secret',
    'https://',
    'not a url',
  ])('is not taken from %s', (text) => {
    const result = load({ env: { ...enrolled, CONTROL_URL: text } });
    expect('problems' in result && result.problems).toEqual([expect.stringMatching(/CONTROL_URL .*loopback only/)]);
  });
  it('needs the name and the key of the node, which may be in a file', () => {
    const result = load({ env: { CONTROL_URL: 'https://plane.example.org' } });
    expect('problems' in result && result.problems).toEqual([
      expect.stringContaining('set SERVER_ID'),
      expect.stringContaining('set NODE_KEY'),
    ]);
    const files = { '/run/secrets/node': `${'k'.repeat(32)}\n` };
    const env = { CONTROL_URL: 'https://plane.example.org', SERVER_ID: 'kc1', NODE_KEY_FILE: '/run/secrets/node' };
    expect(loaded({ env, files }).settings.control.nodeKey).toBe('k'.repeat(32));
  });
  it('is told where the machine is', () => {
    const at = (text: string) => load({ env: { TRIBUTARY_CONTROL_POSITION: text } });
    const found = at('41.88, -87.63');
    expect('settings' in found && found.settings.control.position).toEqual({ latitude: 41.88, longitude: -87.63 });
    for (const wrong of ['91,0', '0,181', '41.88', 'Chicago']) expect(at(wrong)).toHaveProperty('problems');
  });
});

describe('settings that are loaded again', () => {
  const again = (files: Record<string, string>, runsWith = '/srv/node/tributary.yml') =>
    loadSettings({ argv: [], env: {}, cwd: '/srv/node', readFile: (path) => files[path], runsWith });
  it('are refused while the file is gone or empty', () => {
    expect(again({})).toMatchObject({ problems: [expect.stringMatching(/^\/srv\/node\/tributary.yml is gone/)] });
    expect(again({ '/srv/node/data/tributary.yml': 'log: {level: warn}' })).toHaveProperty('problems');
    expect(again({ '/srv/node/tributary.yml': ' \n' })).toMatchObject({
      problems: [expect.stringMatching(/is empty/)],
    });
  });
  it('may come from a file that counts for more', () => {
    const files = { '/srv/node/data/tributary.yml': '{}', '/srv/node/tributary.yml': 'log: {level: warn}' };
    expect(again(files, '/srv/node/data/tributary.yml')).toMatchObject({ settings: { log: { level: 'warn' } } });
  });
  it('name every file that counts, there or not', () => {
    const env = { TRIBUTARY_API_KEY_FILE: 'key' };
    const { files } = loaded({ env, files: { '/srv/node/key': 'an-admin-key-0123456789' } });
    expect(files).toEqual([
      ...['/srv/node/tributary.yml', '/srv/node/data/tributary.yml', '/etc/tributary/tributary.yml', '/srv/node/key'],
    ]);
  });
});

describe('a name that is almost one of ours', () => {
  it('in the environment is a warning', () => {
    const { warnings } = loaded({ env: { TRIBUTARY_SRTLA_MAX_GROUP: '3', TRIBUTARY_NO_APT: '1' } });
    expect(warnings).toEqual([
      'environment: TRIBUTARY_SRTLA_MAX_GROUP is not a setting (did you mean TRIBUTARY_SRTLA_MAX_GROUPS?)',
    ]);
  });
  it('is found by the fewest edits', () => {
    expect(nearest('prots', ['ports', 'posts'])).toBe('ports');
    expect(nearest('something-else', ['ports'])).toBeUndefined();
  });
});
