import { render } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import type { SessionView } from '../stats/dashboard-types.ts';
import { session, whenSignedOut } from './api.ts';
import { useLiveFeed } from './feed.ts';
import { Live } from './pages/Live.tsx';
import { Login } from './pages/Login.tsx';
import { Manage } from './pages/Manage.tsx';
import { Setup } from './pages/Setup.tsx';
import { Shared } from './pages/Shared.tsx';
import { Stream } from './pages/Stream.tsx';
import { Frame } from './parts/Frame.tsx';
import { usePath } from './route.ts';
import './styles/index.css';

const titleOf = (path: string): string => {
  if (path.startsWith('/streams/')) return 'Stream';
  if (path.startsWith('/manage')) return 'Manage';
  if (path.startsWith('/setup')) return 'Set-up';
  return 'Live';
};

const SignedIn = ({ view: known, onSignedOut }: { view: SessionView; onSignedOut: () => void }) => {
  const path = usePath();
  const feed = useLiveFeed(() => {
    session.look().then(
      ({ signedIn }) => !signedIn && onSignedOut(),
      () => {},
    );
  });
  const { view } = feed;
  useEffect(() => {
    document.title = `${titleOf(path)} · Tributary`;
  }, [path]);
  const trouble = feed.isFull
    ? 'This page is not kept up to date: too many pages are open. Trying again…'
    : feed.isLate
      ? 'The node does not answer. Trying again…'
      : view && !view.up
        ? 'The data plane is being restarted: streams are interrupted for a moment.'
        : view?.draining
          ? 'Draining: no new sender is admitted.'
          : '';
  const onSignOut = (): void => {
    void session.close().finally(onSignedOut);
  };
  return (
    <Frame path={path} session={known} trouble={trouble} onSignOut={onSignOut}>
      {path.startsWith('/streams/') ? (
        <Stream key={path.split('/')[2]} path={path} feed={feed} session={known} />
      ) : path.startsWith('/manage') ? (
        <Manage path={path} session={known} view={view} />
      ) : path.startsWith('/setup') ? (
        <Setup view={view} />
      ) : (
        <Live feed={feed} />
      )}
    </Frame>
  );
};

const App = () => {
  const [view, setView] = useState<SessionView>();
  const [problem, setProblem] = useState('');
  const signOut = (): void => setView({ signedIn: false });
  useEffect(() => {
    whenSignedOut(signOut);
    session.look().then(setView, (error: Error) => setProblem(error.message));
  }, []);
  if (!view)
    return (
      <p class="loading" role="status">
        {problem}
      </p>
    );
  return view.signedIn ? <SignedIn view={view} onSignedOut={signOut} /> : <Login onSignedIn={setView} />;
};

const [, first, token] = location.pathname.split('/');
const root = document.getElementById('app')!;
render(first === 's' && token ? <Shared token={token} /> : <App />, root);
