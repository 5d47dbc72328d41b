import type { AccountsContext } from '../accounts/context.ts';
import { APPROVE_PATH } from '../accounts/routes/auth.ts';
import { html } from './html.ts';
import { csrfField, page } from './layout.ts';
import type { Site } from './site.ts';
import { pageUser } from './visitor.ts';
import { when } from './words.ts';

/** The page on which a person lets OBS sign in (telemy.md §3.2). */
export const approvePage = (site: Site, { pluginLogins, unixNow, logger }: AccountsContext): void => {
  const path = `${APPROVE_PATH}/:attempt`;

  site.page(path, 'user', async ({ session, param }) => {
    const { user } = session;
    const attempt = await pluginLogins.view(param('attempt'), user.id);
    const options = { user: pageUser(session), narrow: true };
    if (attempt.state !== 'pending')
      return page({ ...options, title: 'Already decided' }, html`<p class="card">You can close this page.</p>`);
    return page(
      { ...options, title: 'Let OBS sign in?' },
      html`<div class="card">
<p>A program asks to sign in as <strong>${user.displayName}</strong> (${user.email}).</p>
<dl>
<dt>Device</dt><dd>${attempt.deviceName || 'unnamed'}${attempt.platform && ` (${attempt.platform})`}</dd>
<dt>Plugin version</dt><dd>${attempt.clientVersion || 'not told'}</dd>
<dt>Address</dt><dd>${attempt.address}</dd>
<dt>Asked</dt><dd>${when(attempt.createdMs, unixNow())}</dd>
</dl>
<p>Go on only if you have just pressed “Sign in” in OBS on this device. Whoever is let in can stream as you: if somebody sent you this link, refuse.</p>
<form method="post" action="${APPROVE_PATH}/${attempt.id}">${csrfField(session.csrf)}
<div class="row"><button name="outcome" value="completed">Let it sign in</button>
<button name="outcome" value="denied" class="danger">Refuse</button></div></form>
</div>`,
    );
  });

  site.form(path, 'user', async ({ session, param, field }) => {
    const isLetIn = field('outcome') === 'completed';
    await pluginLogins.decide(param('attempt'), session.user.id, isLetIn ? 'completed' : 'denied', {
      viaPage: true,
      reasonCode: isLetIn ? null : 'refused_by_user',
    });
    logger.info(isLetIn ? 'sign-in approved' : 'sign-in refused', { user: session.user.id });
    return page(
      { title: isLetIn ? 'OBS is signing in' : 'Refused', user: pageUser(session), narrow: true },
      html`<p class="card">${isLetIn ? 'Go back to OBS; it goes on by itself within a few seconds.' : 'Nobody was let in.'} You can close this page.</p>`,
    );
  });
};
