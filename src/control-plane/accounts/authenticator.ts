import type { IncomingHttpHeaders } from 'node:http';

/** Whom a request comes from. */
export interface Caller {
  readonly userId: string;
  /** The login that the token belongs to. */
  readonly sid: string;
}

/** Anything that has headers: a fastify request will do. */
export interface HeaderBearer {
  readonly headers: IncomingHttpHeaders;
}

/** Reads `Authorization: Bearer JWT`. Both answer undefined for whatever is no valid token, and throw only what the database throws. */
export interface Authenticator {
  /** A token that has not expired, of a login that lasts. */
  authenticate(request: HeaderBearer): Promise<Caller | undefined>;
  /**
   * As `authenticate`, but an expired token counts as long as its login (`sid`) lasts: the OBS plugin copies its token into each running
   * relay client and never renews it there. For `relay/active` and `relay/health` only.
   */
  authenticateRunningClient(request: HeaderBearer): Promise<Caller | undefined>;
}
