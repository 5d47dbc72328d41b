import { useState } from 'preact/hooks';
import type { IdView, SessionView } from '../../stats/dashboard-types.ts';
import { call } from '../api.ts';
import { useAsked } from '../feed.ts';
import { dateText } from '../format.ts';
import { CopyButton } from '../parts/Copy.tsx';
import { Icon } from '../parts/Icon.tsx';
import { stay } from '../route.ts';
import { IdForm, RevokeDialog } from './IdForms.tsx';

const EVERY_MS = 3_000;

const masked = (id: string): string => (id.length <= 9 ? `${id.slice(0, 2)}…` : `${id.slice(0, 7)}…`);

const limitsOf = (id: IdView): string =>
  [
    id.passphrase && 'passphrase',
    id.maxPlayers !== undefined && `${id.maxPlayers} players at most`,
    id.maxBitrateKbps !== undefined && `${id.maxBitrateKbps} kbit/s at most`,
    id.latencyMs !== undefined && `latency ${id.latencyMs} ms`,
    id.playerLatencyMs !== undefined && `player latency ${id.playerLatencyMs} ms`,
    id.expiresAt !== undefined && `until ${dateText(id.expiresAt)}`,
    id.owner !== undefined && id.owner !== 'local' && `of ${id.owner}`,
  ]
    .filter(Boolean)
    .join(', ');

const Id = ({ id, what, secret }: { id: string; what: string; secret?: boolean }) => (
  <div class="id-line">
    <span class="id-kind">{what}</span>
    <code title={secret ? undefined : id}>{secret ? masked(id) : id}</code>
    <CopyButton text={id} what={what} />
  </div>
);

export const Ids = ({ permissions }: { permissions: NonNullable<SessionView['permissions']> }) => {
  const { data, error, reload } = useAsked<{ ids: IdView[] }>('/data/ids', EVERY_MS);
  const [changed, setChanged] = useState<IdView | 'new'>();
  const [revoked, setRevoked] = useState<IdView>();
  const [search, setSearch] = useState('');
  if (!data) return <p class="loading">{error ?? 'Reading the stream ids…'}</p>;
  const wanted = search.trim().toLowerCase();
  const shown = data.ids.filter((id) =>
    [id.label, id.description, id.name, id.player].some((text) => text?.toLowerCase().includes(wanted)),
  );
  const close = (): void => {
    setChanged(undefined);
    setRevoked(undefined);
    reload();
  };
  return (
    <section>
      <div class="section-head">
        <p class="faint">
          A <b>publisher id</b> is the right to go live: keep it secret. A <b>player id</b> lets people watch.
        </p>
        {permissions !== 'read' && (
          <button type="button" class="button primary" onClick={() => setChanged('new')}>
            <Icon name="plus" size={16} />
            New id
          </button>
        )}
      </div>
      {data.ids.length > 5 && (
        <label class="field search">
          <span class="hidden">Search</span>
          <input
            type="search"
            placeholder="Search by name"
            value={search}
            onInput={(event) => setSearch(event.currentTarget.value)}
          />
        </label>
      )}
      <ul class="id-list">
        {shown.slice(0, 200).map((id) => (
          <li key={id.player} class="card id-card" data-live={id.live}>
            <div class="id-head">
              <h2>
                <a href={`/streams/${id.name}`} onClick={stay} class="stream-link">
                  {id.label ?? id.name}
                  <Icon name="next" size={16} />
                </a>
              </h2>
              {id.live && (
                <span class="badge" data-state="live">
                  <span class="dot" />
                  Live
                </span>
              )}
              {id.forPlugin && <span class="tag">OBS plugin</span>}
            </div>
            <Id id={id.publisher} what="publisher id" secret />
            <Id id={id.player} what="player id" secret={id.forPlugin} />
            {id.description !== undefined && <p class="faint id-limits">{id.description}</p>}
            {limitsOf(id) !== '' && <p class="faint id-limits">{limitsOf(id)}</p>}
            {permissions !== 'read' && (
              <p class="actions">
                <button type="button" class="button small" onClick={() => setChanged(id)}>
                  Name and limits
                </button>
                {permissions === 'admin' && (
                  <button type="button" class="button small danger-quiet" onClick={() => setRevoked(id)}>
                    Delete…
                  </button>
                )}
              </p>
            )}
          </li>
        ))}
      </ul>
      {shown.length > 200 && <p class="faint">… and {shown.length - 200} more: search for them.</p>}
      {changed && <IdForm id={changed === 'new' ? undefined : changed} onClose={close} />}
      {revoked && (
        <RevokeDialog
          id={revoked}
          onClose={close}
          remove={(mode) => call('DELETE', `/api/stream-ids/${encodeURIComponent(revoked.player)}?mode=${mode}`)}
        />
      )}
    </section>
  );
};
