'use strict';
// The commands in README.md and docs/*.md that a test runs: fenced blocks whose info string has `run`. See CONTRIBUTING.md, "Documentation".

const { readFileSync, readdirSync } = require('node:fs');
const { join, resolve } = require('node:path');

const ROOT = resolve(__dirname, '../..');

/** Where a block is run, by the value of `run`, and by which command. */
const PLACES = { test: 'npm test', fresh: 'npm run test:fresh', image: 'npm run test:image' };

const pages = () => [
  'README.md',
  ...readdirSync(join(ROOT, 'docs'))
    .filter((name) => name.endsWith('.md'))
    .map((name) => `docs/${name}`),
];

const ATTRIBUTE = /([a-z]+)(?:=(?:"([^"]*)"|(\S+)))?/g;

/** `sh run=fresh until="is up"` → { run: 'fresh', until: 'is up' }; a bare name has the value ''. */
const attributesOf = (info) => {
  const found = {};
  for (const [, name, quoted, bare] of info.matchAll(ATTRIBUTE)) found[name] = quoted ?? bare ?? '';
  return found;
};

/**
 * @returns {{page: string, line: number, language: string, place: string|undefined, until: string|undefined, text: string}[]} `place`
 *   is undefined for a block that is only to be read; `until`: the block goes on running, and has done its work once it has printed this
 */
const blocksOf = (page, markdown) => {
  const blocks = [];
  let open;
  for (const [index, line] of markdown.split('\n').entries()) {
    const fence = /^ {0,3}```(.*)$/.exec(line);
    if (!fence) {
      if (open) open.lines.push(line);
    } else if (open) {
      const { info, lines } = open;
      const [language = '', ...rest] = info.trim().split(/\s+/);
      const { run, until } = attributesOf(rest.join(' '));
      const place = run === undefined ? undefined : run || 'test';
      blocks.push({ page, line: open.line, language, place, until, text: `${lines.join('\n')}\n` });
      open = undefined;
    } else open = { info: fence[1], line: index + 1, lines: [] };
  }
  if (open) throw new Error(`${page} line ${open.line}: the block has no end`);
  return blocks;
};

const blocksIn = (page) => blocksOf(page, readFileSync(join(ROOT, page), 'utf8'));

/**
 * A block with the reader's own values in the place of what stands for them.
 * @param {string} text
 * @param {{repository?: string, key?: string, ports?: Record<string, number>, ids?: {publisher: string, player: string}}} values `ports`:
 *   those of the node by their usual numbers
 */
const filled = (text, { repository, key, ports = {}, ids }) => {
  let result = text.replace(/\bHOST:(\d+)/g, (_, port) => `127.0.0.1:${ports[port] ?? port}`);
  if (repository !== undefined) result = result.replaceAll('<this repository>', repository);
  if (key !== undefined) result = result.replace(/\bKEY\b/g, key);
  if (ids) result = result.replaceAll('live_…', ids.publisher).replaceAll('play_…', ids.player);
  return result;
};

module.exports = { PLACES, ROOT, blocksIn, blocksOf, filled, pages };
