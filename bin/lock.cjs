'use strict';
// One launcher at a time sets the clone up. The lock is a file that its holder touches every two seconds; one that has not been
// touched for a while belongs to a launcher that was killed. (Process ids would not do: containers may share a clone.)

const {
  closeSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  statSync,
  unlinkSync,
  utimesSync,
  writeSync,
} = require('node:fs');
const { dirname } = require('node:path');

const TOUCH_EVERY_MS = 2_000;
const STALE_AFTER_MS = 15_000;
const ASK_EVERY_MS = 200;

const pause = (ms) => new Promise((done) => setTimeout(done, ms));

const tryCreate = (file, content) => {
  try {
    const handle = openSync(file, 'wx');
    writeSync(handle, content);
    closeSync(handle);
    return true;
  } catch (error) {
    if (error.code === 'EEXIST') return false;
    throw error;
  }
};

/** Moves a stale lock out of the way; by renaming, so that of two launchers only one does. */
const removeStale = (file, staleAfterMs) => {
  try {
    if (Date.now() - statSync(file).mtimeMs < staleAfterMs) return;
    const aside = `${file}.${process.pid}`;
    const seen = readFileSync(file, 'utf8');
    renameSync(file, aside);
    if (readFileSync(aside, 'utf8') === seen) unlinkSync(aside);
    else renameSync(aside, file);
  } catch (error) {
    if (error.code !== 'ENOENT') throw error;
  }
};

/**
 * Waits for the lock and holds it until the returned function is called or the process ends.
 * @param {string} file
 * @param {{staleAfterMs?: number, onWait?: () => void}} [options]
 * @returns {Promise<() => void>}
 */
const acquireLock = async (file, options = {}) => {
  const content = `${process.pid} ${Date.now()} ${Math.random()}\n`;
  mkdirSync(dirname(file), { recursive: true });
  let told = false;
  while (!tryCreate(file, content)) {
    if (!told && options.onWait) options.onWait();
    told = true;
    removeStale(file, options.staleAfterMs || STALE_AFTER_MS);
    await pause(ASK_EVERY_MS);
  }
  const touch = setInterval(() => {
    try {
      utimesSync(file, new Date(), new Date());
    } catch {
      // Taken from us after a long sleep of the machine; release() then leaves it alone.
    }
  }, TOUCH_EVERY_MS);
  const release = () => {
    clearInterval(touch);
    process.removeListener('exit', release);
    try {
      if (readFileSync(file, 'utf8') === content) unlinkSync(file);
    } catch {
      // Gone already.
    }
  };
  process.on('exit', release);
  return release;
};

module.exports = { acquireLock };
