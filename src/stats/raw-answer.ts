import { STATUS_CODES } from 'node:http';
import type { Duplex } from 'node:stream';
import { errorAnswer } from './compat-sls.ts';

/** Answers on a connection that fastify does not have, and ends it. */
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
  socket.end([`HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}`, ...lines, '', body].join('\r\n'));
};
