import { Agent, get } from 'node:http';

export interface HttpTarget {
  port: number;
  path: string;
}

export interface HttpResult {
  requests: number;
  perSecond: number;
  /** Answers by status; 0 = no answer. */
  statuses: Record<number, number>;
  bytes: number;
  /** Milliseconds to the end of the answer, ascending. */
  latenciesMs: number[];
}

const TURN_MS = 5;
/** Requests under way at once; what is due beyond is left out rather than queued. */
const MAX_OPEN = 64;

/** So many GET requests a second, over the targets in turn, until `untilMs` (of performance.now()). */
export const requestSteadily = async (
  targets: readonly HttpTarget[],
  perSecond: number,
  untilMs: number,
): Promise<HttpResult> => {
  const agent = new Agent({ keepAlive: true, maxSockets: MAX_OPEN });
  const startedMs = performance.now();
  const result: HttpResult = { requests: 0, perSecond: 0, statuses: {}, bytes: 0, latenciesMs: [] };
  let due = 0;
  let open = 0;
  const count = (status: number): void => {
    result.statuses[status] = (result.statuses[status] ?? 0) + 1;
    open--;
  };
  const request = ({ port, path }: HttpTarget): void => {
    open++;
    const sentMs = performance.now();
    get({ host: '127.0.0.1', port, path, agent, timeout: 10_000 }, (answer) => {
      answer.on('data', (chunk: Buffer) => {
        result.bytes += chunk.length;
      });
      answer.on('end', () => {
        result.latenciesMs.push(performance.now() - sentMs);
        count(answer.statusCode ?? 0);
      });
    }).on('error', () => count(0));
    result.requests++;
  };
  while (performance.now() < untilMs) {
    const wanted = Math.floor(((performance.now() - startedMs) / 1_000) * perSecond);
    for (; due < wanted; due++) if (open < MAX_OPEN) request(targets[due % targets.length]!);
    await new Promise((done) => setTimeout(done, TURN_MS));
  }
  result.perSecond = result.requests / ((performance.now() - startedMs) / 1_000);
  for (const end = performance.now() + 5_000; open > 0 && performance.now() < end; ) {
    await new Promise((done) => setTimeout(done, TURN_MS));
  }
  agent.destroy();
  result.latenciesMs.sort((a, b) => a - b);
  return result;
};
