import MarkdownIt from 'markdown-it';

/** What a page of the documentation becomes. */
export interface RenderedPage {
  /** The text of its first heading. */
  readonly title: string;
  readonly html: string;
  /** Second-level headings with their anchors, in order. */
  readonly sections: readonly { readonly id: string; readonly text: string }[];
}

/** Where a link of a page leads on this server; undefined where nothing is served: then only its words are shown. */
export type LinkTarget = (href: string) => string | undefined;

const COMMENT = /<!--[\s\S]*?-->\n*/g;

/** The anchor of a heading, as code hosts make it. */
export const anchorOf = (heading: string): string =>
  heading
    .trim()
    .toLowerCase()
    .replace(/[^\p{L}\p{N}\s_-]/gu, '')
    .replace(/\s/g, '-');

type Token = ReturnType<InstanceType<typeof MarkdownIt>['parse']>[number];

/** The words of a heading or a link, without their marks. */
const wordsOf = (tokens: readonly Token[]): string =>
  tokens
    .filter(({ type }) => type === 'text' || type === 'code_inline')
    .map(({ content }) => content)
    .join('');

/** Links that lead nowhere here lose their tags, and keep their words. */
const mendLinks = (tokens: Token[], targetOf: LinkTarget): void => {
  const dead: boolean[] = [];
  for (const token of tokens) {
    if (token.type === 'link_open') {
      const href = targetOf(String(token.attrGet('href') ?? ''));
      dead.push(href === undefined);
      if (href === undefined) Object.assign(token, { type: 'text', tag: '', content: '', nesting: 0 });
      else token.attrSet('href', href);
    } else if (token.type === 'link_close' && dead.pop())
      Object.assign(token, { type: 'text', tag: '', content: '', nesting: 0 });
    else if (token.type === 'image') {
      token.attrSet('src', targetOf(String(token.attrGet('src') ?? '')) ?? '');
      token.attrSet('loading', 'lazy');
    }
  }
};

/** No HTML of a page gets through: what looks like it is shown as it is written. */
const parser = new MarkdownIt({ html: false });
parser.renderer.rules.table_open = () => '<div class="scroll" role="region" aria-label="Table" tabindex="0"><table>\n';
parser.renderer.rules.table_close = () => '</table></div>\n';
parser.renderer.rules.fence = (tokens, index) =>
  `<pre tabindex="0"><code>${parser.utils.escapeHtml(tokens[index]!.content)}</code></pre>\n`;

/**
 * A page as HTML that holds no script, no style and no address but those that `targetOf` gives. A heading that comes twice has an anchor
 * with a number behind it, from the second on.
 */
export const renderPage = (markdown: string, targetOf: LinkTarget): RenderedPage => {
  const tokens = parser.parse(markdown.replace(COMMENT, ''), {});
  const sections: { id: string; text: string }[] = [];
  const seen = new Map<string, number>();
  let title = '';
  for (const [index, token] of tokens.entries()) {
    if (token.type === 'inline') mendLinks(token.children ?? [], targetOf);
    if (token.type !== 'heading_open') continue;
    const text = wordsOf(tokens[index + 1]?.children ?? []);
    const plain = anchorOf(text);
    const times = seen.get(plain) ?? 0;
    seen.set(plain, times + 1);
    const id = times === 0 ? plain : `${plain}-${times}`;
    token.attrSet('id', id);
    if (token.tag === 'h1' && title === '') title = text;
    if (token.tag === 'h2') sections.push({ id, text });
  }
  return { title, html: parser.renderer.render(tokens, parser.options, {}), sections };
};

export const escapeHtml = (text: string): string => parser.utils.escapeHtml(text);
