import { createHash } from 'node:crypto';

type Json = Record<string, unknown>;
interface Described extends Json {
  description?: string;
}

const escapeHtml = (text: unknown): string =>
  String(text ?? '').replace(/[&<>"']/g, (sign) => `&#${sign.charCodeAt(0)};`);

const STYLE = `
:root{color-scheme:light dark;--ink:#16202c;--soft:#5a6675;--line:#dde3ea;--back:#f3f5f8;--card:#fff;--link:#1d5fd0;--get:#0b7a52;--post:#1d5fd0;--patch:#9a5b00;--delete:#b3261e}
@media (prefers-color-scheme:dark){:root{--ink:#e6ebf2;--soft:#9aa6b5;--line:#2a3442;--back:#0c1118;--card:#141b26;--link:#7fb0ff;--get:#4fd3a1;--post:#7fb0ff;--patch:#f0b35a;--delete:#ff8a80}}
*{box-sizing:border-box}
body{margin:0;background:var(--back);color:var(--ink);font:16px/1.5 system-ui,sans-serif}
main{max-width:60rem;margin:0 auto;padding:1.5rem 1rem 4rem}
h1{font-size:1.7rem;margin:0 0 .25rem}
h2{font-size:1.25rem;margin:2.25rem 0 .75rem}
p{margin:.25rem 0 .75rem}
a{color:var(--link)}
.soft{color:var(--soft)}
nav ul{list-style:none;margin:.75rem 0 0;padding:0;display:flex;flex-wrap:wrap;gap:.4rem 1rem}
article{background:var(--card);border:1px solid var(--line);border-radius:12px;padding:1rem;margin:0 0 .9rem;scroll-margin-top:1rem}
h3{font-size:1rem;margin:0 0 .35rem;display:flex;flex-wrap:wrap;gap:.6rem;align-items:baseline}
code{font:.9em ui-monospace,SFMono-Regular,Menlo,monospace;overflow-wrap:anywhere}
.method{font-weight:700;text-transform:uppercase;font-size:.85rem}
.get{color:var(--get)}.post{color:var(--post)}.patch{color:var(--patch)}.delete{color:var(--delete)}
.scroll{overflow-x:auto}
table{border-collapse:collapse;width:100%;font-size:.92rem;margin:.5rem 0 0}
th,td{text-align:left;vertical-align:top;padding:.35rem .75rem .35rem 0;border-top:1px solid var(--line)}
th{color:var(--soft);font-weight:600}
td:first-child{white-space:nowrap}
td code{overflow-wrap:normal}
@media (max-width:40rem){
thead{display:none}
tr{display:grid;grid-template-columns:minmax(4rem,max-content) 1fr;gap:0 .75rem;border-top:1px solid var(--line);padding:.35rem 0}
td{border:0;padding:0}
td:first-child{white-space:normal}
td:nth-child(2){text-align:right}
td:nth-child(3){grid-column:1/-1;color:var(--soft)}
td:empty{display:none}
}
`;

/** One style of its own, nothing else. */
export const PAGE_HEADERS = {
  'content-type': 'text/html; charset=utf-8',
  'cache-control': 'no-store',
  'content-security-policy': `default-src 'none'; style-src 'sha256-${createHash('sha256').update(STYLE).digest('base64')}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`,
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
};

const PREFIX = '#/components/schemas/';
const link = (name: string): string => `<a href="#${escapeHtml(name)}">${escapeHtml(name)}</a>`;

/** The type of a value, in words. */
const typeOf = (schema: Json): string => {
  const { $ref, type, items, anyOf, const: fixed } = schema;
  const choices = schema.enum as unknown[] | undefined;
  if (typeof $ref === 'string') return link($ref.replace(PREFIX, ''));
  if (choices) return choices.map((one) => `<code>${escapeHtml(one)}</code>`).join(' ');
  if (fixed !== undefined) return `<code>${escapeHtml(fixed)}</code>`;
  if (Array.isArray(anyOf)) return anyOf.map((one) => typeOf(one as Json)).join(' or ');
  if (type === 'array') return `list of ${typeOf((items ?? {}) as Json)}`;
  const { minimum, maximum } = schema as { minimum?: number; maximum?: number };
  const isCapped = maximum !== undefined && maximum < Number.MAX_SAFE_INTEGER;
  const range = isCapped
    ? ` ${minimum ?? ''}–${maximum}`
    : minimum !== undefined && minimum > 0
      ? ` from ${minimum}`
      : '';
  return `${escapeHtml([type ?? 'anything'].flat().join(' or '))}${range}`;
};

const table = (head: readonly string[], rows: readonly (readonly string[])[]): string =>
  rows.length === 0
    ? ''
    : `<div class="scroll" tabindex="0"><table><thead><tr>${head.map((cell) => `<th>${cell}</th>`).join('')}</tr></thead><tbody>${rows
        .map((row) => `<tr>${row.map((cell) => `<td>${cell}</td>`).join('')}</tr>`)
        .join('')}</tbody></table></div>`;

const schemaRef = (content: unknown): string => {
  const [[type, media] = ['', {}]] = Object.entries((content ?? {}) as Record<string, { schema?: Json }>);
  const ref = media?.schema?.$ref;
  return typeof ref === 'string' ? link(ref.replace(PREFIX, '')) : `<code>${escapeHtml(type)}</code>`;
};

const operationOf = (path: string, method: string, operation: Json): string => {
  const parameters = (operation.parameters ?? []) as { name: string; in: string; description?: string; schema: Json }[];
  const body = operation.requestBody as { content?: unknown } | undefined;
  const answers = Object.entries(operation.responses as Record<string, { description: string; content?: unknown }>);
  return `<article id="${escapeHtml(operation.operationId)}"><h3><span class="method ${method}">${method}</span><code>${escapeHtml(path)}</code></h3>
<p>${escapeHtml(operation.summary)} <span class="soft">${escapeHtml(operation.description)}</span></p>
${body ? `<p>Body: ${schemaRef(body.content)}</p>` : ''}${table(
  ['Parameter', 'Type', ''],
  parameters.map((one) => [
    `<code>${escapeHtml(one.name)}</code> <span class="soft">${one.in}</span>`,
    `${typeOf(one.schema)}${one.schema.default === undefined ? '' : `, else <code>${escapeHtml(one.schema.default)}</code>`}`,
    escapeHtml(one.description),
  ]),
)}${table(
  ['Answer', '', ''],
  answers.map(([status, { description, content }]) => [status, schemaRef(content), escapeHtml(description)]),
)}</article>`;
};

const schemaOf = ([name, schema]: [string, Described]): string => {
  const properties = Object.entries((schema.properties ?? {}) as Record<string, Described>);
  const required = new Set((schema.required ?? []) as string[]);
  return `<article id="${escapeHtml(name)}"><h3>${escapeHtml(name)}</h3><p class="soft">${escapeHtml(schema.description)}</p>${table(
    ['Field', 'Type', ''],
    properties.map(([field, one]) => [
      `<code>${escapeHtml(field)}</code>${required.has(field) ? '' : ' <span class="soft">may be absent</span>'}`,
      typeOf(one),
      escapeHtml(one.description),
    ]),
  )}</article>`;
};

/** The OpenAPI document as a page to read: no script, nothing from elsewhere. */
export const apiPage = (document: Json): string => {
  const { info, paths, components, tags } = document as {
    info: { title: string; version: string; description: string };
    paths: Record<string, Record<string, Json>>;
    components: { schemas: Record<string, Described> };
    tags: { name: string }[];
  };
  const operations = Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ path, method, operation })),
  );
  const parts = tags.map(({ name }, index) => {
    const own = operations.filter(({ operation }) => (operation.tags as string[]).includes(name));
    return `<section><h2 id="part-${index}">${escapeHtml(name)}</h2>${own.map(({ path, method, operation }) => operationOf(path, method, operation)).join('')}</section>`;
  });
  const links = tags.map(({ name }, index) => `<li><a href="#part-${index}">${escapeHtml(name)}</a></li>`).join('');
  return `<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><title>${escapeHtml(info.title)} API</title><style>${STYLE}</style></head>
<body><main><header><h1>${escapeHtml(info.title)} API</h1><p class="soft">Version ${escapeHtml(info.version)} · <a href="openapi.json">openapi.json</a></p><p>${escapeHtml(info.description)}</p><p>A key goes into a header: <code>Authorization: Bearer KEY</code>.</p><nav aria-label="Parts"><ul>${links}<li><a href="#shapes">Shapes</a></li></ul></nav></header>
${parts.join('')}<section><h2 id="shapes">Shapes</h2>${Object.entries(components.schemas).map(schemaOf).join('')}</section></main></body></html>`;
};
