import type { TestNode } from './processes.ts';

/** What the management API of a node answers. */
export interface ApiAnswer {
  status: number;
  // biome-ignore lint/suspicious/noExplicitAny: tests look into answers of many shapes
  body: any;
}

/** Calls on port 8090 of a node, with its admin key unless another one is given. */
export const api =
  (node: TestNode) =>
  async (method: string, path: string, body?: object, key = node.adminKey): Promise<ApiAnswer> => {
    const answer = await fetch(`http://127.0.0.1:${node.ports.stats}${path}`, {
      method,
      headers: { authorization: `Bearer ${key}` },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await answer.text();
    return { status: answer.status, body: text === '' ? undefined : JSON.parse(text) };
  };
