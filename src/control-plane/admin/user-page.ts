import { type AccountsContext, baseUrl } from '../accounts/context.ts';
import { RELAY_ACCESS } from '../accounts/entitlement.ts';
import type { Login } from '../accounts/logins.ts';
import { entitlementChange, entitlementSchema } from '../accounts/routes/admin.ts';
import { foundSlot, noSlot, slotNumberOf } from '../accounts/routes/user.ts';
import type { User } from '../accounts/users.ts';
import { invalidRequest, notFound } from '../api-error.ts';
import { type Html, html, type Part } from '../pages/html.ts';
import { buttonForm, csrfField, page, table } from '../pages/layout.ts';
import { orShowAgain, type SignedIn, type Site } from '../pages/site.ts';
import { pageUser } from '../pages/visitor.ts';
import { state, when } from '../pages/words.ts';
import type { Slot } from '../slots/slots.ts';
import { bareToken } from '../slots/stream-token.ts';
import { adminNotice } from './notices.ts';
import { linkNotice, numberField } from './users-page.ts';

const MOST_CONNS = 1_000_000;

const slotRow = ({ slotNumber, label, dnsSlug, isDisabled }: Slot, base: string, csrf: string): Part[] => {
  const path = `${base}/slots/${slotNumber}`;
  const about = (what: string): { about: string } => ({ about: `${what} slot ${slotNumber}` });
  return [
    slotNumber,
    html`<form method="post" action="${path}/rename" class="line">${csrfField(csrf)}<input name="label" value="${label}" maxlength="64" required aria-label="Label of slot ${slotNumber}"><button class="plain">Rename</button></form>`,
    html`<code>${dnsSlug}</code>`,
    isDisabled ? state('disabled', 'bad') : state('enabled', 'good'),
    [
      isDisabled
        ? buttonForm(`${path}/enable`, 'Enable', csrf, about('Enable'))
        : buttonForm(`${path}/disable`, 'Disable', csrf, { kind: 'danger', ...about('Disable') }),
      html`<details><summary>More</summary>${buttonForm(`${path}/regenerate`, 'New token', csrf, { kind: 'danger', ...about('New token for') })}${buttonForm(`${path}/remove`, 'Remove', csrf, { kind: 'danger', ...about('Remove') })}</details>`,
    ],
  ];
};

const loginRow = (login: Login, base: string, csrf: string, nowMs: number): Part[] => [
  login.kind === 'plugin' ? `OBS${login.clientVersion && ` (${login.clientVersion})`}` : 'Browser',
  [login.deviceName, login.platform].filter((part) => part !== '').join(', ') || 'unnamed',
  login.address,
  when(login.lastUsedMs, nowMs),
  buttonForm(`${base}/logins/${login.sid}/end`, 'Sign out', csrf, { about: `Sign out ${login.deviceName}` }),
];

const entitlementForm = ({ entitlement }: User, base: string, csrf: string): Html =>
  html`<form method="post" action="${base}/entitlement" class="card">${csrfField(csrf)}
<div class="row"><label>Streaming<select name="relay_access_status">${RELAY_ACCESS.map(
    (access) =>
      html`<option value="${access}"${access === entitlement.relayAccess ? html` selected` : ''}>${access.replace('_', ' ')}</option>`,
  )}</select></label>
<label>Plan<input name="plan_tier" value="${entitlement.planTier}" pattern="[a-z0-9_.\\-]{1,64}" required></label>
<label>Streams at once<input name="max_concurrent_conns" type="number" min="0" max="${MOST_CONNS}" value="${entitlement.maxConcurrentConns}" required></label>
<button>Change</button></div>
<p class="soft">Anything but “enabled” cuts what streams now. Reason told to programs: ${entitlement.reasonCode}. The OBS plugin offers no relays on a plan with the name “free”.</p></form>`;

/** Everything about one user, for administrators. */
export const userPage = (site: Site, context: AccountsContext): void => {
  const { users, slots, logins, changes, invitations, settings, unixNow, logger } = context;
  const path = '/admin/users/:user';

  /** @throws ApiError 404 */
  const named = async ({ param }: SignedIn): Promise<User> => {
    const user = await users.get(param('user'));
    if (!user) throw notFound('There is no such user.');
    return user;
  };

  const show = async (visit: SignedIn, notice = adminNotice(visit.query('done'))): Promise<Html> => {
    const { session } = visit;
    const { csrf } = session;
    const user = await named(visit);
    const [own, sessions] = await Promise.all([slots.forUser(user.id), logins.forUser(user.id)]);
    const base = `/admin/users/${user.id}`;
    return page(
      { title: user.displayName, section: '/admin/users', user: pageUser(session), notice },
      html`<dl><dt>E-mail</dt><dd>${user.email}</dd><dt>Id</dt><dd><code>${user.id}</code></dd>
<dt>Role</dt><dd>${user.isAdmin ? 'administrator' : 'user'}</dd>
<dt>Since</dt><dd>${when(user.createdMs, unixNow())}</dd>
<dt>Account</dt><dd>${user.isDisabled ? state('disabled', 'bad') : state('enabled', 'good')}</dd></dl>
<h2>Entitlement</h2>
${entitlementForm(user, base, csrf)}
<h2>Slots</h2>
${table(
  'Slots',
  [{ label: 'Slot', isNumber: true }, { label: 'Label' }, { label: 'Host' }, { label: 'State' }, { label: 'Actions' }],
  own.map((slot) => slotRow(slot, base, csrf)),
  'None.',
)}
<form method="post" action="${base}/slots" class="card">${csrfField(csrf)}
<div class="row"><label>Label of a new slot<input name="label" maxlength="64"></label>
<label>Stream token <span class="soft">empty: a new one</span><input name="stream_token" maxlength="64" autocomplete="off"></label>
<button class="plain">Add slot</button></div></form>
<h2>Sign-ins</h2>
${table(
  'Sign-ins',
  [{ label: 'Program' }, { label: 'Device' }, { label: 'Address' }, { label: 'Last used' }, { label: 'Actions' }],
  sessions.map((login) => loginRow(login, base, csrf, unixNow())),
  'None.',
)}
<h2>Account</h2>
<div class="card row">
${buttonForm(`${base}/password-link`, 'Link for a new password', csrf)}
${sessions.length > 0 && buttonForm(`${base}/sign-out`, 'Sign out everywhere', csrf)}
${buttonForm(`${base}/admin`, user.isAdmin ? 'Make an ordinary user' : 'Make an administrator', csrf, { fields: { to: user.isAdmin ? 'no' : 'yes' } })}
${buttonForm(`${base}/disabled`, user.isDisabled ? 'Enable account' : 'Disable account', csrf, { kind: user.isDisabled ? 'plain' : 'danger', fields: { to: user.isDisabled ? 'no' : 'yes' } })}
</div>
<details class="card"><summary>Remove this user</summary>
<p>Slots, host names and sign-ins are gone for good; what streams is cut off.</p>
${buttonForm(`${base}/remove`, `Remove ${user.displayName}`, csrf, { kind: 'danger' })}</details>`,
    );
  };

  site.page(path, 'admin', (visit) => show(visit));

  /** @param take what the form does; the key of what the page says then */
  const form = (rest: string, take: (visit: SignedIn, user: User) => Promise<string>): void =>
    site.form(`${path}/${rest}`, 'admin', (visit) =>
      orShowAgain(
        visit,
        async () => {
          const user = await named(visit);
          const done = await take(visit, user);
          logger.info('user changed by an administrator', { user: user.id, what: rest, by: visit.session.user.id });
          return { to: done === 'removed' ? '/admin/users?done=removed' : `/admin/users/${user.id}?done=${done}` };
        },
        (text) => show(visit, { kind: 'bad', text }),
      ),
    );

  form('entitlement', async ({ field }, { id, entitlement }) => {
    const asked = entitlementSchema.safeParse({
      relay_access_status: field('relay_access_status'),
      plan_tier: field('plan_tier'),
      max_concurrent_conns: numberField(field('max_concurrent_conns'), 'Streams at once', MOST_CONNS),
    });
    if (!asked.success) throw invalidRequest('Plan: lower-case letters, digits and . _ - only.');
    const { reasonCode, ...change } = entitlementChange(asked.data);
    // The reason that was told stays with the access that it explains.
    const isOther = change.relayAccess !== entitlement.relayAccess;
    await changes.setEntitlement(id, { ...change, ...(isOther && reasonCode !== undefined ? { reasonCode } : {}) });
    return 'entitlement';
  });
  form('slots', async ({ field }, { id }) => {
    const [label, token] = [field('label').trim(), bareToken(field('stream_token'))];
    await slots.create(id, label || undefined, token || undefined);
    return 'slot-added';
  });
  form('slots/:number/rename', async ({ field, request }, { id }) => {
    foundSlot(await slots.rename(id, slotNumberOf(request), field('label')));
    return 'slot-renamed';
  });
  form('slots/:number/regenerate', async ({ request }, { id }) => {
    foundSlot(await slots.regenerate(id, slotNumberOf(request)));
    return 'slot-regenerated';
  });
  form('slots/:number/disable', async ({ request }, { id }) => {
    foundSlot(await slots.setDisabled(id, slotNumberOf(request), true));
    return 'slot-disabled';
  });
  form('slots/:number/enable', async ({ request }, { id }) => {
    foundSlot(await slots.setDisabled(id, slotNumberOf(request), false));
    return 'slot-enabled';
  });
  form('slots/:number/remove', async ({ request }, { id }) => {
    if (!(await slots.remove(id, slotNumberOf(request)))) throw noSlot();
    return 'slot-removed';
  });
  form('logins/:sid/end', async ({ param }, { id }) => {
    if (!(await logins.end(param('sid'), id))) throw notFound('This sign-in has ended already.');
    return 'sign-in-ended';
  });
  form('sign-out', async (_visit, { id }) => {
    await logins.endAll(id);
    return 'signed-out';
  });
  form('admin', async ({ field }, { id }) => {
    const isAdmin = field('to') === 'yes';
    await changes.setFlags(id, { isAdmin });
    return isAdmin ? 'admin' : 'no-admin';
  });
  form('disabled', async ({ field }, { id }) => {
    const isDisabled = field('to') === 'yes';
    await changes.setFlags(id, { isDisabled });
    return isDisabled ? 'disabled' : 'enabled';
  });
  form('remove', async (_visit, { id }) => {
    await changes.remove(id);
    return 'removed';
  });
  site.form(`${path}/password-link`, 'admin', async (visit) => {
    const { id } = await named(visit);
    const { token } = await invitations.add({ kind: 'password', userId: id, isAdmin: false, slots: 0 });
    logger.info('link for a new password made', { user: id, by: visit.session.user.id });
    const url = `${baseUrl(settings, visit.request)}/invite/${token}`;
    return show(visit, linkNotice('Send this link to the person; it is good for a day.', url));
  });
};
