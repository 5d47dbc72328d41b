import { request as httpRequest } from 'node:http';
import { request as httpsRequest } from 'node:https';
import type { LookupFunction } from 'node:net';
import type { Millis } from '../shared/clock.ts';
import type { VettedLookup } from './vetted-lookup.ts';

/** From the question for its address to the first line of its answer. */
export const HOOK_TIMEOUT_MS: Millis = 3_000;

export interface HookRequest {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/**
 * POSTs once, to a vetted address; redirects are not followed, and of the answer nothing but the status is read.
 * @returns the status
 * @throws AddressRefused; Error where there was no answer in time
 */
export const postHook = async (
  { url: text, headers, body }: HookRequest,
  vetted: VettedLookup,
  timeoutMs = HOOK_TIMEOUT_MS,
): Promise<number> => {
  const url = new URL(text);
  const signal = AbortSignal.timeout(timeoutMs);
  const late = new Promise<never>((_resolve, reject) =>
    signal.addEventListener('abort', () => reject(new Error(`no answer within ${timeoutMs} ms`)), { once: true }),
  );
  late.catch(() => {});
  const found = await Promise.race([vetted.addressesOf(url.hostname), late]);
  const lookup: LookupFunction = (_host, options, done) => {
    if (options.all) done(null, [...found]);
    else done(null, found[0]!.address, found[0]!.family);
  };
  const answer = new Promise<number>((resolve, reject) => {
    const send = url.protocol === 'https:' ? httpsRequest : httpRequest;
    const request = send(
      url,
      {
        ...{ method: 'POST', agent: false, signal, lookup },
        headers: { ...headers, 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) },
      },
      (response) => {
        resolve(response.statusCode ?? 0);
        // A long answer is not ours to read. What breaks now has no one to tell.
        response.on('error', () => {});
        response.destroy();
      },
    );
    request.on('error', reject);
    request.end(body);
  });
  return await Promise.race([answer, late]);
};
