import { useState } from 'preact/hooks';
import type { SessionView } from '../../stats/dashboard-types.ts';
import { session } from '../api.ts';
import { Logo } from '../parts/Frame.tsx';

export const Login = ({ onSignedIn }: { onSignedIn: (view: SessionView) => void }) => {
  const [key, setKey] = useState('');
  const [problem, setProblem] = useState('');
  const [isBusy, setBusy] = useState(false);
  const onSubmit = (event: SubmitEvent): void => {
    event.preventDefault();
    setBusy(true);
    session.open(key).then(onSignedIn, (error: Error) => {
      setProblem(error.message);
      setBusy(false);
    });
  };
  return (
    <main class="login">
      <form class="card login-card" onSubmit={onSubmit}>
        <Logo />
        <h1>Sign in to this node</h1>
        <label class="field">
          <span>API key</span>
          <input
            name="key"
            type="password"
            autocomplete="current-password"
            required
            value={key}
            aria-invalid={problem !== ''}
            aria-describedby="login-help"
            onInput={(event) => setKey(event.currentTarget.value)}
          />
        </label>
        <p id="login-help" class="faint">
          The first start printed it: “Generated default admin API key”. It stays on this node: the browser keeps a
          session only.
        </p>
        <p class="notice" data-tone="bad" role="alert" hidden={problem === ''}>
          {problem}
        </p>
        <button class="button primary wide-button" type="submit" disabled={isBusy}>
          {isBusy ? 'Signing in…' : 'Sign in'}
        </button>
      </form>
    </main>
  );
};
