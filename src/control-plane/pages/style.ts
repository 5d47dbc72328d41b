/** The one style sheet. Colours keep a contrast of 4.5 : 1 in both schemes; on a narrow screen each table row becomes a card. */
export const STYLE = `
:root {
  color-scheme: light dark;
  --ground: #f6f7f9; --card: #ffffff; --text: #1b1f24; --soft: #59636e; --line: #d5dae0;
  --accent: #0b5fc0; --on-accent: #ffffff; --good: #1a6e31; --warn: #8a5a00; --bad: #b3261e; --focus: #0b5fc0;
}
@media (prefers-color-scheme: dark) {
  :root {
    --ground: #101418; --card: #191f25; --text: #e7ebef; --soft: #9aa6b2; --line: #323b45;
    --accent: #6cb0ff; --on-accent: #08131f; --good: #6fce86; --warn: #e6b455; --bad: #ff8d85; --focus: #9ccaff;
  }
}
*, *::before, *::after { box-sizing: border-box; }
body {
  margin: 0; background: var(--ground); color: var(--text); overflow-wrap: break-word;
  font: 16px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Liberation Sans", sans-serif;
}
a { color: var(--accent); }
:focus-visible { outline: 3px solid var(--focus); outline-offset: 2px; border-radius: 4px; }
.skip { position: absolute; left: -999px; }
.skip:focus { left: 8px; top: 8px; background: var(--card); padding: 8px 12px; z-index: 1; }
header { background: var(--card); border-bottom: 1px solid var(--line); }
.bar { display: flex; flex-wrap: wrap; align-items: center; gap: 4px 16px; max-width: 1200px; margin: 0 auto; padding: 8px 16px; }
.brand { font-weight: 700; color: var(--text); text-decoration: none; }
nav { display: flex; flex-wrap: wrap; gap: 4px; flex: 1; }
nav a { padding: 6px 10px; border-radius: 6px; text-decoration: none; color: var(--text); }
nav a[aria-current] { background: var(--ground); font-weight: 600; box-shadow: inset 0 -2px 0 var(--accent); }
.bar form { margin: 0; }
main { max-width: 1200px; margin: 0 auto; padding: 16px; }
main.narrow { max-width: 480px; padding-top: 6vh; }
h1 { font-size: 1.5rem; line-height: 1.25; margin: 8px 0 16px; overflow-wrap: anywhere; }
h2 { font-size: 1.15rem; margin: 28px 0 10px; }
p { margin: 0 0 12px; }
.soft { color: var(--soft); }
.card { background: var(--card); border: 1px solid var(--line); border-radius: 10px; padding: 16px; margin: 0 0 16px; }
.card > :last-child { margin-bottom: 0; }
.notice { border-left: 4px solid var(--accent); }
.notice.bad { border-left-color: var(--bad); }
.notice.good { border-left-color: var(--good); }
.good { color: var(--good); } .warn { color: var(--warn); } .bad { color: var(--bad); }
.notice.good, .notice.bad { color: inherit; }
code { overflow-wrap: anywhere; font: 0.9em ui-monospace, "DejaVu Sans Mono", Menlo, Consolas, monospace; user-select: all; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: 6px 16px; margin: 0 0 16px; }
dt { color: var(--soft); } dd { margin: 0; overflow-wrap: anywhere; }
label { display: block; font-weight: 600; margin: 0 0 12px; }
label .soft { font-weight: 400; }
label.check { font-weight: 400; }
input, select {
  display: block; width: 100%; min-height: 44px; margin-top: 4px; padding: 9px 10px; font: inherit; font-weight: 400; color: inherit;
  background: var(--ground); border: 1px solid var(--soft); border-radius: 6px;
}
label.check input { display: inline-block; width: auto; min-height: 0; margin: 0 6px 0 0; }
button { min-height: 44px; }
td input { margin-top: 0; }
button, .button {
  display: inline-block; font: inherit; font-weight: 600; padding: 8px 14px; cursor: pointer; text-decoration: none;
  border-radius: 6px; border: 1px solid var(--accent); background: var(--accent); color: var(--on-accent); white-space: nowrap;
}
button.plain { background: transparent; color: var(--accent); }
button.danger { background: transparent; color: var(--bad); border-color: var(--bad); }
.row { display: flex; flex-wrap: wrap; gap: 8px; align-items: end; }
.row > form, .row > button { margin: 0; }
.row + p { margin-top: 12px; }
.row label { margin: 0; flex: 1 1 160px; }
form.stack { max-width: 480px; }
form.line { display: flex; flex-wrap: wrap; gap: 8px; align-items: end; margin: 0; }
form.line label { margin: 0; flex: 1 1 140px; }
form.card.line { margin-bottom: 16px; }
td form.line { flex-wrap: nowrap; }
.scroll { overflow-x: auto; margin: 0 0 16px; border: 1px solid var(--line); border-radius: 10px; background: var(--card); }
table { width: 100%; border-collapse: collapse; }
th, td { text-align: left; padding: 8px 12px; border-bottom: 1px solid var(--line); vertical-align: middle; }
tr:last-child > td { border-bottom: 0; }
th { color: var(--soft); font-weight: 600; font-size: 0.875rem; white-space: nowrap; }
td.number, th.number { text-align: right; font-variant-numeric: tabular-nums; }
td form { display: inline-block; margin: 2px 4px 2px 0; }
td time, td .good, td .warn, td .bad { white-space: nowrap; }
details { margin: 12px 0; }
td details { margin: 4px 0; }
details.card { margin: 0 0 16px; }
details[open] > summary { margin-bottom: 8px; }
details > summary { cursor: pointer; color: var(--accent); }
td summary { white-space: nowrap; }
@media (max-width: 760px) {
  nav { order: 1; flex: 1 0 100%; margin: 0 -10px; }
  .who { flex: 1; text-align: right; }
  .scroll { overflow: visible; border: 0; background: transparent; }
  table, tbody, tr, td { display: block; }
  thead { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }
  tr { background: var(--card); border: 1px solid var(--line); border-radius: 10px; margin: 0 0 12px; padding: 8px 0; }
  td, td.number { display: flex; justify-content: space-between; gap: 16px; text-align: right; border: 0; padding: 5px 14px; }
  td::before { content: attr(data-label); color: var(--soft); text-align: left; }
  td > div { min-width: 0; overflow-wrap: anywhere; }
  dl { grid-template-columns: 1fr; gap: 0; } dd { margin-bottom: 8px; }
  .row > *, .row form, .row button { flex: 1 1 100%; width: 100%; }
}
@media (prefers-reduced-motion: no-preference) { a, button { transition: background-color 0.1s; } }
`;
