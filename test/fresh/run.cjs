'use strict';
// README's two commands, the demo and docs/install.md on machines that have none of the dependencies.
//
//   sudo npm run test:fresh                            Debian 12 and Debian 13
//   sudo npm run test:fresh -- --release bookworm      one of them
//   sudo npm run test:fresh -- --only readme           … of the two commands and the demo; install: of docs/install.md and libsrt's fixes
//   sudo npm run test:fresh -- --all                   with every test: 10 minutes more for each
//   sudo npm run test:fresh -- --base FOLDER           keeps the bare machines there, and takes them from there
//
// Needs root, mmdebstrap and 3 GB in TMPDIR; makes each machine with the mirrors of this one. What the network asks for can be given:
// NODE_EXTRA_CA_CERTS (a file), FRESH_APT_CONF (a file of apt options), npm_config_registry, proxies. Tests what is committed.

const { createServer } = require('node:net');
const { blocksIn, filled, ROOT } = require('../docs/blocks.cjs');
const { Machine, whyNot } = require('./machine.cjs');

/** By the names of the settings, with the ports that the documents speak of. */
const PORTS = {
  SRTLA_PORT: 5000,
  SRT_SENDER_PORT: 4001,
  SRT_PLAYER_PORT: 4000,
  SLS_STATS_PORT: 8090,
  LINK_STATS_PORT: 5080,
  SLS_MGNT_PORT: 3000,
};
/** Of `npm test`, unless all are wanted: what depends on the distribution (libsrt, compiler, Node). The demo is played afterwards. */
const SOME_TESTS = [
  ...['test/wire', 'test/launcher/plan.test.ts', 'test/native/binding.test.ts', 'test/native/admission.test.ts'],
  ...['test/native/stream.test.ts', 'test/native/arguments.test.ts', 'test/native/stream-id.test.ts'],
];
/** Titles of the launcher's steps that are not due at a second start. (It looks whether the addon is as its sources are each time.) */
const SET_UP = /apt-get|npm packages|JavaScript|Node 24/;

const say = (text) => process.stdout.write(`${text}\n`);
const seconds = (ms) => `${(ms / 1000).toFixed(1)} s`;

const freePorts = async () => {
  const servers = await Promise.all(
    Object.keys(PORTS).map(
      (name) =>
        new Promise((done) => {
          const server = createServer();
          server.listen(0, '::', () => done([name, server]));
        }),
    ),
  );
  const ports = Object.fromEntries(servers.map(([name, server]) => [name, String(server.address().port)]));
  await Promise.all(servers.map(([, server]) => new Promise((done) => server.close(done))));
  return ports;
};

const until = async (what, probe, limitMs = 60_000) => {
  for (const end = Date.now() + limitMs; ; await new Promise((done) => setTimeout(done, 100))) {
    const value = await probe().catch(() => undefined);
    if (value) return value;
    if (Date.now() > end) throw new Error(`waited ${limitMs / 1000} s in vain for: ${what}`);
  }
};

/** Runs the blocks of a page that are meant for a fresh machine. `after` is told of each, with what it has printed. */
const runPage = async (shell, page, values, change, after) => {
  for (const block of blocksIn(page).filter(({ place }) => place === 'fresh')) {
    const text = change(filled(block.text, values));
    const begin = Date.now();
    const done = block.until === undefined ? { output: await shell.run(text) } : await shell.start(text, block.until);
    say(`  ${page} line ${block.line}: ${text.trim().split('\n').at(-1)}: ${seconds(done.ms ?? Date.now() - begin)}`);
    await after(text, done);
  }
  await shell.stopLasting();
};

/** README: the two commands, and the demo. */
const testReadme = async (shell, machine, times, all) => {
  const change = (text) => (all ? text : text.replace(/^npm test$/m, `npm test -- ${SOME_TESTS.join(' ')}`));
  const statsPort = machine.env.SLS_STATS_PORT;
  await runPage(shell, 'README.md', { repository: machine.repository }, change, async (text, { ms, output }) => {
    if (/^npm start$/m.test(text)) {
      times.firstUrls = ms;
      if (!/Generated default admin API key: \w{32}/.test(output)) throw new Error(`no key was told:\n${output}`);
      for (const word of ['srtla://', 'srt://'])
        if (!output.includes(word)) throw new Error(`no ${word} URL:\n${output}`);
      times.stop = await shell.stopLasting();
      const again = await shell.start(text, 'Open in the firewall');
      times.secondUrls = again.ms;
      if (again.output.includes('admin API key')) throw new Error('the second start made another key');
      if (SET_UP.test(again.output)) throw new Error(`the second start set something up:\n${again.output}`);
    }
    if (/^npm test/m.test(text)) {
      const summary = output.match(/^.*(?:Test Files|Tests) .*$/gm) ?? [];
      say(summary.map((line) => `    ${line.trim()}`).join('\n'));
    }
    if (/tributary demo/.test(text)) {
      times.demoUrls = ms;
      const begin = Date.now();
      const [url, player] = /srt:\/\/\S*streamid=(play_[0-9a-f]+)\S*/.exec(output) ?? [];
      await until('the demo stream', async () => {
        const answer = await fetchJson(`http://127.0.0.1:${statsPort}/stats/${player}`);
        return answer.publisher?.bitrate > 1_000 || answer.publishers?.live?.bitrate > 1_000;
      });
      times.demoLive = ms + Date.now() - begin;
      const local = url.replace(/srt:\/\/[^?]*:/, 'srt://127.0.0.1:');
      await shell.run(`timeout 60 ffmpeg -v error -nostdin -i '${local}' -t 3 -f null -`);
      times.demoPlayed = ms + Date.now() - begin;
    }
  });
};

const fetchJson = (url) =>
  new Promise((done, fail) => {
    require('node:http')
      .get(url, (answer) => {
        let text = '';
        answer.setEncoding('utf8').on('data', (part) => (text += part));
        answer.on('end', () => {
          try {
            done(JSON.parse(text));
          } catch (error) {
            fail(error);
          }
        });
      })
      .on('error', fail);
  });

/** A libsrt without the fixes, where the distribution still has one: refused, let in by the setting, and mended as the text says. */
const testOldLibrary = async (shell) => {
  const versions = (await shell.run("apt-cache madison libsrt1.5-openssl | awk '{print $3}'")).trim().split('\n');
  const old = versions.at(-1);
  if (versions[0] === old) return say('  libsrt: the distribution has no other version to try');
  const both = `libsrt1.5-openssl=${old} libsrt-openssl-dev=${old}`;
  await shell.run(`apt-get install -y --allow-downgrades --no-install-recommends ${both}`);
  await shell.run('unset DATA_DIR TRIBUTARY_PUBLIC_HOST; cd /opt/tributary && mkdir -p /tmp/old');
  const refused = await shell.run('! DATA_DIR=/tmp/old ./tributary relay');
  if (!refused.includes(`nothing says that libsrt`) || !refused.includes(old))
    throw new Error(`not refused:\n${refused}`);
  const allowed = 'export DATA_DIR=/tmp/old TRIBUTARY_SRT_ALLOW_UNFIXED_LIBRARY=true\n./tributary relay';
  const { output } = await shell.start(allowed, 'Tributary is up');
  if (!output.includes('not known to have its security fixes')) throw new Error(`no warning:\n${output}`);
  await shell.stopLasting();
  const mend = /run `([^`]*)`/.exec(refused)?.[1];
  await shell.run(mend.replace('apt-get install', 'apt-get install -y'));
  await shell.start('export DATA_DIR=/tmp/old\n./tributary relay', 'Tributary is up');
  await shell.stopLasting();
  say(`  libsrt ${old}: refused, let in by the setting, mended with: ${mend}`);
};

const testRelease = async (release, { all, base, only }) => {
  const times = {};
  const begin = Date.now();
  const machine = Machine.make(release, await freePorts(), base);
  machine.repository = 'file:///srv/tributary.git';
  say(`${release}: a bare machine after ${seconds(Date.now() - begin)}`);
  try {
    // A bare copy inside: from there the blocks clone as they would over the network.
    const { spawnSync } = require('node:child_process');
    const cloned = spawnSync('git', [
      'clone',
      '--quiet',
      '--bare',
      `file://${ROOT}`,
      `${machine.root}/srv/tributary.git`,
    ]);
    if (cloned.status !== 0) throw new Error(`git clone: ${cloned.stderr}`);
    const shell = machine.shell();
    try {
      say(`  Node ${(await shell.run('node --version')).trim()}`);
      await shell.run('for tool in g++ pkg-config ffmpeg srt-live-transmit; do ! command -v $tool; done\ncd /root');
      if (only !== 'install') await testReadme(shell, machine, times, all);
      if (only !== 'readme') {
        const values = { repository: machine.repository };
        await runPage(
          shell,
          'docs/install.md',
          values,
          (text) => text,
          async () => {},
        );
        await testOldLibrary(shell);
      }
    } finally {
      await shell.close();
    }
  } catch (error) {
    // To remove the machine may take a while.
    say(`${release} failed: ${error.message}`);
    throw error;
  } finally {
    machine.remove();
  }
  return times;
};

const main = async (argv) => {
  const option = (name) => (argv.includes(name) ? argv[argv.indexOf(name) + 1] : undefined);
  const why = whyNot();
  if (why !== undefined) {
    say(`skipped: ${why}`);
    return 0;
  }
  const releases = option('--release')?.split(',') ?? ['bookworm', 'trixie'];
  const rows = [];
  for (const release of releases) {
    const times = await testRelease(release, {
      ...{ all: argv.includes('--all'), base: option('--base'), only: option('--only') },
    });
    rows.push([release, times]);
  }
  if (option('--only') !== 'install') {
    say('\n| | first `npm start` to URLs | second | its stop | demo to URLs | demo live | demo played for 3 s |');
    say('|---|---|---|---|---|---|---|');
    for (const [release, { firstUrls, secondUrls, stop, demoUrls, demoLive, demoPlayed }] of rows)
      say(
        `| ${[release, ...[firstUrls, secondUrls, stop, demoUrls, demoLive, demoPlayed].map(seconds)].join(' | ')} |`,
      );
  }
  say('all of it works on a fresh machine');
  return 0;
};

main(process.argv.slice(2)).then(
  (code) => process.exit(code),
  (error) => {
    process.stderr.write(`${error.stack.split('\n    at ').slice(0, 4).join('\n    at ')}\n`);
    process.exit(1);
  },
);
