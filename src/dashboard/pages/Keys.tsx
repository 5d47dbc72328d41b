import { useState } from 'preact/hooks';
import { call } from '../api.ts';
import { useAsked } from '../feed.ts';
import { dateText } from '../format.ts';
import { Confirm } from '../parts/Confirm.tsx';
import { CopyButton } from '../parts/Copy.tsx';
import { Scroll } from '../parts/Scroll.tsx';

interface KeyRow {
  id: string;
  name: string;
  permissions: 'admin' | 'write' | 'read';
  /** ISO 8601. */
  created?: string;
  lastUsed?: string;
  preset: boolean;
}

const RIGHTS = {
  admin: 'everything',
  write: 'ids and disconnecting',
  read: 'looking',
} as const;

/** API keys: each is also a way to sign in here, with its rights. */
export const Keys = () => {
  const { data, error, reload } = useAsked<{ data: KeyRow[] }>('/api/keys');
  const [name, setName] = useState('');
  const [permissions, setPermissions] = useState<KeyRow['permissions']>('read');
  const [made, setMade] = useState<string>();
  const [leaving, setLeaving] = useState<KeyRow>();
  const [problem, setProblem] = useState('');
  const onSubmit = (event: SubmitEvent): void => {
    event.preventDefault();
    call<{ api_key: string }>('POST', '/api/keys', { name: name || 'API key', permissions }).then(
      ({ api_key: key }) => {
        setMade(key);
        setName('');
        setProblem('');
        reload();
      },
      (failure: Error) => setProblem(failure.message),
    );
  };
  return (
    <section class="stack">
      <p class="faint">
        For scripts, control planes and people: with each of them one can sign in here too, with its rights.
      </p>
      <form class="card inline-form" onSubmit={onSubmit}>
        <label class="field">
          <span>Name</span>
          <input
            value={name}
            maxlength={200}
            placeholder="Moderators"
            onInput={(event) => setName(event.currentTarget.value)}
          />
        </label>
        <label class="field">
          <span>May do</span>
          <select
            value={permissions}
            onChange={(event) => setPermissions(event.currentTarget.value as KeyRow['permissions'])}
          >
            <option value="read">read: {RIGHTS.read}</option>
            <option value="write">write: {RIGHTS.write}</option>
            <option value="admin">admin: {RIGHTS.admin}</option>
          </select>
        </label>
        <button type="submit" class="button primary">
          Make a key
        </button>
      </form>
      <p class="notice" data-tone="bad" role="alert" hidden={problem === ''}>
        {problem}
      </p>
      {made && (
        <div class="card made" role="status">
          <div>
            <p>Copy it now: only its digest is kept, it cannot be shown again.</p>
            <p class="paste-line">
              <code class="paste-value">{made}</code>
              <CopyButton text={made} what="the key" />
            </p>
          </div>
        </div>
      )}
      {!data ? (
        <p class="loading">{error ?? 'Reading the keys…'}</p>
      ) : (
        <div class="card">
          <Scroll label="Table of keys">
            <table class="table">
              <thead>
                <tr>
                  <th scope="col">Name</th>
                  <th scope="col">May do</th>
                  <th scope="col">Made</th>
                  <th scope="col">Last used</th>
                  <th scope="col">
                    <span class="hidden">Actions</span>
                  </th>
                </tr>
              </thead>
              <tbody>
                {data.data.map((key) => (
                  <tr key={key.id}>
                    <th scope="row">
                      {key.name}
                      <span class="sub">{key.id}</span>
                    </th>
                    <td>{key.permissions}</td>
                    <td>{key.created ? dateText(Date.parse(key.created)) : 'settings'}</td>
                    <td>{key.lastUsed ? new Date(key.lastUsed).toLocaleString() : 'not since the start'}</td>
                    <td>
                      {!key.preset && (
                        <button type="button" class="button small danger-quiet" onClick={() => setLeaving(key)}>
                          Revoke
                        </button>
                      )}
                    </td>
                  </tr>
                ))}
              </tbody>
            </table>
          </Scroll>
        </div>
      )}
      {leaving && (
        <Confirm
          title={`Revoke “${leaving.name}”?`}
          action="Revoke"
          onClose={() => {
            setLeaving(undefined);
            reload();
          }}
          run={() => call('DELETE', `/api/keys/${leaving.id}`)}
        >
          Whatever uses it is refused from now on, and who has signed in with it is signed out.
        </Confirm>
      )}
    </section>
  );
};
