'use strict';
// Child processes: quiet ones of the set-up, whose output is kept for the case of failure, and the program itself.

const { spawn } = require('node:child_process');
const { constants } = require('node:os');

const KEPT_CHARACTERS = 40_000;

/** A set-up that cannot go on. `details` are lines to print under the message. */
class SetupError extends Error {
  constructor(message, details = []) {
    super(message);
    this.name = 'SetupError';
    this.details = details;
  }
}

const running = new Set();

const PARENT = process.ppid;
const ORPHAN_CHECK_MS = 500;

/** npm passes SIGTERM and SIGINT on, but one that is killed in another way cannot: then the program is stopped as well. */
const stopWhenOrphaned = (child) => {
  if (process.env.npm_lifecycle_event === undefined) return;
  const check = setInterval(() => {
    if (process.ppid === PARENT) return;
    clearInterval(check);
    child.kill('SIGTERM');
  }, ORPHAN_CHECK_MS);
  child.once('close', () => clearInterval(check));
};

/** Ends what the set-up has started, when the launcher itself is told to stop. */
const stopQuietChildren = (signal) => {
  for (const child of running) child.kill(signal);
};

/**
 * Runs a program to its end and gives its output; rejects with a `SetupError` naming `what` unless it ends with 0.
 * @param {string} what
 * @param {string} program
 * @param {string[]} args
 * @param {import('node:child_process').SpawnOptions} [options]
 * @returns {Promise<string>}
 */
const runQuietly = (what, program, args, options = {}) =>
  new Promise((done, fail) => {
    let output = '';
    const keep = (chunk) => {
      output = (output + chunk).slice(-KEPT_CHARACTERS);
    };
    const child = spawn(program, args, { ...options, stdio: ['ignore', 'pipe', 'pipe'] });
    running.add(child);
    child.stdout.setEncoding('utf8').on('data', keep);
    child.stderr.setEncoding('utf8').on('data', keep);
    child.once('error', (error) => {
      running.delete(child);
      fail(new SetupError(`${what} does not start: ${error.message}`));
    });
    child.once('close', (code, signal) => {
      running.delete(child);
      if (code === 0) done(output);
      else fail(new SetupError(`${what} failed (${signal || `exit code ${code}`})`, tellingLines(output)));
    });
  });

/** npm says what is wrong first, apt-get and compilers say it last. */
const tellingLines = (text) => {
  const lines = text
    .split('\n')
    .map((line) => line.trimEnd())
    .filter((line) => line !== '');
  return lines.length <= 25 ? lines : [...lines.slice(0, 10), '…', ...lines.slice(-14)];
};

const exitCodeOf = (code, signal) => (signal ? 128 + (constants.signals[signal] || 0) : code);

/**
 * Runs the program in the foreground and resolves with its exit code. SIGTERM and SIGHUP go on to it. What a terminal sends, it
 * sends to both of us: SIGINT is passed on only where there is no terminal, so that one Ctrl-C counts once. A second SIGHUP does no harm.
 * @param {string} program
 * @param {string[]} args
 * @param {import('node:child_process').SpawnOptions} options
 * @returns {Promise<number>}
 */
const runInForeground = (program, args, options) =>
  new Promise((done) => {
    const child = spawn(program, args, { ...options, stdio: 'inherit' });
    stopWhenOrphaned(child);
    const terminal = Boolean(process.stdin.isTTY);
    const relayed = new Map();
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
      const relay = () => {
        const again = Date.now() - (relayed.get(signal) || 0) < 500;
        if (again || (terminal && signal === 'SIGINT')) return;
        relayed.set(signal, Date.now());
        child.kill(signal);
      };
      process.removeAllListeners(signal);
      process.on(signal, relay);
    }
    child.once('error', (error) => {
      process.stderr.write(`tributary: ${program} does not start: ${error.message}\n`);
      done(1);
    });
    child.once('close', (code, signal) => done(exitCodeOf(code, signal)));
  });

module.exports = { SetupError, exitCodeOf, runInForeground, runQuietly, stopQuietChildren };
