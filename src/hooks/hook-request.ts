import { lookup as resolveName } from 'node:dns';
import { type RequestOptions, request as requestHttp } from 'node:http';
import { request as requestHttps } from 'node:https';
import { isIP, type LookupFunction } from 'node:net';
import { normaliseAddress } from '../shared/address.ts';
import type { Millis } from '../shared/clock.ts';
import { isPublicAddress } from '../stats/reserved-address.ts';

export interface HookTarget {
  url: URL;
  /** Addresses inside of a network may be called, too. */
  allowPrivate: boolean;
  limitMs: Millis;
}

const isCallable = (address: string, { allowPrivate }: HookTarget): boolean =>
  allowPrivate || isPublicAddress(normaliseAddress(address));

class ForbiddenAddress extends Error {}

const forbidden = (host: string): ForbiddenAddress =>
  new ForbiddenAddress(`${host} is no public address: hooks.allowPrivate lets hooks go there`);

/**
 * Names are looked up anew for each connection, and it goes to the very address that was judged: a name that leads elsewhere a moment
 * later is judged again. The lookup runs in Node's pool of threads.
 */
const judgedLookup =
  (target: HookTarget): LookupFunction =>
  (host, options, done) => {
    resolveName(host, { ...options, all: true }, (error, addresses) => {
      if (error) return done(error, '', 0);
      const good = addresses.filter(({ address }) => isCallable(address, target));
      const first = good[0];
      if (!first) return done(forbidden(host), '', 0);
      if (options.all) return (done as unknown as (error: null, all: typeof good) => void)(null, good);
      return done(null, first.address, first.family);
    });
  };

/**
 * One POST. Redirections are not followed, and of the answer only the status is read.
 * @throws Error where it was not answered with 2xx within the limit, looking up the name included
 */
export const postHook = (
  target: HookTarget,
  headers: Readonly<Record<string, string>>,
  body: string,
): Promise<void> => {
  const { url, limitMs } = target;
  const host = url.hostname.replace(/^\[|\]$/g, '');
  if (isIP(host) !== 0 && !isCallable(host, target)) return Promise.reject(forbidden(host));
  const options: RequestOptions = {
    method: 'POST',
    agent: false,
    lookup: judgedLookup(target),
    signal: AbortSignal.timeout(limitMs),
    headers: { ...headers, 'content-length': String(Buffer.byteLength(body)) },
  };
  return new Promise((resolve, reject) => {
    const send = url.protocol === 'https:' ? requestHttps : requestHttp;
    const request = send(url, options, (response) => {
      const status = response.statusCode ?? 0;
      response.on('error', () => {});
      response.destroy();
      if (status >= 200 && status < 300) resolve();
      else reject(new Error(`answered with ${status}`));
    });
    request.on('error', (error) =>
      reject(
        error.name === 'AbortError' || error.name === 'TimeoutError'
          ? new Error(`no answer within ${limitMs} ms`)
          : error,
      ),
    );
    request.end(body);
  });
};
