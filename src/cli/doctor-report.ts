import type { DataPlaneSnapshot } from '../data-plane/snapshot.ts';
import type { Millis } from '../shared/clock.ts';
import { advanceChecklist, type ChecklistMemory, type ChecklistReport } from './checklist.ts';
import { causeLines } from './checklist-view.ts';
import type { UrlPorts } from './urls.ts';

/** One thing that was looked at. */
export interface Check {
  fine: boolean;
  text: string;
}

const MIB = 2 ** 20;
const WANTED_BUFFER_BYTES = 8 * MIB;
const LEAST_SRT = [1, 5, 1] as const;

/** @param maxBytes net.core.rmem_max, or undefined where the system does not say */
export const bufferCheck = (maxBytes: number | undefined): Check => {
  if (maxBytes === undefined) return { fine: true, text: 'UDP receive buffer: this system does not tell its limit' };
  const limit = `net.core.rmem_max is ${maxBytes} bytes`;
  if (maxBytes >= WANTED_BUFFER_BYTES) return { fine: true, text: `UDP receive buffer: ${limit}` };
  return {
    fine: false,
    text: `UDP receive buffer: ${limit}, bursts may be lost: sysctl -w net.core.rmem_max=${WANTED_BUFFER_BYTES} (in a container: on its host), then restart the node`,
  };
};

/** @param version as libsrt gives it: `1.5.1` */
export const srtCheck = (version: string): Check => {
  const parts = version.split('.').map((part) => Number.parseInt(part, 10) || 0);
  const difference = LEAST_SRT.map((least, i) => (parts[i] ?? 0) - least).find((value) => value !== 0) ?? 0;
  const text = `libsrt ${version}`;
  return difference >= 0
    ? { fine: true, text }
    : { fine: false, text: `${text}: ${LEAST_SRT.join('.')} or newer is needed` };
};

export const portsCheck = (ports: UrlPorts, uptimeMs: Millis): Check => ({
  fine: true,
  text: `node up for ${Math.round(uptimeMs / 1_000)} s, listening on UDP ${ports.srtla.join(', ')} (SRTLA), ${ports.publish} (plain SRT), ${ports.play} (players), TCP ${ports.stats}, ${ports.links} (statistics)`,
});

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
