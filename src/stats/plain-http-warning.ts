import type { FastifyRequest } from 'fastify';
import type { Millis } from '../shared/clock.ts';
import type { Logger } from '../shared/logger.ts';
import { maskedAddress } from '../shared/masked-address.ts';
import { addressView } from '../shared/redact.ts';
import { type Callers, peerAddress } from './callers.ts';
import { isPublicAddress } from './reserved-address.ts';

/** How the name of every node's cookie begins. */
export const SESSION_COOKIE = 'tributary_';
const WARN_EVERY_MS: Millis = 3_600_000;

export const isEncrypted = ({ socket }: { readonly socket: object }): boolean =>
  (socket as { encrypted?: boolean }).encrypted === true;

const carriesKey = ({ headers, method, url }: FastifyRequest): boolean =>
  headers.authorization !== undefined ||
  (headers.cookie ?? '').includes(SESSION_COOKIE) ||
  (method === 'POST' && url === '/session');

/** Says, once an hour, that somebody manages the node from afar in a way in which keys can be read. */
export class PlainHttpWarning {
  readonly #logger: Logger;
  readonly #clock: () => Millis;
  #warnedMs = Number.NEGATIVE_INFINITY;

  constructor(logger: Logger, clock: () => Millis) {
    this.#logger = logger;
    this.#clock = clock;
  }

  /** To be told of every request; those count that carry a key, or the cookie that stands for one. */
  note(request: FastifyRequest, callers: Callers): void {
    if (!carriesKey(request)) return;
    const now = this.#clock();
    if (now - this.#warnedMs < WARN_EVERY_MS || isEncrypted(request.raw)) return;
    const address = callers.addressOf(request);
    // A proxy that says nothing of it may speak TLS with the client.
    if (address !== peerAddress(request) && request.headers['x-forwarded-proto'] !== 'http') return;
    if (!isPublicAddress(address)) return;
    this.#warnedMs = now;
    this.#logger.warn(
      'a key came over plain HTTP from the Internet, where it can be read on its way: set http.tlsCert and http.tlsKey, or put a proxy with a certificate in front',
      { address: maskedAddress(address, addressView()) },
    );
  }
}
