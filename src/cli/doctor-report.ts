import type { DataPlaneSnapshot } from '../data-plane/snapshot.ts';
import type { Millis } from '../shared/clock.ts';
import { advanceChecklist, type ChecklistMemory, type ChecklistReport } from '../stats/checklist.ts';
import type { Check } from '../stats/doctor-checks.ts';
import { causeLines } from './checklist-view.ts';

export const checkLines = (checks: readonly Check[]): string[] =>
  checks.map(({ fine, text }) => `${fine ? '  ok      ' : '  WARNING '}${text}`);

/** The step and, other than in the live view, its likely causes at once. */
export const stepLines = (report: ChecklistReport): string[] => [`> ${report.text}`, ...causeLines(report.causes)];

/**
 * Watches the node until something shows or `attempts` are over: one look cannot tell packets of now from packets of yesterday.
 * @param look the state of the node, and when it was (monotonic)
 */
export const watch = async (
  look: () => Promise<{ snapshot: DataPlaneSnapshot; now: Millis }>,
  memory: ChecklistMemory,
  attempts: number,
  pause: () => Promise<void>,
): Promise<ChecklistReport> => {
  let seen = memory;
  for (let attempt = 1; ; attempt++) {
    const { snapshot, now } = await look();
    const { memory: next, report } = advanceChecklist(seen, snapshot, now);
    if (report.step !== 'waiting' || attempt >= attempts) return report;
    seen = next;
    await pause();
  }
};
