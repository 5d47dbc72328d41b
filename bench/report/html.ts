import type { Drift } from '../baseline.ts';
import { type Check, passes, type ScenarioResult, type Table } from '../result.ts';
import { STYLES } from './styles.ts';
import { escapeHtml, renderPlot } from './svg.ts';
import { driftTable, numberOf } from './terminal.ts';

const isNumeric = (cell: string): boolean => /^[-+×–]?[\d.\u202f–]*\s?[%\w/]*$/.test(cell) && /[\d–]|^$/.test(cell);

const table = ({ title, columns, rows }: Table): string => {
  const numeric = columns.map((_, i) => i > 0 && rows.every((row) => isNumeric(row[i] ?? '')));
  const cell = (tag: 'th' | 'td', text: string, i: number): string =>
    `<${tag}${numeric[i] ? ' class="n"' : ''}>${escapeHtml(text)}</${tag}>`;
  const line = (tag: 'th' | 'td', cells: readonly string[]): string =>
    `<tr>${cells.map((text, i) => cell(tag, text, i)).join('')}</tr>`;
  return `<h3>${escapeHtml(title)}</h3><div class="scroll"><table><thead>${line('th', columns)}</thead><tbody>${rows
    .map((row) => line('td', row))
    .join('')}</tbody></table></div>`;
};

const checkRow = (check: Check): string => {
  const passed = passes(check);
  const [mark, word] = passed === undefined ? ['none', 'not measured'] : passed ? ['ok', 'reached'] : ['bad', 'missed'];
  const unit = check.unit === '×' ? '' : ` ${check.unit}`;
  const value = check.value === undefined ? '–' : `${numberOf(check.value)}${unit}`;
  return `<tr><td>${escapeHtml(check.name)}</td><td class="n">${escapeHtml(value)}</td><td class="n">${check.relation} ${escapeHtml(`${numberOf(check.goal)}${unit}`)}</td><td><span class="mark ${mark}">${word}</span></td></tr>`;
};

const checks = (all: readonly Check[]): string =>
  all.length === 0
    ? ''
    : `<h3>Goals</h3><div class="scroll"><table><thead><tr><th>goal</th><th class="n">measured</th><th class="n">limit</th><th></th></tr></thead><tbody>${all.map(checkRow).join('')}</tbody></table></div>`;

/** Many of them mean a disturbed machine: one line says it, the rest can be opened. */
const notes = (all: readonly string[]): string => {
  if (all.length === 0) return '';
  const items = `<ul>${all.map((note) => `<li>${escapeHtml(note)}</li>`).join('')}</ul>`;
  if (all.length <= 2) return `<div class="note">${items}</div>`;
  return `<details class="note"><summary>${all.length} remarks on how far these numbers can be believed</summary>${items}</details>`;
};

const anchor = (scenario: string): string => scenario.replace(/[^a-z]+/g, '-');

const section = (result: ScenarioResult): string =>
  [
    `<section id="${anchor(result.scenario)}"><h2><small>${escapeHtml(result.scenario)}</small>${escapeHtml(result.title)}</h2>`,
    notes(result.notes),
    `<div class="plots">${result.plots.map(renderPlot).join('')}</div>`,
    checks(result.checks),
    ...result.tables.map(table),
    '</section>',
  ].join('');

const summary = (results: readonly ScenarioResult[]): string => {
  const all = results.flatMap((result) => result.checks.map(passes));
  const count = (value: boolean | undefined): number => all.filter((one) => one === value).length;
  const links = results.map(({ scenario }) => `<a href="#${anchor(scenario)}">${escapeHtml(scenario)}</a>`).join('');
  return `<p class="summary"><span class="mark ok">${count(true)} goals reached</span>${
    count(false) > 0 ? `<span class="mark bad">${count(false)} missed</span>` : ''
  }${count(undefined) > 0 ? `<span class="mark none">${count(undefined)} not measured</span>` : ''}</p><nav>${links}</nav>`;
};

/** One page, complete in itself: no scripts, no fonts, no network. */
export const renderHtml = (results: readonly ScenarioResult[], drifts: readonly Drift[], at: Date): string =>
  `<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><title>Tributary bench</title><style>${STYLES}</style></head><body><header><h1>Tributary bench</h1><p>${escapeHtml(
    `${at.toISOString().slice(0, 16).replace('T', ' ')} UTC · Node ${process.version} · what each number means is in bench/README.md`,
  )}</p>${summary(results)}</header><main>${results.map(section).join('')}${
    drifts.length > 0
      ? `<section id="baseline"><h2><small>baseline</small>Compared with the stored ratios</h2>${table(driftTable(drifts))}</section>`
      : ''
  }</main></body></html>\n`;
