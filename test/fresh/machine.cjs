'use strict';
// A Debian of its own in a folder: nothing in it but what a fresh machine with nodejs, npm and git has. Shares the network of its host.

const { spawn, spawnSync } = require('node:child_process');
const { copyFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } = require('node:fs');
const { tmpdir } = require('node:os');
const { join } = require('node:path');

const PACKAGES = 'nodejs,npm,git,ca-certificates';
const CA_INSIDE = '/usr/local/share/ca-certificates/extra.crt';
const APT_CONF_INSIDE = '/etc/apt/apt.conf.d/99fresh';
/** What the network asks for goes in; npm's own variables are of the host's folders, and stay out. */
const PASSED_ON = ['npm_config_registry', 'http_proxy', 'https_proxy', 'no_proxy'];
const LOOK_MS = 20;

const sleep = (ms) => new Promise((done) => setTimeout(done, ms));

const run = (program, args) => {
  const { status, stdout, stderr, error } = spawnSync(program, args, { encoding: 'utf8', maxBuffer: 1 << 26 });
  if (status === 0) return stdout;
  throw new Error(
    `${program} ${args.slice(0, 4).join(' ')} …: ${error ? error.message : `exit code ${status}`}\n${stderr}`,
  );
};

/** Why there can be no such machine here, or undefined. */
const whyNot = () => {
  if (process.getuid() !== 0) return 'a root folder of its own needs root';
  if (spawnSync('mmdebstrap', ['--version']).status !== 0) return 'mmdebstrap is not installed';
  if (spawnSync('unshare', ['--mount', '--pid', '--fork', 'true']).status !== 0)
    return 'namespaces are not allowed here';
  return undefined;
};

/** The mirrors that the host uses, for another release; none where it is no Debian: mmdebstrap then takes its own. */
const sourcesFor = (release) => {
  const own = /^VERSION_CODENAME=(.*)$/m.exec(readFileSync('/etc/os-release', 'utf8'))?.[1];
  const format = '$(SITE) $(CODENAME)';
  const listed = spawnSync('apt-get', ['indextargets', '--format', format, 'Created-By: Packages'], {
    encoding: 'utf8',
  });
  const lines = new Set((listed.stdout ?? '').split('\n'));
  return ['', '-updates', '-security'].flatMap((part) => {
    const line = [...lines].find((one) => one.endsWith(` ${own}${part}`));
    return line === undefined ? [] : [`deb ${line.split(' ')[0]} ${release}${part} main`];
  });
};

/** @param {string|undefined} base a folder that keeps the packed machines; what is in it is not made anew */
const makeRoot = (release, root, base) => {
  const tar = base === undefined ? join(root, '..', `${release}.tar`) : join(base, `${release}.tar`);
  if (!existsSync(tar)) {
    const conf = process.env.FRESH_APT_CONF;
    const options = ['--quiet', '--variant=minbase', `--include=${PACKAGES}`, ...(conf ? [`--aptopt=${conf}`] : [])];
    run('mmdebstrap', [...options, release, tar, ...sourcesFor(release)]);
  }
  run('tar', ['-xf', tar, '-C', root, '--exclude=./dev/*']);
  if (base === undefined) rmSync(tar);
  // As on a machine that has just been set up: no lists.
  rmSync(join(root, 'var/lib/apt/lists'), { recursive: true, force: true });
  for (const file of ['resolv.conf', 'hosts']) copyFileSync(`/etc/${file}`, join(root, 'etc', file));
  if (process.env.FRESH_APT_CONF) copyFileSync(process.env.FRESH_APT_CONF, join(root, APT_CONF_INSIDE));
  if (process.env.NODE_EXTRA_CA_CERTS) copyFileSync(process.env.NODE_EXTRA_CA_CERTS, join(root, CA_INSIDE));
};

const ENTER = `mount -t proc proc "$1/proc" && mount --rbind /dev "$1/dev" && cd / && exec chroot "$1" /usr/bin/env -i "\${@:2}" bash -eo pipefail`;

/** What a block that was to go on running has ended with. */
const ENDED = '[the block has ended]';

class Machine {
  /** @param {string} release codename @param {Record<string, string>} env of everything that runs in it */
  static make(release, env, base) {
    const folder = mkdtempSync(join(tmpdir(), `fresh-${release}-`));
    const root = join(folder, 'root');
    mkdirSync(root);
    const machine = new Machine(folder, root, env);
    try {
      makeRoot(release, root, base);
    } catch (error) {
      machine.remove();
      throw error;
    }
    return machine;
  }

  constructor(folder, root, env) {
    this.folder = folder;
    this.root = root;
    const passed = Object.fromEntries(
      PASSED_ON.flatMap((name) => (process.env[name] ? [[name, process.env[name]]] : [])),
    );
    const ca = process.env.NODE_EXTRA_CA_CERTS ? { NODE_EXTRA_CA_CERTS: CA_INSIDE } : {};
    this.env = {
      HOME: '/root',
      PATH: '/usr/sbin:/usr/bin:/sbin:/bin',
      CI: 'true',
      NO_COLOR: '1',
      ...passed,
      ...ca,
      ...env,
    };
  }

  /** A shell in it. Everything that it starts ends with it. */
  shell() {
    return new Shell(this);
  }

  remove() {
    // A program does so several times faster than this process could.
    spawnSync('rm', ['-rf', '--one-file-system', this.folder]);
  }
}

/** Blocks run in one shell, one after another, so that `cd` and `export` last; a failing command ends it. */
class Shell {
  #machine;
  #child;
  #count = 0;
  #ended = false;
  #answers = '';
  /** The block that goes on running. */
  #lasting;

  constructor(machine) {
    this.#machine = machine;
    const env = Object.entries(machine.env).map(([name, value]) => `${name}=${value}`);
    const args = ['--mount', '--pid', '--fork', '--kill-child', 'bash', '-c', ENTER, '-', machine.root, ...env];
    this.#child = spawn('unshare', args, { stdio: ['pipe', 'pipe', 'inherit'] });
    this.#child.stdout.setEncoding('utf8').on('data', (text) => (this.#answers += text));
    this.#child.stdin.on('error', () => {});
    this.#child.once('close', () => (this.#ended = true));
  }

  #place(text) {
    const name = `tmp/block-${++this.#count}`;
    writeFileSync(join(this.#machine.root, `${name}.sh`), text);
    return name;
  }

  output(name) {
    try {
      return readFileSync(join(this.#machine.root, `${name}.out`), 'utf8');
    } catch {
      return '';
    }
  }

  async #until(what, name, limitMs, probe) {
    for (const end = Date.now() + limitMs; ; await sleep(LOOK_MS)) {
      const value = probe();
      if (value !== undefined) return value;
      if (this.#ended || Date.now() > end)
        throw new Error(
          `${what}: ${this.#ended ? 'failed' : `not within ${limitMs / 1000} s`}\n${this.output(name).slice(-4_000)}`,
        );
    }
  }

  /** Runs a block to its end. @returns its output */
  async run(text, limitMs = 1_800_000) {
    const name = this.#place(text);
    this.#child.stdin.write(`. /${name}.sh >/${name}.out 2>&1 </dev/null\necho "END ${name} "\n`);
    await this.#until(text.trim(), name, limitMs, () => (this.#answers.includes(`END ${name} `) ? true : undefined));
    return this.output(name);
  }

  /** Starts a block that goes on running, until the next one of that kind or `stopLasting`. @returns the time to `until`, ms, and its output so far */
  async start(text, until, limitMs = 1_800_000) {
    await this.stopLasting();
    const name = this.#place(text);
    const begin = Date.now();
    // A group of its own: a signal reaches what the block has started.
    this.#child.stdin.write(
      `setsid bash -c 'bash -eo pipefail /${name}.sh; echo "${ENDED} $?"' >/${name}.out 2>&1 </dev/null & lasting=$!\n`,
    );
    this.#lasting = name;
    const what = `${text.trim()} (until ${JSON.stringify(until)})`;
    const ms = await this.#until(what, name, limitMs, () => {
      const output = this.output(name);
      if (output.includes(until)) return Date.now() - begin;
      if (output.includes(ENDED)) throw new Error(`${what}: it has ended\n${output.slice(-4_000)}`);
      return undefined;
    });
    return { ms, name, output: this.output(name) };
  }

  /** @returns how long it took to end, ms */
  async stopLasting() {
    if (this.#lasting === undefined) return undefined;
    const [begin, name] = [Date.now(), this.#lasting];
    this.#lasting = undefined;
    await this.run('kill -TERM -- -$lasting 2>/dev/null || true\nwait $lasting || true\n', 20_000);
    // A node outlives the shell that it was started from, and says when it is done; one that logs warnings only says nothing.
    if (this.output(name).includes('"level":30'))
      await this.#until(
        'the end of the node',
        name,
        20_000,
        () => this.output(name).includes('"msg":"stopped"') || undefined,
      );
    return Date.now() - begin;
  }

  async close() {
    if (!this.#ended) await this.stopLasting().catch(() => {});
    this.#child.stdin.end();
    for (const end = Date.now() + 10_000; !this.#ended && Date.now() < end; await sleep(LOOK_MS));
    if (!this.#ended) this.#child.kill('SIGKILL');
  }
}

module.exports = { Machine, whyNot };
