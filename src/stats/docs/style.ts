const DARK = `
  --ground: #0b111c; --card: #131b29; --soft-card: #1a2435; --line: #243044; --text: #e9eef7; --muted: #99a6bd; --accent: #6ea8ff;
  color-scheme: dark;`;

/** The style sheet of the documentation: the dashboard's colours, since both are seen on one port. */
export const STYLE = `
:root {
  --ground: #f3f5f9; --card: #ffffff; --soft-card: #f0f3f8; --line: #dfe5ee; --text: #131b2a; --muted: #566178; --accent: #1f63d8;
  color-scheme: light;
}
@media (prefers-color-scheme: dark) { :root:not([data-theme="light"]) {${DARK}
} }
:root[data-theme="dark"] {${DARK}
}
*, *::before, *::after { box-sizing: border-box; }
html { -webkit-text-size-adjust: 100%; scroll-padding-top: 16px; }
body {
  margin: 0; background: var(--ground); color: var(--text);
  font: 16px/1.6 "Inter", system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", "DejaVu Sans", sans-serif;
}
a { color: var(--accent); }
:focus-visible { outline: 2px solid var(--accent); outline-offset: 2px; border-radius: 4px; }
main:focus { outline: none; }
.skip { position: absolute; left: -9999px; }
.skip:focus { left: 8px; top: 8px; padding: 8px 12px; background: var(--card); z-index: 1; }
header { display: flex; align-items: center; gap: 16px; padding: 12px 24px; background: var(--card); border-bottom: 1px solid var(--line); }
.brand { font-weight: 700; color: var(--text); text-decoration: none; }
.brand span { font-weight: 400; color: var(--muted); }
.back { margin-left: auto; }
.columns { display: grid; grid-template-columns: 230px minmax(0, 1fr); gap: 28px; max-width: 1240px; margin: 0 auto; padding: 24px; }
nav h2 { margin: 18px 0 4px; font-size: 13px; color: var(--muted); }
nav ul { margin: 0; padding: 0; list-style: none; }
nav a { display: block; padding: 5px 10px; border-radius: 8px; color: var(--text); text-decoration: none; font-size: 15px; line-height: 1.4; }
nav a:hover { background: var(--soft-card); }
nav a[aria-current] { background: var(--card); color: var(--accent); font-weight: 600; box-shadow: inset 3px 0 0 var(--accent); }
.narrow { display: none; background: var(--card); border-bottom: 1px solid var(--line); }
summary { cursor: pointer; padding: 10px 0; font-weight: 600; }
main { padding: 28px 36px; background: var(--card); border: 1px solid var(--line); border-radius: 14px; }
main > :first-child { margin-top: 0; }
h1, h2, h3 { line-height: 1.25; overflow-wrap: anywhere; }
h1 { margin: 0 0 16px; font-size: 28px; letter-spacing: -0.01em; }
main h2 { margin: 34px 0 10px; padding-top: 18px; border-top: 1px solid var(--line); font-size: 20px; }
main h3 { margin: 24px 0 8px; font-size: 16px; }
p, main ul, main ol { margin: 0 0 14px; max-width: 78ch; overflow-wrap: break-word; }
main ul, main ol { padding-left: 22px; }
main li { margin: 4px 0; }
code, pre { font: 0.88em/1.5 ui-monospace, "SF Mono", "Cascadia Mono", Menlo, "DejaVu Sans Mono", monospace; }
:not(pre) > code { padding: 1px 5px; border-radius: 5px; background: var(--soft-card); overflow-wrap: anywhere; }
pre { margin: 0 0 16px; padding: 13px 16px; overflow-x: auto; border-radius: 10px; background: var(--soft-card); }
.scroll { margin: 0 0 16px; overflow-x: auto; border: 1px solid var(--line); border-radius: 10px; }
table { width: 100%; border-collapse: collapse; font-size: 15px; line-height: 1.5; font-variant-numeric: tabular-nums; }
th, td { padding: 8px 12px; text-align: left; vertical-align: top; border-bottom: 1px solid var(--line); }
th { color: var(--muted); font-weight: 600; font-size: 14px; }
th:empty { padding: 0; }
tr:last-child > td { border-bottom: 0; }
td { min-width: 110px; }
td:last-child:not(:first-child) { min-width: 200px; }
img { max-width: 100%; height: auto; border-radius: 8px; }
img[src$=".svg"] { padding: 8px; background: #ffffff; }
blockquote { margin: 0 0 14px; padding-left: 14px; border-left: 3px solid var(--line); color: var(--muted); }
.contents { margin: 0 0 20px; padding: 0 16px; border-radius: 10px; background: var(--soft-card); }
.contents ul { padding-bottom: 10px; }
footer { padding: 0 24px 28px; text-align: center; color: var(--muted); font-size: 14px; }
@media (max-width: 860px) {
  header { padding: 12px 16px; }
  .narrow { display: block; padding: 0 16px; }
  .narrow nav { padding-bottom: 14px; }
  .narrow nav a { padding: 9px 10px; }
  .columns { display: block; padding: 12px; }
  .wide { display: none; }
  main { padding: 18px 16px; }
  h1 { font-size: 24px; }
}
`;
