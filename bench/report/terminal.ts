import type { Drift } from '../baseline.ts';
import { type Check, fixed, passes, type ScenarioResult, type Table } from '../result.ts';

const width = (text: string): number => [...text].length;

/** Columns of text; the first to the left, the others to the right. */
export const renderTable = ({ title, columns, rows }: Table): string => {
  const widths = columns.map((name, i) => Math.max(width(name), ...rows.map((row) => width(row[i] ?? ''))));
  const isText = columns.map((_, i) => rows.some((row) => /[a-z]{3}/.test(row[i] ?? '')));
  const line = (cells: readonly string[]): string =>
    cells
      .map((cell, i) => {
        const room = ' '.repeat(Math.max(0, widths[i]! - width(cell)));
        return i === 0 || isText[i] ? cell + room : room + cell;
      })
      .join('  ')
      .trimEnd();
  return [title, line(columns), widths.map((n) => '─'.repeat(n)).join('  '), ...rows.map(line)]
    .map((text, i) => (i === 0 ? text : `  ${text}`))
    .join('\n');
};

export const checkTable = (title: string, checks: readonly Check[]): Table => ({
  title,
  columns: ['goal', 'measured', '', 'limit', ''],
  rows: checks.map((check) => {
    const passed = passes(check);
    const unit = check.unit === '×' ? '' : ` ${check.unit}`;
    return [
      check.name,
      `${numberOf(check.value)}${check.value === undefined ? '' : unit}`,
      check.relation,
      `${numberOf(check.goal)}${unit}`,
      passed === undefined ? 'not measured' : passed ? 'ok' : 'MISSED',
    ];
  }),
});

/** As many decimals as tell something. */
export const numberOf = (value: number | undefined): string =>
  fixed(
    value,
    value === undefined || Number.isInteger(value) ? 0 : Math.abs(value) < 100 ? 2 : Math.abs(value) < 1_000 ? 1 : 0,
  );

export const driftTable = (drifts: readonly Drift[]): Table => ({
  title: 'Against the stored baseline (ratio now ÷ ratio then; 15 % is noise)',
  columns: ['scenario', 'ratio', 'then', 'now', 'change', ''],
  rows: drifts.map(({ scenario, name, stored, now, change, verdict }) => [
    scenario,
    name,
    stored.toFixed(3),
    now.toFixed(3),
    `×${change.toFixed(2)}`,
    verdict === 'same' ? '' : verdict,
  ]),
});

export const renderResult = (result: ScenarioResult): string =>
  [
    `\n■ ${result.title}`,
    ...result.tables.map((table) => `\n${renderTable(table)}`),
    ...(result.checks.length > 0 ? [`\n${renderTable(checkTable('Goals', result.checks))}`] : []),
    ...(result.notes.length > 0 ? [''] : []),
    ...result.notes.map((note) => `! ${note}`),
  ].join('\n');

/** One line that is written over again on a terminal, a line each elsewhere. */
export class Progress {
  readonly #stream: NodeJS.WriteStream;
  readonly #startedMs = performance.now();
  #scenario = '';

  constructor(stream: NodeJS.WriteStream) {
    this.#stream = stream;
  }

  scenario(name: string): void {
    this.#scenario = name;
  }

  say(text: string): void {
    const seconds = Math.round((performance.now() - this.#startedMs) / 1_000);
    const line = `${String(Math.floor(seconds / 60))}:${String(seconds % 60).padStart(2, '0')} ${this.#scenario}: ${text}`;
    this.#stream.write(this.#stream.isTTY ? `\r\x1b[2K${line}` : `${line}\n`);
  }

  clear(): void {
    if (this.#stream.isTTY) this.#stream.write('\r\x1b[2K');
  }
}
