import type { SessionView } from '../stats/dashboard-types.ts';

/** An answer that is no success, in the words of the node. */
export class ApiError extends Error {
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

let onSignedOut = (): void => {};

/** Called when an answer says that nobody is signed in any more. */
export const whenSignedOut = (then: () => void): void => {
  onSignedOut = then;
};

/** @throws ApiError; a network that is away is status 0 */
export const call = async <T>(method: string, path: string, body?: object): Promise<T> => {
  let answer: Response;
  try {
    answer = await fetch(path, {
      method,
      credentials: 'same-origin',
      ...(body === undefined ? {} : { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }),
    });
  } catch {
    throw new ApiError(0, 'The node does not answer');
  }
  const content = (await answer.json().catch(() => ({}))) as { message?: string };
  if (answer.ok) return content as T;
  if (answer.status === 401 && path !== '/session') onSignedOut();
  if (answer.status === 429) throw new ApiError(429, 'Too many requests: wait a minute');
  throw new ApiError(answer.status, content.message ?? `The node answered ${answer.status}`);
};

export const get = <T>(path: string): Promise<T> => call<T>('GET', path);

export const session = {
  look: (): Promise<SessionView> => get('/session'),
  open: (key: string): Promise<SessionView> => call('POST', '/session', { key }),
  close: (): Promise<unknown> => call('DELETE', '/session'),
};
