import { bearer } from '../../stats/access.ts';
import type { AccessTokens } from './access-tokens.ts';
import type { Authenticator, Caller, HeaderBearer } from './authenticator.ts';
import type { Logins } from './logins.ts';

/** Callers by their access tokens. */
export class TokenAuthenticator implements Authenticator {
  readonly #tokens: AccessTokens;
  readonly #logins: Logins;

  constructor(tokens: AccessTokens, logins: Logins) {
    this.#tokens = tokens;
    this.#logins = logins;
  }

  authenticate(request: HeaderBearer): Promise<Caller | undefined> {
    return this.#callerOf(request, false);
  }

  authenticateRunningClient(request: HeaderBearer): Promise<Caller | undefined> {
    return this.#callerOf(request, true);
  }

  async #callerOf(request: HeaderBearer, mayBeExpired: boolean): Promise<Caller | undefined> {
    const text = bearer(request);
    const token = text === undefined ? undefined : await this.#tokens.read(text);
    if (!token || (token.isExpired && !mayBeExpired)) return undefined;
    const login = await this.#logins.bySid(token.sid);
    if (login?.userId !== token.userId || login.kind !== 'plugin') return undefined;
    await this.#logins.touch(login);
    return { userId: login.userId, sid: login.sid };
  }
}
