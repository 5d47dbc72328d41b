import { type AccountsContext, baseUrl } from '../accounts/context.ts';
import type { Invitation } from '../accounts/invitations.ts';
import { checkedEmail } from '../accounts/user-changes.ts';
import type { User } from '../accounts/users.ts';
import { invalidRequest, notFound } from '../api-error.ts';
import { type Html, html, type Part } from '../pages/html.ts';
import { buttonForm, csrfField, type Notice, page, table } from '../pages/layout.ts';
import { orShowAgain, type SignedIn, type Site } from '../pages/site.ts';
import { pageUser } from '../pages/visitor.ts';
import { state, when } from '../pages/words.ts';
import { MAX_SLOTS } from '../slots/slot-table.ts';
import { adminNotice } from './notices.ts';
import { found, searchForm } from './search.ts';

const accessState = ({ isDisabled, entitlement: { relayAccess } }: User): Html => {
  if (isDisabled) return state('disabled', 'bad');
  return relayAccess === 'enabled' ? state('enabled', 'good') : state(relayAccess.replace('_', ' '), 'warn');
};

const userRow = (user: User, slots: number, nowMs: number): Part[] => [
  html`<a href="/admin/users/${user.id}">${user.displayName}</a>`,
  user.email,
  user.isAdmin ? 'administrator' : 'user',
  accessState(user),
  user.entitlement.planTier,
  slots,
  when(user.createdMs, nowMs),
];

const invitationRow = (
  { tokenHash, email, isAdmin, slots, createdMs, expiresMs }: Invitation,
  csrf: string,
  nowMs: number,
): Part[] => [
  email ?? html`<span class="soft">anybody with the link</span>`,
  isAdmin ? 'administrator' : 'user',
  slots,
  when(createdMs, nowMs),
  when(expiresMs, nowMs),
  buttonForm(`/admin/invitations/${tokenHash}/withdraw`, 'Withdraw', csrf, {
    kind: 'danger',
    about: 'Withdraw the invitation',
  }),
];

/** A link that is shown once. */
export const linkNotice = (what: string, url: string): Notice => ({
  kind: 'good',
  text: html`${what} It works once, and is shown only now: <code>${url}</code>`,
});

/** A whole number of a form. @throws ApiError 400 */
export const numberField = (text: string, label: string, most: number): number => {
  if (!/^\d{1,7}$/.test(text) || Number(text) > most) throw invalidRequest(`${label}: a number from 0 to ${most}`);
  return Number(text);
};

/** The list of users, and invitations. */
export const usersPage = (site: Site, context: AccountsContext): void => {
  const { users, slots, invitations, settings, unixNow, logger } = context;

  const show = async ({ session, query }: SignedIn, notice = adminNotice(query('done'))): Promise<Html> => {
    const [list, allSlots, open] = await Promise.all([users.list(), slots.all(), invitations.open()]);
    const byUser = Object.groupBy(allSlots, ({ userId }) => userId);
    const search = query('q') ?? '';
    const now = unixNow();
    const { shown, more } = found(list, search, ({ displayName, email, id }) => [displayName, email, id]);
    return page(
      { title: 'Users', section: '/admin/users', user: pageUser(session), notice },
      html`${searchForm('/admin/users', search, 'Name or e-mail address')}
${table(
  'Users',
  [
    { label: 'Name' },
    { label: 'E-mail' },
    { label: 'Role' },
    { label: 'Streaming' },
    { label: 'Plan' },
    { label: 'Slots', isNumber: true },
    { label: 'Since' },
  ],
  shown.map((user) => userRow(user, byUser[user.id]?.length ?? 0, now)),
  'Nobody is found.',
)}${more}
<h2>Invite somebody</h2>
<form method="post" action="/admin/invitations" class="card">${csrfField(session.csrf)}
<div class="row"><label>E-mail address <span class="soft">or empty: anybody with the link</span><input name="email" type="email" autocomplete="off"></label>
<label>Stream slots<input name="slots" type="number" min="0" max="${MAX_SLOTS}" value="1" required></label>
<label>Role<select name="role"><option value="user">User</option><option value="admin">Administrator</option></select></label>
<button>Make a link</button></div></form>
<h2>Open invitations</h2>
${table(
  'Open invitations',
  [
    { label: 'For' },
    { label: 'Role' },
    { label: 'Slots', isNumber: true },
    { label: 'Made' },
    { label: 'Expires' },
    { label: 'Actions' },
  ],
  open.map((invitation) => invitationRow(invitation, session.csrf, now)),
  'None.',
)}`,
    );
  };

  site.page('/admin/users', 'admin', (visit) => show(visit));
  site.form('/admin/invitations', 'admin', (visit) =>
    orShowAgain(
      visit,
      async () => {
        const { field, session, request } = visit;
        const email = field('email').trim();
        const isAdmin = field('role') === 'admin';
        const { token } = await invitations.add({
          kind: 'user',
          isAdmin,
          slots: numberField(field('slots'), 'Stream slots', MAX_SLOTS),
          ...(email === '' ? {} : { email: checkedEmail(email) }),
        });
        logger.info('invitation made', { by: session.user.id, admin: isAdmin });
        const url = `${baseUrl(settings, request)}/invite/${token}`;
        return show(visit, linkNotice('Send this link to the person; it is good for seven days.', url));
      },
      (text) => show(visit, { kind: 'bad', text }),
    ),
  );
  site.form('/admin/invitations/:hash/withdraw', 'admin', async ({ param }) => {
    if (!(await invitations.withdraw(param('hash')))) throw notFound('This invitation is used or withdrawn already.');
    return { to: '/admin/users?done=withdrawn' };
  });
};
