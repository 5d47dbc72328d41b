import type { AccountsContext } from '../accounts/context.ts';
import { html } from '../pages/html.ts';
import { page, table } from '../pages/layout.ts';
import type { Site } from '../pages/site.ts';
import { pageUser } from '../pages/visitor.ts';
import { state } from '../pages/words.ts';
import { found, searchForm } from './search.ts';

/** Every slot of everybody. Tokens are not on it: administrators have no need of them. */
export const slotsPage = (site: Site, { slots, users, fleet, settings }: AccountsContext): void => {
  site.page('/admin/slots', 'admin', async ({ session, query }) => {
    const [all, people, sessions] = await Promise.all([slots.all(), users.list(), fleet.sessions()]);
    const names = new Map(people.map(({ id, displayName }) => [id, displayName]));
    const nodes = new Map(sessions.map(({ userId, slotNumber, nodeId }) => [`${userId} ${slotNumber}`, nodeId]));
    const search = query('q') ?? '';
    const { shown, more } = found(all, search, ({ userId, label, dnsSlug }) => [
      names.get(userId) ?? '',
      label,
      dnsSlug,
    ]);
    const { relayDomain } = settings.controlPlane;
    return page(
      { title: 'Slots', section: '/admin/slots', user: pageUser(session) },
      html`${searchForm('/admin/slots', search, 'User, label or host')}
${table(
  'Slots',
  [
    { label: 'User' },
    { label: 'Slot', isNumber: true },
    { label: 'Label' },
    { label: 'Host' },
    { label: 'State' },
    { label: 'On' },
  ],
  shown.map(({ userId, slotNumber, label, dnsSlug, isDisabled }) => [
    html`<a href="/admin/users/${userId}">${names.get(userId) ?? userId}</a>`,
    slotNumber,
    label,
    html`<code>${dnsSlug}${relayDomain !== undefined && `.${relayDomain}`}</code>`,
    isDisabled ? state('disabled', 'bad') : state('enabled', 'good'),
    nodes.get(`${userId} ${slotNumber}`) ?? html`<span class="soft">no node</span>`,
  ]),
  'No slot is found.',
)}${more}`,
    );
  });
};
