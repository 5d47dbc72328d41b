import { mkdirSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { temporaryFolder } from '../../../test/support/data-dir.ts';
import { statsDeps } from '../../../test/support/stats-deps.ts';
import { createStatsServer } from '../stats-server.ts';
import { DocsLibrary, INDEX } from './library.ts';
import { anchorOf, renderPage } from './render.ts';

const library = new DocsLibrary(resolve(import.meta.dirname, '../../../docs'));
const nowhere = (): undefined => undefined;

describe('a page', () => {
  it('lets no HTML and no script address of its text through', () => {
    const { html } = renderPage(
      '# A <b>\n\n<script>x</script> <img src=x onerror=y>\n\n[a](javascript:x)\n',
      (href) => href,
    );
    expect(html).not.toMatch(/<script|<img|<b>|href="javascript/);
    expect(html).toContain('&lt;script&gt;');
  });
  it('keeps the words of a link that leads nowhere here', () => {
    expect(renderPage('see [the **file**](../src/a.ts) there', nowhere).html).toBe(
      '<p>see the <strong>file</strong> there</p>\n',
    );
  });
  it('has an anchor for each heading, a number behind it where it comes twice', () => {
    const { title, sections } = renderPage('# Top\n\n## `A` b\n\n## `A` b\n', nowhere);
    expect(title).toBe('Top');
    expect(sections.map(({ id }) => id)).toEqual(['a-b', 'a-b-1']);
    expect(anchorOf('Ports, and who')).toBe('ports-and-who');
  });
  it('shows no comment of its source', () => {
    expect(renderPage('<!-- made -->\n\ntext', nowhere).html).toBe('<p>text</p>\n');
  });
});

describe('the documentation', () => {
  it('has every page in its index, once', () => {
    const listed = library.parts.flatMap(({ pages }) => pages.map(({ name }) => name));
    expect(listed.sort()).toEqual(library.names.filter((name) => name !== INDEX).sort());
  });
  it.each([...library.names])('%s: its links and pictures are there', (name) => {
    const { html } = library.page(name)!;
    for (const [, target = ''] of html.matchAll(/(?:href|src)="([^"]*)"/g)) {
      if (target.startsWith('https:')) continue;
      const [path = '', anchor] = target.split('#');
      const file = path.replace(/^\/docs\/?/, '');
      if (library.attachment(file)) continue;
      const page = library.page(path === '' ? name : file || INDEX);
      expect(page, `${name}: ${target}`).toBeDefined();
      if (anchor !== undefined)
        expect(page!.html, `${name}: ${target}`).toContain(`id="${decodeURIComponent(anchor)}"`);
    }
  });
});

describe('/docs', () => {
  let app: ReturnType<typeof createStatsServer>['app'];
  beforeEach(async () => {
    ({ app } = createStatsServer(await statsDeps()));
  });
  afterEach(() => app.close());
  const get = (url: string) => app.inject({ method: 'GET', url });

  it('answers with the index, each page, its style and its pictures, and lets nothing run', async () => {
    for (const name of library.names.filter((one) => one !== INDEX)) {
      const { statusCode, headers, body } = await get(`/docs/${name}`);
      expect([name, statusCode, headers['content-type']]).toEqual([name, 200, 'text/html; charset=utf-8']);
      expect(headers['content-security-policy']).toMatch(/^default-src 'none'; style-src 'self'/);
      expect(body).not.toMatch(/<script|style="|\son\w+="/);
    }
    expect((await get('/docs')).body).toContain('aria-current="page">All pages');
    expect((await get('/docs/style.css')).headers['content-type']).toContain('text/css');
    const picture = await get('/docs/pictures/live-phone-dark.png');
    expect([picture.statusCode, picture.headers['content-type']]).toEqual([200, 'image/png']);
  });
  it('leads the names of files to their pages', async () => {
    expect((await get('/docs/api.md')).headers.location).toBe('/docs/api');
    expect((await get('/docs/README.md')).headers.location).toBe('/docs');
  });
  it('knows no file but its own', async () => {
    for (const path of [
      '../package.json',
      '%2e%2e/package.json',
      '..%2fpackage.json',
      '%2fetc%2fpasswd',
      'a%00',
      'none',
    ])
      expect((await get(`/docs/${path}`)).statusCode, path).toBe(404);
  });
});

it('a node without the folder has no pages', () => {
  const folder = temporaryFolder();
  const empty = new DocsLibrary(join(folder, 'none'));
  expect([empty.names, empty.parts, empty.page(INDEX)]).toEqual([[], [], undefined]);
  mkdirSync(join(folder, 'pictures'));
  writeFileSync(join(folder, 'secret.txt'), 'x');
  expect(new DocsLibrary(folder).attachment('secret.txt')).toBeUndefined();
});
