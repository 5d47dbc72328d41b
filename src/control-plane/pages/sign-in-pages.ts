import type { AccountsContext } from '../accounts/context.ts';
import { shortText } from '../accounts/context.ts';
import type { Invitation } from '../accounts/invitations.ts';
import type { Device } from '../accounts/logins.ts';
import { MIN_PASSWORD_LENGTH } from '../accounts/passwords.ts';
import { linkProblem } from '../accounts/user-changes.ts';
import { normaliseEmail, type User } from '../accounts/users.ts';
import { ApiError, invalidRequest } from '../api-error.ts';
import { type Html, html, type Part } from './html.ts';
import { csrfField, page } from './layout.ts';
import { type Answer, orShowAgain, type Site, safeNext, type Visit } from './site.ts';

const tooManyTries = (): ApiError => new ApiError(429, 'rate_limited', 'Too many tries. Wait a minute.');

const signInPage = (csrf: string, next: string, email = '', fault?: Part): Html =>
  page(
    { title: 'Sign in', narrow: true, notice: fault ? { kind: 'bad', text: fault } : undefined },
    html`<form method="post" action="/sign-in" class="card">${csrfField(csrf)}
<input type="hidden" name="next" value="${next}">
<label>E-mail address<input name="email" type="email" value="${email}" autocomplete="username" required autofocus></label>
<label>Password<input name="password" type="password" autocomplete="current-password" required></label>
<button>Sign in</button></form>
<p class="soft">No account, or no password any more? An administrator of this control plane can send you a link.</p>`,
  );

const newPassword = html`<label>Password <span class="soft">at least ${MIN_PASSWORD_LENGTH} characters</span><input name="password" type="password" autocomplete="new-password" minlength="${MIN_PASSWORD_LENGTH}" required></label>
<label>Password, once more<input name="again" type="password" autocomplete="new-password" required></label>`;

const ACCEPT_TITLES = { setup: 'Set up this control plane', user: 'Welcome', password: 'New password' } as const;

const acceptPage = (
  { kind, email }: Invitation,
  csrf: string,
  path: string,
  given: { email: string; name: string },
  fault?: Part,
): Html =>
  page(
    { title: ACCEPT_TITLES[kind], narrow: true, notice: fault ? { kind: 'bad', text: fault } : undefined },
    html`<form method="post" action="${path}" class="card">${csrfField(csrf)}
${
  kind === 'password'
    ? html`<p>Choose a new password. Everything that is signed in with the old one is signed out.</p>`
    : html`<p>${kind === 'setup' ? 'You become the first administrator.' : 'Choose how you want to sign in.'}</p>
<label>E-mail address<input name="email" type="email" value="${email ?? given.email}"${email === undefined ? '' : html` readonly`} autocomplete="username" required></label>
<label>Name <span class="soft">for the people here</span><input name="name" value="${given.name}" maxlength="64" autocomplete="nickname" required></label>`
}
${newPassword}
<button>${kind === 'password' ? 'Set password' : 'Create account'}</button></form>`,
  );

/** A browser, as the list of sign-ins shows it. */
const browserOf = ({ request, address }: Visit): Device => {
  const agent = String(request.headers['user-agent'] ?? '');
  const name = /Edg|OPR|Firefox|Chrome|Safari/.exec(agent)?.[0] ?? '';
  const system = /Windows|Android|iPhone|iPad|Mac OS|Linux/.exec(agent)?.[0] ?? '';
  const names: Readonly<Record<string, string>> = { Edg: 'Edge', OPR: 'Opera' };
  return { deviceName: shortText(names[name] ?? name) || 'Browser', platform: system, clientVersion: '', address };
};

/** Start page, sign-in and -out, and what the links of invitations lead to. */
export const signInPages = (site: Site, context: AccountsContext): void => {
  const { users, changes, invitations, passwords, webSessions, budgets, clock, logger } = context;

  /** @throws ApiError 429 @throws TributaryError TRIBUTARY_BUSY */
  const signIn = async (email: string, password: string, address: string): Promise<User | undefined> => {
    const now = clock();
    const account = normaliseEmail(email).slice(0, 254);
    // Right ones count too: they are known only afterwards, and many at once must not slip through.
    if (!budgets.triesFromAddress.take(address, now) || !budgets.triesForAccount.take(account, now))
      throw tooManyTries();
    const user = await users.byEmail(account);
    const isRight = await passwords.verify(password, user?.passwordHash);
    if (!user || !isRight || user.isDisabled) return undefined;
    if (passwords.isOutdated(user.passwordHash)) await users.setPassword(user.id, await passwords.hash(password));
    return user;
  };

  site.open('/', async ({ session }) => ({
    to: session ? (session.user.isAdmin ? '/admin/nodes' : '/account') : '/sign-in',
  }));

  site.open('/sign-in', async ({ session, csrf, query }) => {
    const next = safeNext(query('next'));
    return session ? { to: next } : signInPage(csrf, next);
  });
  site.openForm('/sign-in', async (visit): Promise<Answer> => {
    const email = visit.field('email');
    const next = safeNext(visit.field('next'));
    const user = await signIn(email, visit.field('password'), visit.address);
    if (user) {
      logger.info('signed in with a browser', { user: user.id });
      return { to: next, cookie: await webSessions.begin(user.id, browserOf(visit)) };
    }
    visit.reply.code(403);
    return signInPage(visit.csrf, next, email.slice(0, 254), 'Address or password is not right.');
  });
  site.form('/sign-out', 'user', async ({ session }) => ({ to: '/sign-in', cookie: await webSessions.end(session) }));

  /** @throws ApiError 404, 410, 429 */
  const invited = async ({ param, address }: Visit): Promise<{ token: string; invitation: Invitation }> => {
    const now = clock();
    if (budgets.triesFromAddress.isSpent(address, now)) throw tooManyTries();
    const token = param('token');
    const invitation = await invitations.look(token);
    if (typeof invitation !== 'string') return { token, invitation };
    budgets.triesFromAddress.take(address, now);
    throw linkProblem(invitation);
  };

  site.open('/invite/:token', async (visit) => {
    const { token, invitation } = await invited(visit);
    return acceptPage(invitation, visit.csrf, `/invite/${token}`, { email: '', name: '' });
  });
  site.openForm('/invite/:token', async (visit) => {
    const { token, invitation } = await invited(visit);
    const [email, name, password] = [visit.field('email'), visit.field('name'), visit.field('password')];
    return orShowAgain(
      visit,
      async () => {
        if (password !== visit.field('again')) throw invalidRequest('The two passwords differ.');
        const isReset = invitation.kind === 'password';
        const user = isReset
          ? await changes.resetPassword(token, password)
          : await changes.accept(token, { email, displayName: name, password });
        logger.info(isReset ? 'new password' : 'new user', { user: user.id });
        return user.isDisabled
          ? { to: '/sign-in' }
          : { to: '/', cookie: await webSessions.begin(user.id, browserOf(visit)) };
      },
      (fault) => acceptPage(invitation, visit.csrf, `/invite/${token}`, { email, name }, fault),
    );
  });
};
