/** Of the report: light or dark as the reader's system is. */
export const STYLES = `
:root { color-scheme: light dark; --page: #f6f7f9; --card: #fff; --ink: #1b2330; --soft: #667085; --rule: #e4e7ec; --grid: #edf0f3;
  --c0: #2f6fed; --c1: #e0663a; --c2: #1f9d77; --c3: #9b51c9; --c4: #c2902a; --c5: #d6437f; --c6: #4c8ea6; --c7: #6b7280;
  --ok: #12754f; --ok-back: #dcf5ea; --bad: #b42318; --bad-back: #fde7e4; --none: #667085; --none-back: #eceff3; }
@media (prefers-color-scheme: dark) { :root { --page: #10151d; --card: #18202b; --ink: #e6eaf0; --soft: #93a0b4; --rule: #2a3443; --grid: #232c39;
  --c0: #6ea0ff; --c1: #ff9167; --c2: #4fcda3; --c3: #c58aec; --c4: #e5b955; --c5: #f27fb0; --c6: #7fbdd3; --c7: #a3adbb;
  --ok: #6fdcb0; --ok-back: #12382b; --bad: #ff9b8f; --bad-back: #45201c; --none: #a3adbb; --none-back: #2a3443; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--page); color: var(--ink); font: 15px/1.5 system-ui, "Segoe UI", Roboto, "DejaVu Sans", sans-serif; }
header, main { max-width: 1180px; margin: 0 auto; padding: 0 24px; }
header { padding-top: 36px; }
h1 { margin: 0; font-size: 30px; letter-spacing: -0.02em; }
header > p { margin: 4px 0 14px; color: var(--soft); }
nav { display: flex; flex-wrap: wrap; gap: 6px; }
nav a { padding: 4px 12px; border: 1px solid var(--rule); border-radius: 999px; background: var(--card); color: inherit; font-size: 13px; text-decoration: none; }
nav a:hover { border-color: var(--c0); }
section { margin: 24px 0; padding: 22px 26px 26px; border: 1px solid var(--rule); border-radius: 14px; background: var(--card); }
h2 { margin: 0 0 14px; font-size: 20px; letter-spacing: -0.01em; }
h2 small { display: block; color: var(--c0); font-size: 12px; font-weight: 600; letter-spacing: 0.08em; text-transform: uppercase; }
h3 { margin: 24px 0 8px; font-size: 14px; color: var(--soft); font-weight: 600; }
.note { margin: 6px 0; padding: 7px 12px; border-left: 3px solid var(--c4); background: var(--none-back); border-radius: 4px; font-size: 13px; }
.note ul { margin: 4px 0; padding-left: 18px; }
.note summary { cursor: pointer; }
.plots { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 440px), 1fr)); gap: 22px; margin-top: 8px; }
figure { margin: 0; min-width: 0; }
figcaption { margin-bottom: 4px; font-weight: 600; font-size: 14px; }
svg { display: block; width: 100%; height: auto; font-size: 12px; }
svg text { fill: var(--soft); font-family: inherit; }
svg .axis { font-size: 12px; }
svg .value { fill: var(--ink); font-weight: 600; }
.grid { stroke: var(--grid); stroke-width: 1; fill: none; }
.line { fill: none; stroke-width: 2.25; stroke-linejoin: round; stroke-linecap: round; }
.limit { stroke: var(--bad); stroke-width: 1.25; stroke-dasharray: 5 4; fill: none; }
svg .limit-label { fill: var(--bad); font-size: 11px; }
${[0, 1, 2, 3, 4, 5, 6, 7]
  .map(
    (i) =>
      `.line.c${i} { stroke: var(--c${i}); } circle.c${i}, rect.c${i} { fill: var(--c${i}); } i.c${i} { background: var(--c${i}); }`,
  )
  .join('\n')}
.legend { display: flex; flex-wrap: wrap; gap: 4px 16px; margin: 4px 0 0 44px; padding: 0; list-style: none; color: var(--soft); font-size: 13px; }
.legend i { display: inline-block; width: 14px; height: 4px; margin-right: 6px; border-radius: 2px; vertical-align: middle; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-size: 13px; font-variant-numeric: tabular-nums; }
th { color: var(--soft); font-weight: 600; text-align: left; }
th, td { padding: 6px 8px; border-bottom: 1px solid var(--rule); white-space: nowrap; }
tbody tr:last-child td { border-bottom: 0; }
th:first-child, td:first-child { padding-left: 0; }
.n { text-align: right; }
.mark { display: inline-block; padding: 1px 10px; border-radius: 999px; font-size: 12px; font-weight: 600; }
.mark.ok { color: var(--ok); background: var(--ok-back); }
.mark.bad { color: var(--bad); background: var(--bad-back); }
.mark.none { color: var(--none); background: var(--none-back); }
.summary { display: flex; flex-wrap: wrap; gap: 8px; margin: 0 0 12px; }
@media print { section { break-inside: avoid; } body { background: #fff; } }
`;
