import { INDEX, type Part } from './library.ts';
import { escapeHtml, type RenderedPage } from './render.ts';

export interface Framed {
  readonly name: string;
  readonly page: RenderedPage;
  readonly parts: readonly Part[];
  readonly version: string;
  /** On the dashboard's port: the theme that was chosen there, and the way back. */
  readonly besideDashboard: boolean;
}

const link = (name: string, title: string, isHere: boolean): string =>
  `<li><a href="/docs${name === INDEX ? '' : `/${name}`}"${isHere ? ' aria-current="page"' : ''}>${escapeHtml(title)}</a></li>`;

const menu = (parts: readonly Part[], here: string): string =>
  parts
    .filter(({ pages }) => pages.length > 0)
    .map(
      ({ heading, pages }) =>
        `<h2>${escapeHtml(heading)}</h2><ul>${pages.map(({ name, title }) => link(name, title, name === here)).join('')}</ul>`,
    )
    .join('');

/** From this many sections on a page begins with a list of them. */
const LONG = 4;

const contents = ({ sections }: RenderedPage): string =>
  sections.length < LONG
    ? ''
    : `<details class="contents"><summary>On this page</summary><ul>${sections
        .map(({ id, text }) => `<li><a href="#${encodeURIComponent(id)}">${escapeHtml(text)}</a></li>`)
        .join('')}</ul></details>`;

/** The whole document. It runs no code of its own: the menu of a narrow screen is a `details` element. */
export const framedPage = ({ name, page, parts, version, besideDashboard }: Framed): string => {
  const title = name === INDEX ? 'Documentation' : page.title;
  const navigation = `<ul>${link(INDEX, 'All pages', name === INDEX)}</ul>${menu(parts, name)}`;
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escapeHtml(title)} · Tributary</title>
<link rel="stylesheet" href="/docs/style.css">
${besideDashboard ? '<script src="/theme.js"></script>\n<link rel="icon" href="/icon.svg" type="image/svg+xml">' : '<link rel="icon" href="data:,">'}
</head>
<body>
<a class="skip" href="#content">To the content</a>
<header><a class="brand" href="/docs">Tributary <span>documentation</span></a>${
    besideDashboard ? '<a class="back" href="/">Dashboard</a>' : ''
  }</header>
<details class="narrow"><summary>Pages</summary><nav aria-label="Pages, narrow">${navigation}</nav></details>
<div class="columns">
<nav class="wide" aria-label="Pages">${navigation}</nav>
<main id="content" tabindex="-1">
${contents(page)}${page.html}</main>
</div>
<footer>Tributary ${escapeHtml(version)}</footer>
</body>
</html>
`;
};
