import { createHash } from 'node:crypto';
import { type Html, html, type Part } from './html.ts';
import { STYLE } from './style.ts';

export interface PageUser {
  readonly displayName: string;
  readonly isAdmin: boolean;
  /** For the sign-out form. */
  readonly csrf: string;
}

export interface Notice {
  readonly kind: 'good' | 'bad';
  readonly text: Part;
}

export interface PageOptions {
  readonly title: string;
  /** Who is signed in. */
  readonly user?: PageUser | undefined;
  /** The path of the menu entry that this page belongs to. */
  readonly section?: string;
  readonly notice?: Notice | undefined;
  /** A form in the middle of the screen rather than a page of tables. */
  readonly narrow?: boolean;
}

/** Where the style sheet is. The name changes with its content, since browsers keep it. */
export const STYLE_PATH = `/assets/pages-${createHash('sha256').update(STYLE).digest('hex').slice(0, 8)}.css`;

const ADMIN_MENU = [
  ['/admin/nodes', 'Nodes'],
  ['/admin/sessions', 'Sessions'],
  ['/admin/users', 'Users'],
  ['/admin/slots', 'Slots'],
] as const;
const MENU = [['/account', 'My account']] as const;

/** The hidden field that shows that a form was made for this very browser. */
export const csrfField = (csrf: string): Html => html`<input type="hidden" name="csrf" value="${csrf}">`;

/** A form of one button. */
export const buttonForm = (
  action: string,
  label: string,
  csrf: string,
  {
    kind = 'plain',
    fields = {},
    about,
  }: { kind?: string; fields?: Readonly<Record<string, string>>; about?: string } = {},
): Html =>
  html`<form method="post" action="${action}">${csrfField(csrf)}${Object.entries(fields).map(
    ([name, value]) => html`<input type="hidden" name="${name}" value="${value}">`,
  )}<button class="${kind}"${about === undefined ? '' : html` aria-label="${about}"`}>${label}</button></form>`;

const menu = (user: PageUser, section: string | undefined): Html =>
  html`<nav aria-label="Main">${[...(user.isAdmin ? ADMIN_MENU : []), ...MENU].map(
    ([path, label]) => html`<a href="${path}"${path === section ? html` aria-current="page"` : ''}>${label}</a>`,
  )}</nav>`;

/** A whole page. */
export const page = ({ title, user, section, notice, narrow = false }: PageOptions, body: Part): Html =>
  html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="robots" content="noindex">
<title>${title} · Tributary</title>
<link rel="stylesheet" href="${STYLE_PATH}">
<link rel="icon" href="data:,">
</head>
<body>
<a class="skip" href="#content">Skip to the content</a>
<header><div class="bar"><a class="brand" href="/">Tributary</a>${
    user && [
      menu(user, section),
      html`<span class="soft who">${user.displayName}</span>`,
      buttonForm('/sign-out', 'Sign out', user.csrf),
    ]
  }</div></header>
<main id="content"${narrow ? html` class="narrow"` : ''}>
<h1>${title}</h1>
${notice && html`<p class="card notice ${notice.kind}" role="${notice.kind === 'bad' ? 'alert' : 'status'}">${notice.text}</p>`}
${body}
</main>
</body>
</html>
`;

export interface Column {
  readonly label: string;
  readonly isNumber?: boolean;
}

/** A table that turns into cards on a narrow screen; `empty` where there are no rows. */
export const table = (
  caption: string,
  columns: readonly Column[],
  rows: readonly (readonly Part[])[],
  empty: string,
): Html =>
  rows.length === 0
    ? html`<p class="card soft">${empty}</p>`
    : html`<div class="scroll"><table role="table" aria-label="${caption}"><thead role="rowgroup"><tr role="row">${columns.map(
        ({ label, isNumber }) =>
          html`<th role="columnheader" scope="col"${isNumber ? html` class="number"` : ''}>${label}</th>`,
      )}</tr></thead><tbody role="rowgroup">${rows.map(
        (cells) =>
          html`<tr role="row">${cells.map((cell, i) => {
            const { label = '', isNumber } = columns[i] ?? {};
            return html`<td role="cell"${isNumber ? html` class="number"` : ''} data-label="${label}"><div>${cell}</div></td>`;
          })}</tr>`,
      )}</tbody></table></div>`;
