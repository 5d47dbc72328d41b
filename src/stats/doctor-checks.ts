import { readFileSync } from 'node:fs';
import type { Millis } from '../shared/clock.ts';
import type { NodePorts } from './stream-urls.ts';

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

/** `42 s`, `17 min`, `3 h 5 min`, `3 d 12 h`. */
const uptimeText = (uptimeMs: Millis): string => {
  const seconds = Math.round(uptimeMs / 1_000);
  if (seconds < 120) return `${seconds} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes} min`;
  const hours = Math.floor(minutes / 60);
  return hours < 24 ? `${hours} h ${minutes % 60} min` : `${Math.floor(hours / 24)} d ${hours % 24} h`;
};

export const portsCheck = (ports: NodePorts, uptimeMs: Millis): Check => ({
  fine: true,
  text: `node up for ${uptimeText(uptimeMs)}, listening on UDP ${ports.srtla.join(', ')} (SRTLA), ${ports.publish} (plain SRT), ${ports.play} (players), TCP ${ports.stats}, ${ports.links} (statistics)`,
});

/** net.core.rmem_max in bytes; undefined where the system does not say. */
export const receiveBufferLimit = (): number | undefined => {
  try {
    return Number(readFileSync('/proc/sys/net/core/rmem_max', 'utf8')) || undefined;
  } catch {
    return undefined;
  }
};
