import { STATUS_CODES } from 'node:http';
import type { Duplex } from 'node:stream';
import type { Millis } from '../shared/clock.ts';
import { errorAnswer } from './compat-sls.ts';

/** What an answer has to reach its reader. */
const ANSWER_MS: Millis = 500;

/** Answers on a connection that fastify does not have, and closes it, whether or not the other side reads or closes its half. */
export const rawAnswer = (
  socket: Duplex,
  status: number,
  message: string,
  headers: Readonly<Record<string, string | number>> = {},
): void => {
  const body = JSON.stringify(errorAnswer(message));
  const lines = Object.entries({
    'Content-Type': 'application/json',
    'Content-Length': Buffer.byteLength(body),
    Connection: 'close',
    ...headers,
  }).map(([name, value]) => `${name}: ${value}`);
  socket.on('error', () => {});
  const late = setTimeout(() => socket.destroy(), ANSWER_MS).unref();
  socket.once('close', () => clearTimeout(late));
  socket.end([`HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}`, ...lines, '', body].join('\r\n'));
};
