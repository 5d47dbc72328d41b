import { type Html, html } from '../pages/html.ts';

/** Rows on one page; the search finds the others. */
export const MOST_ROWS = 200;

export const searchForm = (action: string, search: string, label: string): Html =>
  html`<form method="get" action="${action}" class="line card" role="search">
<label>${label}<input name="q" type="search" value="${search}" maxlength="100"></label><button class="plain">Search</button></form>`;

/** What has the words somewhere in its texts, as many as a page shows, and a line about the rest. */
export const found = <T>(
  rows: readonly T[],
  search: string,
  texts: (row: T) => readonly string[],
): { shown: readonly T[]; more: Html | undefined } => {
  const words = search.toLowerCase().split(/\s+/).filter(Boolean);
  const fits = rows.filter((row) => {
    const text = texts(row).join('\n').toLowerCase();
    return words.every((word) => text.includes(word));
  });
  const more = fits.length - MOST_ROWS;
  return {
    shown: fits.slice(0, MOST_ROWS),
    more: more > 0 ? html`<p class="soft">${more} more; search for them.</p>` : undefined,
  };
};
