import type { DataPlaneSnapshot } from '../data-plane/snapshot.ts';
import { type Millis, monotonicNow } from '../shared/clock.ts';
import { advanceChecklist, type ChecklistMemory, NO_MEMORY, STUCK_AFTER_MS } from '../stats/checklist.ts';

/** What of a `NodeJS.WriteStream` is used. */
export interface ViewOutput {
  readonly isTTY?: boolean;
  readonly columns?: number;
  write(text: string): unknown;
}

const REFRESH_MS: Millis = 1_000;
const CLEAR_LINE = '\r\x1b[2K';
const DEFAULT_COLUMNS = 80;

/** Causes as lines to print. */
export const causeLines = (causes: readonly string[]): string[] =>
  causes.length === 0 ? [] : ['  likely:', ...causes.map((cause) => `    - ${cause}`)];

/** Never as wide as the terminal: a wrapped line could not be overwritten. */
const fit = (text: string, columns: number): string =>
  text.length < columns ? text : `${text.slice(0, Math.max(1, columns - 2))}…`;

/**
 * Prints the checklist: on a terminal one line that is overwritten, elsewhere a line for each change. Causes follow once for each
 * step that lasts longer than 30 s.
 */
export class ChecklistPrinter {
  readonly #output: ViewOutput;
  #memory: ChecklistMemory = NO_MEMORY;
  #shown = '';
  #explained = '';
  #hasLiveLine = false;

  constructor(output: ViewOutput) {
    this.#output = output;
  }

  /** @param now monotonic milliseconds */
  update(snapshot: DataPlaneSnapshot, now: Millis): void {
    const { memory, report } = advanceChecklist(this.#memory, snapshot, now);
    this.#memory = memory;
    if (report.forMs === 0) this.#explained = '';
    const causes = report.causes.join('\n');
    const explain = report.forMs >= STUCK_AFTER_MS && causes !== '' && causes !== this.#explained;
    const line = `> ${report.text}`;
    if (this.#output.isTTY) {
      // What stays goes first: the line that is overwritten is the last one.
      if (explain) this.#stay([line, ...causeLines(report.causes)]);
      this.#output.write(`${CLEAR_LINE}${fit(line, this.#output.columns || DEFAULT_COLUMNS)}`);
      this.#hasLiveLine = true;
    } else {
      if (report.key !== this.#shown) this.#stay([line]);
      if (explain) this.#stay(causeLines(report.causes));
    }
    this.#shown = report.key;
    if (explain) this.#explained = causes;
  }

  /** Leaves the last line standing. */
  close(): void {
    if (this.#hasLiveLine) this.#output.write('\n');
    this.#hasLiveLine = false;
  }

  #stay(lines: readonly string[]): void {
    const clear = this.#hasLiveLine ? CLEAR_LINE : '';
    this.#output.write(`${clear}${lines.join('\n')}\n`);
  }
}

/** Prints the checklist once a second until `stop()`. It keeps no process alive. */
export const createChecklistView = (options: {
  snapshot: () => DataPlaneSnapshot;
  output: ViewOutput;
}): { stop(): void } => {
  const printer = new ChecklistPrinter(options.output);
  const update = (): void => printer.update(options.snapshot(), monotonicNow());
  update();
  const timer = setInterval(update, REFRESH_MS).unref();
  return {
    stop() {
      clearInterval(timer);
      printer.close();
    },
  };
};
