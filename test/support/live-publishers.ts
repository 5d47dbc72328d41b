import { api } from './api-client.ts';
import type { TestNode } from './processes.ts';

/** The admin key of nodes that are asked for their streams: one that is made at the first start is told only then. */
export const API_KEY = 'a'.repeat(32);

export interface LivePublisher {
  readonly state: string;
  readonly uptimeMs: number;
}

/** Who is sending under this id; undefined: nobody. The node must have been started with `TRIBUTARY_API_KEY` = `API_KEY`. */
export const livePublisher = async (node: TestNode, publisherId: string): Promise<LivePublisher | undefined> => {
  const { body } = await api(node)('GET', '/api/streams', undefined, API_KEY);
  const streams = body.data as { publisher: string; publishers: LivePublisher[] }[];
  return streams.find(({ publisher }) => publisher === publisherId)?.publishers[0];
};
