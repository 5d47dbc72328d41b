import { isSameSecret } from '../../stats/access.ts';
import type { HeaderBearer } from './authenticator.ts';
import { type Device, type Login, type Logins, WEB_IDLE_MS } from './logins.ts';
import { macOf, randomToken } from './secrets.ts';
import type { User, Users } from './users.ts';

const TOKEN = /^[a-z2-7]{26}$/;

/** Somebody who is signed in with a browser. */
export interface WebSession {
  readonly user: User;
  readonly login: Login;
  /** What every form of this browser carries. */
  readonly csrf: string;
}

/**
 * Cookies of browsers. One names the login; a browser without one has a cookie too, so that its sign-in form is bound to it. A form
 * carries a value that only who knows the cookie can make, which another site does not.
 */
export class WebSessions {
  readonly #users: Users;
  readonly #logins: Logins;
  readonly #isSecure: boolean;
  readonly #loginName: string;
  readonly #visitorName: string;

  /** @param isSecure people reach the pages by https alone: cookies are for it alone too */
  constructor(users: Users, logins: Logins, isSecure: boolean) {
    this.#users = users;
    this.#logins = logins;
    this.#isSecure = isSecure;
    // The prefix keeps subdomains from setting them.
    this.#loginName = isSecure ? '__Host-tributary-login' : 'tributary-login';
    this.#visitorName = isSecure ? '__Host-tributary-visitor' : 'tributary-visitor';
  }

  /** Who sends this, by the cookie. */
  async of(request: HeaderBearer): Promise<WebSession | undefined> {
    const secret = this.#read(request, this.#loginName);
    const login = secret === undefined ? undefined : await this.#logins.bySecret(secret);
    const user = login && (await this.#users.get(login.userId));
    return secret !== undefined && login && user ? { user, login, csrf: csrfOf(secret) } : undefined;
  }

  /** For a browser that is not signed in: what its forms carry, and the cookie to set where it has none yet. */
  visitor(request: HeaderBearer): { csrf: string; cookie?: string } {
    const known = this.#read(request, this.#visitorName);
    if (known !== undefined) return { csrf: csrfOf(known) };
    const secret = randomToken();
    return { csrf: csrfOf(secret), cookie: this.#cookie(this.#visitorName, secret, 86_400) };
  }

  /** @returns the cookie of a new login */
  async begin(userId: string, device: Device): Promise<string> {
    return this.#cookie(this.#loginName, await this.#logins.addWeb(userId, device), WEB_IDLE_MS / 1_000);
  }

  /** The cookie of a login that is in use, with a later end; undefined where it is young enough. */
  async renew(request: HeaderBearer, { login }: WebSession): Promise<string | undefined> {
    const secret = this.#read(request, this.#loginName);
    if (secret === undefined || !(await this.#logins.touch(login))) return undefined;
    return this.#cookie(this.#loginName, secret, WEB_IDLE_MS / 1_000);
  }

  /** @returns the cookie that takes the cookie away */
  async end({ login }: WebSession): Promise<string> {
    await this.#logins.end(login.sid, login.userId);
    return this.#cookie(this.#loginName, '', 0);
  }

  #read({ headers: { cookie } }: HeaderBearer, name: string): string | undefined {
    for (const pair of cookie?.split(';') ?? []) {
      const [given, value] = pair.trim().split('=', 2);
      if (given === name) return value !== undefined && TOKEN.test(value) ? value : undefined;
    }
    return undefined;
  }

  /** Lax: the approval page is opened from outside, by the client. */
  #cookie(name: string, value: string, maxAgeS: number): string {
    return `${name}=${value}; Path=/; Max-Age=${maxAgeS}; HttpOnly; SameSite=Lax${this.#isSecure ? '; Secure' : ''}`;
  }
}

const csrfOf = (secret: string): string => macOf(secret, 'csrf');

/** Whether a form, or the header of a script, was made for the browser that sends it. */
export const isRightCsrf = (given: string | null | undefined, due: string): boolean =>
  typeof given === 'string' && isSameSecret(given, due);
