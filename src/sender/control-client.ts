import { connect } from 'node:net';
import { codeOf, TributaryError } from '../shared/errors.ts';

const ANSWER_MS = 5_000;

/** What the control protocol answers with. */
export interface ControlAnswer {
  ok: boolean;
  error?: string;
}

/**
 * Sends one command to a running sender and returns its answer line.
 * @throws TributaryError TRIBUTARY_NODE_NOT_RUNNING
 */
export const askSender = (where: string, command: string): Promise<{ line: string; answer: ControlAnswer }> => {
  const path = where.startsWith('unix:') ? where.slice('unix:'.length) : where;
  const unreachable = (why: string, cause?: unknown): TributaryError =>
    new TributaryError(
      'TRIBUTARY_NODE_NOT_RUNNING',
      `no sender answers on ${path} (${why})`,
      `start one with --control unix:${path}`,
      cause,
    );
  return new Promise((resolve, reject) => {
    let text = '';
    const socket = connect(path, () => socket.write(`${command.replaceAll('\n', ' ')}\n`));
    socket.setEncoding('utf8');
    socket.setTimeout(ANSWER_MS, () => socket.destroy(unreachable('no answer')));
    socket.on('error', (error) =>
      reject(error instanceof TributaryError ? error : unreachable(codeOf(error) ?? 'failed', error)),
    );
    socket.on('close', () => reject(unreachable('it hung up')));
    socket.on('data', (chunk: string) => {
      text += chunk;
      const end = text.indexOf('\n');
      if (end < 0) return;
      socket.destroy();
      const line = text.slice(0, end);
      try {
        resolve({ line, answer: JSON.parse(line) as ControlAnswer });
      } catch (error) {
        reject(unreachable('it speaks another protocol', error));
      }
    });
  });
};
