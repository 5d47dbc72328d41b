import { execFileSync, spawnSync } from 'node:child_process';
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { temporaryFolder } from '../support/data-dir.ts';

const ROOT = resolve(import.meta.dirname, '../..');
const KEY = 'k'.repeat(32);

/** Stands for Docker and curl: writes down what is asked for, and is satisfied with everything. */
const PROGRAMS = {
  docker: `#!/bin/sh
printf '%s\\n' "docker $*" >>"$CALLS"
case "$*" in
  *'--pull'*) [ -z "$NO_REGISTRY" ] || exit 1 ;;
  *' logs '*) [ -z "$LOG" ] || printf '%s\\n' "$LOG" ;;
  'image inspect'*) echo sha256:1 ;;
esac
exit 0
`,
  // The node is down until there have been as many questions as DOWN says.
  curl: `#!/bin/sh
echo x >>"$CALLS.curl"
if [ "$(wc -l <"$CALLS.curl")" -le "\${DOWN:-0}" ]; then printf 000; exit 7; fi
case "$*" in *http_code*) printf 200 ;; *) exit 22 ;; esac
`,
  sudo: '#!/bin/sh\nexec "$@"\n',
  chown: '#!/bin/sh\nprintf "%s\\n" "chown $*" >>"$CALLS"\n',
};

/** A folder in which receiver.sh of a clone beside it is run; both have a space in their names. */
class Place {
  readonly root = temporaryFolder();
  readonly folder = join(this.root, 'my relay');
  readonly clone = join(this.root, 'my clone');
  readonly #calls = join(this.root, 'calls');

  constructor(env?: string) {
    const bin = join(this.root, 'bin');
    for (const folder of [this.folder, bin, this.clone]) mkdirSync(folder);
    cpSync(join(ROOT, 'docker'), join(this.clone, 'docker'), { recursive: true });
    for (const [name, text] of Object.entries(PROGRAMS)) {
      writeFileSync(join(bin, name), text);
      chmodSync(join(bin, name), 0o755);
    }
    if (env !== undefined) this.write('.env', env);
  }

  /** @returns the exit code, what was said, and what was asked of Docker */
  run(args: string[], env: Record<string, string> = {}): { code: number | null; output: string; calls: string[] } {
    writeFileSync(this.#calls, '');
    writeFileSync(`${this.#calls}.curl`, '');
    const { status, stdout, stderr } = spawnSync('bash', [join(this.clone, 'docker/receiver.sh'), ...args], {
      cwd: this.folder,
      encoding: 'utf8',
      input: '',
      env: {
        PATH: `${join(this.root, 'bin')}:${process.env.PATH}`,
        CALLS: this.#calls,
        LOG: `receiver-1 | Generated default admin API key: ${KEY}`,
        RECEIVER_WAIT_SECONDS: '2',
        ...env,
      },
    });
    return { code: status, output: stdout + stderr, calls: readFileSync(this.#calls, 'utf8').trim().split('\n') };
  }

  install(env?: Record<string, string>): ReturnType<Place['run']> {
    const run = this.run(['--yes', '--address=relay.example.org', 'install'], env);
    expect(run.code, run.output).toBe(0);
    return run;
  }

  path(name: string): string {
    return join(this.folder, name);
  }

  read(name: string): string {
    return readFileSync(this.path(name), 'utf8');
  }

  write(name: string, text: string): void {
    writeFileSync(this.path(name), text);
  }

  env(): Record<string, string> {
    const lines = this.read('.env')
      .split('\n')
      .filter((line) => line.includes('='));
    return Object.fromEntries(lines.map((line) => [line.split('=')[0]!, line.slice(line.indexOf('=') + 1)]));
  }
}

describe('receiver.sh and .env', () => {
  it('begins with none, in folders with spaces, and changes nothing the second time', () => {
    const place = new Place();
    place.install();
    expect(place.env()).toMatchObject({
      TRIBUTARY_CONTEXT: `'${place.clone}'`,
      APP_URL: 'http://relay.example.org:8090',
      SRTLA_PORT: '5000',
    });
    expect(place.read('.apikey')).toBe(`${KEY}\n`);
    expect(statSync(place.path('.apikey')).mode & 0o777).toBe(0o600);
    const [env, files] = [place.read('.env'), readdirSync(place.folder)];
    place.install();
    expect(place.read('.env')).toBe(env);
    expect(readdirSync(place.folder)).toEqual(files);
  });

  it('keeps every line: a last one without an end, comments, quotes, the ends of Windows', () => {
    const place = new Place('# mine\r\nSRTLA_PORT="5100"\r\nexport SRT_PLAYER_PORT = 4100 # players\nSECRET=a#b');
    const { output } = place.install();
    const env = place.read('.env');
    expect(env).toContain('# mine\r\n');
    expect(env).toContain('SRTLA_PORT="5100"\r\n');
    expect(env).toContain('export SRT_PLAYER_PORT = 4100 # players\n');
    expect(env).toContain('SECRET=a#b\n');
    expect(output).toContain('srtla://relay.example.org:5100?');
    expect(output).toContain('srt://relay.example.org:4100?');
  });

  it('leaves the file as private as it was', () => {
    const place = new Place('GRAFANA_PASSWORD=secret\n');
    chmodSync(place.path('.env'), 0o600);
    place.install();
    expect(statSync(place.path('.env')).mode & 0o777).toBe(0o600);
  });

  it('keeps the address of a reverse proxy, and replaces that of another host', () => {
    const [proxied, moved] = [
      new Place('APP_URL=https://relay.example.org\n'),
      new Place('APP_URL=https://old.example.org\n'),
    ];
    proxied.install();
    moved.install({ SLS_STATS_PORT: '8091' });
    expect(proxied.env().APP_URL).toBe('https://relay.example.org');
    expect(moved.env()).toMatchObject({ APP_URL: 'http://relay.example.org:8091', SLS_STATS_PORT: '8091' });
  });

  it.each([
    ['a port that is none', 'SRTLA_PORT=99999\n', [], 'SRTLA_PORT=99999 is no port'],
    ['one port for two names', 'SRTLA_PORT=4000\n', [], 'SRT_PLAYER_PORT=4000: another name has that port already'],
    ['an address that is none', '', ['--address=a b'], 'a b is no name and no address'],
  ])('refuses %s', (_what, env, options, words) => {
    const run = new Place(env).run(['--yes', '--address=relay.example.org', ...options, 'install']);
    expect(run.code).toBe(1);
    expect(run.output).toContain(words);
  });

  it('takes an address as it is pasted', () => {
    const place = new Place();
    const run = place.run(['--yes', '--address=http://[2001:db8::1]:8090/', 'install']);
    expect(run.output).toContain('srtla://[2001:db8::1]:5000?');
    expect(place.env().APP_URL).toBe('http://[2001:db8::1]:8090');
  });
});

describe('receiver.sh', () => {
  it('does not lose the key where an install ended before it was saved', () => {
    const place = new Place();
    place.run(['--yes', 'install'], { LOG: '', DOWN: '1000', RECEIVER_WAIT_SECONDS: '0' });
    expect(existsSync(place.path('.apikey'))).toBe(false);
    // Its ports are others now: the container, and its log, is made anew by `up`.
    const { calls } = place.install();
    expect(calls.findIndex((call) => call.includes(' logs '))).toBeLessThan(
      calls.findIndex((call) => call.includes(' up ')),
    );
  });

  it('says what is wrong and ends with 1 where the log cannot be read or the node stays away', () => {
    const place = new Place();
    const run = place.run(['--yes', 'install'], { LOG: '', DOWN: '1000', RECEIVER_WAIT_SECONDS: '0' });
    expect(run.code).toBe(1);
    expect(run.output).toContain('the node does not answer on port 8090');
  });

  it('writes over no kept compose file, and brings the last one back with the old image', () => {
    const place = new Place();
    place.write('docker-compose.yml', 'services: {old: {}}\n');
    place.install();
    expect(place.read('docker-compose.yml.backup')).toBe('services: {old: {}}\n');
    const before = place.read('docker-compose.yml');
    const compose = join(place.clone, 'docker/compose.yml');
    writeFileSync(compose, `${before}# newer\n`);
    expect(place.run(['--yes', 'update']).code).toBe(0);
    expect(place.read('docker-compose.yml.backup')).toBe('services: {old: {}}\n');
    expect(place.read('docker-compose.yml.backup.2')).toBe(before);
    writeFileSync(compose, `${before}# broken\n`);
    const broken = place.run(['--yes', 'update'], { DOWN: '2', RECEIVER_WAIT_SECONDS: '0' });
    expect(broken.output).toContain('going back');
    expect(place.read('docker-compose.yml')).toBe(`${before}# newer\n`);
  });

  it('builds with the updates of the day, and with what is here where there is no registry', () => {
    const place = new Place();
    const { calls } = place.install({ NO_REGISTRY: '1' });
    const builds = calls.filter((call) => call.includes(' build '));
    expect(builds).toHaveLength(2);
    expect(builds[0]).toMatch(/build --pull --build-arg UPDATES=\d{4}-\d\d-\d\d$/);
    expect(builds[1]).not.toContain('--pull');
  });

  it('pulls another image, by .env or the environment, but not the one that it builds', () => {
    const pulls = (place: Place, env?: Record<string, string>): string[] =>
      place.install(env).calls.filter((call) => call.startsWith('docker pull'));
    expect(pulls(new Place('TRIBUTARY_IMAGE=tributary:local\n'))).toEqual([]);
    const place = new Place();
    expect(pulls(place, { TRIBUTARY_IMAGE: 'example.org/t:1' })).toEqual(['docker pull example.org/t:1']);
    expect(pulls(place)).toEqual(['docker pull example.org/t:1']);
  });

  it('takes a file of the operator beside its own', () => {
    const place = new Place();
    place.write('docker-compose.override.yml', 'services: {}\n');
    expect(place.install().calls.find((call) => call.includes(' up '))).toContain(
      '--file docker-compose.yml --file docker-compose.override.yml',
    );
  });

  it('saves and empties what a link of the data folder leads to', () => {
    const place = new Place();
    const disk = join(place.root, 'disk');
    mkdirSync(disk);
    writeFileSync(join(disk, 'streams.json'), '{}');
    symlinkSync(disk, place.path('data'));
    place.install();
    expect(place.run(['--yes', 'update']).code).toBe(0);
    const [backup] = readdirSync(place.path('backups'));
    expect(execFileSync('tar', ['-tf', place.path(`backups/${backup}`)], { encoding: 'utf8' })).toContain(
      'data/streams.json',
    );
    expect(place.run(['--yes', 'reset']).code).toBe(0);
    expect(readdirSync(disk)).toEqual([]);
    expect(existsSync(place.path('.apikey'))).toBe(false);
  });

  it('takes containers away, and nothing that is in a volume', () => {
    const place = new Place();
    place.install();
    const downs = ['stop', 'remove', 'reset'].flatMap((verb) =>
      place.run(['--yes', verb]).calls.filter((call) => call.includes(' down')),
    );
    expect(downs.map((call) => call.slice(call.indexOf(' down')))).toEqual(Array(3).fill(' down --remove-orphans'));
  });

  it('leaves no file behind where what is fetched is none', () => {
    const place = new Place();
    writeFileSync(join(place.clone, 'docker/compose.yml'), '<html>');
    const run = place.run(['--yes', 'install']);
    expect(run.output).toContain('is no compose file');
    expect(readdirSync(place.folder)).toEqual(['.env']);
  });
});
