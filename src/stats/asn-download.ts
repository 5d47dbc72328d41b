import { lookup as resolve } from 'node:dns';
import { request as httpRequest, type IncomingMessage, type RequestOptions } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { isIP, type LookupFunction } from 'node:net';
import { normaliseAddress } from '../shared/address.ts';
import type { Millis } from '../shared/clock.ts';
import { codeOf, messageOf, TributaryError } from '../shared/errors.ts';
import type { AsnSource } from './asn-sources.ts';
import { isPublicAddress } from './reserved-address.ts';

export interface DownloadLimits {
  readonly maxBytes: number;
  /** Without a byte. */
  readonly idleMs: Millis;
  readonly totalMs: Millis;
}

export const DOWNLOAD_LIMITS: DownloadLimits = { maxBytes: 512 * 2 ** 20, idleMs: 30_000, totalMs: 20 * 60_000 };

const MAX_REDIRECTS = 5;

export const downloadFailed = ({ name }: AsnSource, what: string, mend: string, cause?: unknown): TributaryError =>
  new TributaryError('TRIBUTARY_ASN_DOWNLOAD_FAILED', `${name} was not fetched: ${what}`, mend, cause);

/**
 * The bytes of a source as they come. Redirects are followed to public hosts with https only, so that nobody but who has written the URL
 * into the settings decides which host of the inner network is asked; credentials go to the first host alone.
 * @param enough ends the connection: nobody wants the rest
 * @throws TributaryError TRIBUTARY_ASN_DOWNLOAD_FAILED
 */
export async function* download(
  source: AsnSource,
  limits: DownloadLimits = DOWNLOAD_LIMITS,
  enough?: AbortSignal,
): AsyncGenerator<Buffer, void, undefined> {
  const late = AbortSignal.timeout(limits.totalMs);
  const signal = enough ? AbortSignal.any([late, enough]) : late;
  try {
    const response = await follow(source, limits, signal);
    let bytes = 0;
    for await (const chunk of response as AsyncIterable<Buffer>) {
      bytes += chunk.length;
      if (bytes > limits.maxBytes)
        throw downloadFailed(source, `it is larger than ${limits.maxBytes} bytes`, 'check the URL');
      yield chunk;
    }
    // A connection that breaks off ends the stream, too.
    if (!response.complete) throw downloadFailed(source, 'the connection broke off', TRY_AGAIN);
  } catch (error) {
    if (error instanceof TributaryError) throw error;
    const what = late.aborted ? `it took longer than ${limits.totalMs / 1_000} s` : (codeOf(error) ?? messageOf(error));
    throw downloadFailed(source, what, TRY_AGAIN, error);
  }
}

const TRY_AGAIN = 'check the network, and try again later';

const follow = async (source: AsnSource, limits: DownloadLimits, signal: AbortSignal): Promise<IncomingMessage> => {
  const first = new URL(source.url);
  let url = first;
  for (let redirects = 0; redirects <= MAX_REDIRECTS; redirects++) {
    const response = await ask(source, url, first, limits, signal);
    const { statusCode = 0, headers } = response;
    if (statusCode === 200) return response;
    response.destroy();
    const target = headers.location;
    if (![301, 302, 303, 307, 308].includes(statusCode) || target === undefined) throw refused(source, statusCode);
    if (!URL.canParse(target, url.href)) throw downloadFailed(source, 'it redirects to no URL', TRY_AGAIN);
    url = new URL(target, url);
    if (url.origin !== first.origin && url.protocol !== 'https:')
      throw downloadFailed(
        source,
        `it redirects to ${url.origin}, which is not https`,
        'give the URL of the file itself',
      );
  }
  throw downloadFailed(source, `it redirects more than ${MAX_REDIRECTS} times`, 'give the URL of the file itself');
};

const refused = (source: AsnSource, status: number): TributaryError => {
  if (status === 401 || status === 403)
    return downloadFailed(source, `it does not accept the token or key (${status})`, `check ${source.settings}`);
  if (status === 429) return downloadFailed(source, 'it was asked too often (429)', 'try again tomorrow');
  return downloadFailed(source, `it answers ${status}`, status < 500 ? `check ${source.settings}` : TRY_AGAIN);
};

const ask = (
  source: AsnSource,
  url: URL,
  first: URL,
  { idleMs }: DownloadLimits,
  signal: AbortSignal,
): Promise<IncomingMessage> =>
  new Promise((done, failed) => {
    const isFirst = url.origin === first.origin;
    const host = url.hostname.replace(/^\[|\]$/g, '');
    if (!isFirst && isIP(host) !== 0 && !isPublic(host)) throw notPublic(source, url.host);
    const options: RequestOptions = {
      signal,
      timeout: idleMs,
      headers: { accept: '*/*', 'user-agent': 'tributary' },
      ...(isFirst && source.credentials !== undefined ? { auth: source.credentials } : {}),
      ...(isFirst ? {} : { lookup: publicOnly(source) }),
    };
    let received: IncomingMessage | undefined;
    const request = (url.protocol === 'https:' ? httpsRequest : httpRequest)(url, options, (response) => {
      received = response;
      done(response);
    });
    request.on('timeout', () => {
      const silence = downloadFailed(source, `nothing came for ${idleMs / 1_000} s`, TRY_AGAIN);
      (received ?? request).destroy(silence);
    });
    request.on('error', failed);
    request.end();
  });

const isPublic = (address: string): boolean => isPublicAddress(normaliseAddress(address));

const notPublic = (source: AsnSource, host: string): TributaryError =>
  downloadFailed(source, `it redirects to ${host}, which is no public host`, 'give the URL of the file itself');

/** What a name resolves to when the connection is made, and not what it resolved to when it was looked at. */
const publicOnly =
  (source: AsnSource): LookupFunction =>
  (name, options, callback) => {
    resolve(name, { ...options, all: true }, (error, addresses) => {
      if (error) return callback(error, '', 0);
      const usable = addresses.filter(({ address }) => isPublic(address));
      const [one] = usable;
      if (!one) return callback(notPublic(source, name), '', 0);
      return options.all ? callback(null, usable) : callback(null, one.address, one.family);
    });
  };
