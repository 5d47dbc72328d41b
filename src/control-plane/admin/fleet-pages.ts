import type { AccountsContext } from '../accounts/context.ts';
import type { FleetNode, FleetSession } from '../accounts/relay-view.ts';
import { invalidRequest, notFound } from '../api-error.ts';
import { type Html, html, type Part } from '../pages/html.ts';
import { buttonForm, page, table } from '../pages/layout.ts';
import type { SignedIn, Site } from '../pages/site.ts';
import { pageUser } from '../pages/visitor.ts';
import { state, when } from '../pages/words.ts';
import { adminNotice } from './notices.ts';

const NODE_STATES = ['active', 'draining', 'inactive'] as const;
type NodeStatus = (typeof NODE_STATES)[number];

const HEALTH_KINDS: Readonly<Record<string, 'good' | 'warn' | 'bad'>> = {
  healthy: 'good',
  degraded: 'warn',
  unhealthy: 'bad',
};
const STATUS_KINDS: Readonly<Record<string, 'good' | 'warn' | 'soft'>> = { active: 'good', draining: 'warn' };

/** What may be done with a node of this status. */
const NODE_ACTIONS: readonly { to: NodeStatus; label: string; kind: string }[] = [
  { to: 'active', label: 'Activate', kind: 'plain' },
  { to: 'draining', label: 'Drain', kind: 'plain' },
  { to: 'inactive', label: 'Take out', kind: 'danger' },
];

const nodeRow = (node: FleetNode, csrf: string, nowMs: number): Part[] => [
  html`<strong>${node.id}</strong> <span class="soft">${node.address}</span>`,
  `${node.region} · ${node.provider}`,
  state(node.status, STATUS_KINDS[node.status] ?? 'soft'),
  html`${state(node.health, HEALTH_KINDS[node.health] ?? 'soft')}${node.healthScore !== undefined && html` <span class="soft">${node.healthScore}</span>`}`,
  `${node.sessions} / ${node.maxSessions}`,
  node.version,
  when(node.lastSeenMs, nowMs),
  NODE_ACTIONS.filter(({ to }) => to !== node.status).map(({ to, label, kind }) =>
    buttonForm(`/admin/nodes/${encodeURIComponent(node.id)}/status`, label, csrf, {
      kind,
      fields: { status: to },
      about: `${label} ${node.id}`,
    }),
  ),
];

const SESSION_KINDS: Readonly<Record<string, 'good' | 'warn'>> = {
  active: 'good',
  provisioning: 'warn',
  grace: 'warn',
};

const sessionRow = (session: FleetSession, name: string, csrf: string, nowMs: number): Part[] => [
  html`<a href="/admin/users/${session.userId}">${name}</a>`,
  session.slotNumber ?? '–',
  session.nodeId ?? html`<span class="soft">none yet</span>`,
  session.region,
  state(session.status, SESSION_KINDS[session.status] ?? 'warn'),
  session.isIngesting ? state('streaming', 'good') : state('silent', 'soft'),
  when(session.startedMs, nowMs),
  [
    session.status === 'active' &&
      buttonForm(`/admin/sessions/${encodeURIComponent(session.id)}/move`, 'Move', csrf, {
        about: `Move the session of ${name} to another node`,
      }),
    buttonForm(`/admin/sessions/${encodeURIComponent(session.id)}/end`, 'End', csrf, {
      kind: 'danger',
      about: `End the session of ${name}`,
    }),
  ],
];

/** Nodes and sessions, for administrators. */
export const fleetPages = (site: Site, { fleet, users, unixNow, logger }: AccountsContext): void => {
  const options = ({ session, query }: SignedIn, title: string, section: string) => ({
    title,
    section,
    user: pageUser(session),
    notice: adminNotice(query('done')),
  });

  site.page('/admin/nodes', 'admin', async (visit): Promise<Html> => {
    const nodes = await fleet.nodes();
    const { csrf } = visit.session;
    return page(
      options(visit, 'Nodes', '/admin/nodes'),
      table(
        'Nodes',
        [
          { label: 'Node' },
          { label: 'Region' },
          { label: 'Status' },
          { label: 'Health' },
          { label: 'Sessions', isNumber: true },
          { label: 'Version' },
          { label: 'Last seen' },
          { label: 'Actions' },
        ],
        nodes.map((node) => nodeRow(node, csrf, unixNow())),
        'No node has registered yet. Start one with SERVER_ID, CONTROL_URL and NODE_KEY.',
      ),
    );
  });
  site.form('/admin/nodes/:node/status', 'admin', async ({ session, param, field }) => {
    const status = NODE_STATES.find((one) => one === field('status'));
    if (!status) throw invalidRequest('There is no such status of a node.');
    if (!(await fleet.setNodeStatus(param('node'), status))) throw notFound('There is no such node.');
    logger.info('node status set', { node: param('node'), status, by: session.user.id });
    return { to: `/admin/nodes?done=node-${status}` };
  });

  site.page('/admin/sessions', 'admin', async (visit): Promise<Html> => {
    const [sessions, all] = await Promise.all([fleet.sessions(), users.list()]);
    const names = new Map(all.map(({ id, displayName }) => [id, displayName]));
    const { csrf } = visit.session;
    return page(
      options(visit, 'Sessions', '/admin/sessions'),
      table(
        'Sessions',
        [
          { label: 'User' },
          { label: 'Slot', isNumber: true },
          { label: 'Node' },
          { label: 'Region' },
          { label: 'Status' },
          { label: 'Stream' },
          { label: 'Started' },
          { label: 'Actions' },
        ],
        sessions.map((one) => sessionRow(one, names.get(one.userId) ?? 'removed user', csrf, unixNow())),
        'Nobody has a session at this moment.',
      ),
    );
  });
  site.form('/admin/sessions/:id/move', 'admin', async ({ session, param }) => {
    await fleet.moveSession(param('id'));
    logger.info('session moved by an administrator', { session: param('id'), by: session.user.id });
    return { to: '/admin/sessions?done=session-moved' };
  });
  site.form('/admin/sessions/:id/end', 'admin', async ({ session, param }) => {
    if (!(await fleet.endSession(param('id')))) throw notFound('This session has ended already.');
    logger.info('session ended by an administrator', { session: param('id'), by: session.user.id });
    return { to: '/admin/sessions?done=session-ended' };
  });
};
