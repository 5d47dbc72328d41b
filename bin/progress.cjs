'use strict';
// Long steps show that they live: one line with the seconds on a terminal, a line now and then elsewhere. All on standard
// error, because standard output belongs to what the program prints.

const QUIET_MS = 400;
const PLAIN_EVERY_MS = 15_000;

const seconds = (ms) => (ms < 9_950 ? (ms / 1000).toFixed(1) : String(Math.round(ms / 1000)));

/**
 * Runs `work` under a title. Steps shorter than 0.4 s stay silent.
 * @template T
 * @param {string} title
 * @param {() => Promise<T>} work
 * @param {{isTTY?: boolean, write(text: string): unknown}} [stream]
 * @returns {Promise<T>}
 */
const withProgress = async (title, work, stream = process.stderr) => {
  const start = Date.now();
  let shown = false;
  const show = () => {
    const ms = Date.now() - start;
    if (stream.isTTY) stream.write(`\r  ${title} … ${Math.floor(ms / 1000)} s `);
    else stream.write(shown ? `  ${title} … ${Math.floor(ms / 1000)} s\n` : `  ${title} …\n`);
    shown = true;
  };
  let repeat;
  const first = setTimeout(() => {
    show();
    repeat = setInterval(show, stream.isTTY ? 1000 : PLAIN_EVERY_MS);
  }, QUIET_MS);
  const finish = (word) => {
    clearTimeout(first);
    clearInterval(repeat);
    if (shown)
      stream.write(`${stream.isTTY ? '\r\x1b[K' : ''}  ${title}: ${word} after ${seconds(Date.now() - start)} s\n`);
  };
  try {
    const result = await work();
    finish('done');
    return result;
  } catch (error) {
    finish('failed');
    throw error;
  }
};

module.exports = { withProgress };
