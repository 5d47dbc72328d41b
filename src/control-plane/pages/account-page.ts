import type { AccountsContext } from '../accounts/context.ts';
import type { Login } from '../accounts/logins.ts';
import { tooManyRequests } from '../accounts/routes/auth.ts';
import { foundSlot, slotNumberOf } from '../accounts/routes/user.ts';
import { checkedName } from '../accounts/user-changes.ts';
import { invalidRequest, notFound } from '../api-error.ts';
import type { Slot } from '../slots/slots.ts';
import { type Html, html, type Part } from './html.ts';
import { buttonForm, csrfField, type Notice, page, table } from './layout.ts';
import { orShowAgain, type SignedIn, type Site } from './site.ts';
import { pageUser } from './visitor.ts';
import { state, when } from './words.ts';

const DONE = new Map(
  Object.entries({
    renamed: 'The slot is renamed.',
    regenerated:
      'The slot has a new token. What used the old one is cut off; enter the new ids in your encoder and in OBS.',
    name: 'Your name is changed.',
    password: 'Your password is changed.',
    ended: 'That sign-in is ended.',
  }),
);

/** A slot as its owner sees it; the ids are behind a click, since this page may be on a stream. */
const slotCard = (slot: Slot, csrf: string, relayDomain: string | undefined): Html => {
  const { slotNumber, label, streamToken, dnsSlug, isDisabled } = slot;
  const path = `/account/slots/${slotNumber}`;
  return html`<section class="card" aria-label="Slot ${slotNumber}">
<form method="post" action="${path}/rename" class="line">${csrfField(csrf)}
<label>Slot ${slotNumber}${isDisabled && html` ${state('disabled by an administrator', 'bad')}`}<input name="label" value="${label}" maxlength="64" required></label>
<button class="plain">Rename</button></form>
<details><summary>Show ids (secret: whoever has them can stream)</summary>
<dl>
<dt>Encoder, stream id</dt><dd><code>live_${streamToken}</code></dd>
<dt>OBS, stream id</dt><dd><code>play_${streamToken}</code></dd>
${relayDomain !== undefined && html`<dt>Host</dt><dd><code>${dnsSlug}.${relayDomain}</code></dd>`}
</dl></details>
<details><summary>New token</summary>
<p>The stream that runs on this slot is cut at once, and the ids above stop working.</p>
${buttonForm(`${path}/regenerate`, 'Make a new token', csrf, { kind: 'danger', about: `Make a new token for slot ${slotNumber}` })}</details>
</section>`;
};

const loginRows = (logins: readonly Login[], ownSid: string, csrf: string, nowMs: number): Part[][] =>
  logins.map((login) => [
    login.kind === 'plugin' ? `OBS${login.clientVersion && ` (${login.clientVersion})`}` : 'Browser',
    [login.deviceName, login.platform].filter((part) => part !== '').join(', ') || 'unnamed',
    login.address,
    when(login.lastUsedMs, nowMs),
    login.sid === ownSid
      ? html`<span class="soft">this one</span>`
      : buttonForm(`/account/logins/${login.sid}/end`, 'Sign out', csrf, { about: `Sign out ${login.deviceName}` }),
  ]);

/** What users look after themselves: slots, name, password, sign-ins. */
export const accountPages = (site: Site, context: AccountsContext): void => {
  const { slots, logins, changes, users, settings, unixNow, budgets, clock } = context;

  const show = async ({ session, query }: SignedIn, fault?: Part): Promise<Html> => {
    const { user, login, csrf } = session;
    const done = DONE.get(query('done') ?? '');
    const notice: Notice | undefined = fault
      ? { kind: 'bad', text: fault }
      : done === undefined
        ? undefined
        : { kind: 'good', text: done };
    const [own, sessions] = await Promise.all([slots.forUser(user.id), logins.forUser(user.id)]);
    const { relayAccess, reasonCode } = user.entitlement;
    return page(
      { title: 'My account', user: pageUser(session), section: '/account', notice },
      html`${
        relayAccess !== 'enabled' &&
        html`<p class="card notice bad">Streaming through relays is switched off for this account (${reasonCode}).</p>`
      }
<h2>Stream slots</h2>
${own.length === 0 ? html`<p class="card soft">No slots yet; an administrator can add one.</p>` : own.map((slot) => slotCard(slot, csrf, settings.controlPlane.relayDomain))}
<h2>Sign-ins</h2>
${table(
  'Sign-ins',
  [{ label: 'Program' }, { label: 'Device' }, { label: 'Address' }, { label: 'Last used' }, { label: 'Actions' }],
  loginRows(sessions, login.sid, csrf, unixNow()),
  'None.',
)}
<h2>Name</h2>
<form method="post" action="/account/name" class="card line">${csrfField(csrf)}
<label>Name<input name="name" value="${user.displayName}" maxlength="64" autocomplete="nickname" required></label><button class="plain">Change</button></form>
<h2>Password</h2>
<form method="post" action="/account/password" class="card stack">${csrfField(csrf)}
<input type="hidden" name="username" value="${user.email}" autocomplete="username">
<label>Present password<input name="old" type="password" autocomplete="current-password" required></label>
<label>New password<input name="password" type="password" autocomplete="new-password" minlength="10" required></label>
<label>New password, once more<input name="again" type="password" autocomplete="new-password" required></label>
<label class="check"><input type="checkbox" name="clients" value="yes">Sign OBS out everywhere, too</label>
<p class="soft">Other browsers are signed out in any case.</p>
<button>Change password</button></form>`,
    );
  };

  site.page('/account', 'user', (visit) => show(visit));

  const form = (path: string, take: (visit: SignedIn) => Promise<string>): void =>
    site.form(path, 'user', (visit) =>
      orShowAgain(
        visit,
        async () => ({ to: `/account?done=${await take(visit)}` }),
        (fault) => show(visit, fault),
      ),
    );

  form('/account/slots/:number/rename', async ({ session, request, field }) => {
    foundSlot(await slots.rename(session.user.id, slotNumberOf(request), field('label')));
    return 'renamed';
  });
  form('/account/slots/:number/regenerate', async ({ session, request, reply }) => {
    if (!budgets.regenerations.take(session.user.id, clock())) throw tooManyRequests(reply, clock());
    foundSlot(await slots.regenerate(session.user.id, slotNumberOf(request)));
    return 'regenerated';
  });
  form('/account/logins/:sid/end', async ({ session, param }) => {
    if (!(await logins.end(param('sid'), session.user.id))) throw notFound('This sign-in has ended already.');
    return 'ended';
  });
  form('/account/name', async ({ session, field }) => {
    await users.setDisplayName(session.user.id, checkedName(field('name')));
    return 'name';
  });
  form('/account/password', async ({ session, field, reply }) => {
    if (!budgets.triesForAccount.take(session.user.email, clock())) throw tooManyRequests(reply, clock());
    if (field('password') !== field('again')) throw invalidRequest('The two new passwords differ.');
    await changes.changePassword(session.user, session.login.sid, {
      old: field('old'),
      fresh: field('password'),
      clientsToo: field('clients') === 'yes',
    });
    return 'password';
  });
};
