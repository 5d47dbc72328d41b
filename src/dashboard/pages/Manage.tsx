import type { LiveView, SessionView } from '../../stats/dashboard-types.ts';
import { Tabs } from '../parts/Tabs.tsx';
import { Ids } from './Ids.tsx';
import { Keys } from './Keys.tsx';
import { NodePage } from './Node.tsx';

const TABS = [
  { href: '/manage', text: 'Stream ids' },
  { href: '/manage/keys', text: 'API keys' },
  { href: '/manage/node', text: 'Node and settings' },
];

export const Manage = ({ path, session, view }: { path: string; session: SessionView; view: LiveView | undefined }) => {
  const isAdmin = session.permissions === 'admin';
  return (
    <div class="page">
      <div class="page-head">
        <h1>Manage</h1>
        <Tabs label="Parts of the management" path={path} tabs={isAdmin ? TABS : TABS.slice(0, 1)} />
      </div>
      {path === '/manage/keys' && isAdmin ? (
        <Keys />
      ) : path === '/manage/node' && isAdmin ? (
        <NodePage view={view} />
      ) : (
        <Ids permissions={session.permissions ?? 'read'} />
      )}
    </div>
  );
};
