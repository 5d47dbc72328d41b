import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type RenderedPage, renderPage } from './render.ts';

/** The page that leads to all others. */
export const INDEX = 'README';

/** What the files beside the pages are sent as, by their ending. */
const TYPES: Readonly<Record<string, string>> = {
  png: 'image/png',
  svg: 'image/svg+xml',
  json: 'application/json',
};
const FOLDERS = ['', 'pictures'];

/** One part of the index: a heading and the pages below it. */
export interface Part {
  readonly heading: string;
  readonly pages: readonly { readonly name: string; readonly title: string }[];
}

interface Attachment {
  readonly path: string;
  readonly type: string;
}

const namesIn = (folder: string): string[] => {
  try {
    return readdirSync(folder);
  } catch {
    // Without the folder there is no documentation, and a node all the same.
    return [];
  }
};

const OUTSIDE = /^(?:https:|#)/;

/**
 * The pages of a folder `docs`. Which files there are is looked at once: a request chooses among them and never makes a path.
 */
export class DocsLibrary {
  readonly #folder: string;
  readonly #pages = new Set<string>();
  readonly #attachments = new Map<string, Attachment>();
  readonly #rendered = new Map<string, RenderedPage>();
  #parts: readonly Part[] | undefined;

  constructor(folder: string) {
    this.#folder = folder;
    for (const sub of FOLDERS)
      for (const name of namesIn(join(folder, sub))) {
        const type = TYPES[name.slice(name.lastIndexOf('.') + 1)];
        if (type !== undefined)
          this.#attachments.set(sub === '' ? name : `${sub}/${name}`, { path: join(folder, sub, name), type });
        else if (sub === '' && name.endsWith('.md')) this.#pages.add(name.slice(0, -3));
      }
  }

  get names(): readonly string[] {
    return [...this.#pages];
  }

  /** @returns undefined where there is no page of this name */
  page(name: string): RenderedPage | undefined {
    if (!this.#pages.has(name)) return undefined;
    const known = this.#rendered.get(name);
    if (known) return known;
    const page = renderPage(this.#text(name), (href) => this.targetOf(href));
    this.#rendered.set(name, page);
    return page;
  }

  /** A picture, or another file that pages lead to; its bytes are read for each request. */
  attachment(name: string): { bytes: Buffer; type: string } | undefined {
    const file = this.#attachments.get(name);
    return file && { bytes: readFileSync(file.path), type: file.type };
  }

  /** The headings of the index with the pages that are linked below each. */
  get parts(): readonly Part[] {
    this.#parts ??= this.#partsOfIndex();
    return this.#parts;
  }

  /** Where a link of a page leads: other hosts by HTTPS, this page, another page, or a file beside them. */
  targetOf(href: string): string | undefined {
    if (OUTSIDE.test(href)) return href;
    const [path = '', anchor] = href.split('#', 2);
    const hash = anchor === undefined ? '' : `#${anchor}`;
    if (path.endsWith('.md') && this.#pages.has(path.slice(0, -3))) {
      const name = path.slice(0, -3);
      return `/docs${name === INDEX ? '' : `/${name}`}${hash}`;
    }
    return this.#attachments.has(path) ? `/docs/${path}` : undefined;
  }

  #text(name: string): string {
    return readFileSync(join(this.#folder, `${name}.md`), 'utf8');
  }

  #partsOfIndex(): Part[] {
    const parts: { heading: string; pages: { name: string; title: string }[] }[] = [];
    if (!this.#pages.has(INDEX)) return parts;
    for (const line of this.#text(INDEX).split('\n')) {
      const heading = /^## (.+)$/.exec(line)?.[1];
      if (heading !== undefined) parts.push({ heading, pages: [] });
      for (const [, title = '', name = ''] of line.matchAll(/\[([^\]]+)\]\(([\w-]+)\.md\)/g))
        if (this.#pages.has(name)) parts.at(-1)?.pages.push({ name, title });
    }
    return parts;
  }
}
