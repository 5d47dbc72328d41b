import { useState } from 'preact/hooks';
import type { IdView, SessionView } from '../../stats/dashboard-types.ts';
import { useAsked } from '../feed.ts';
import { dateText } from '../format.ts';
import { CopyButton } from '../parts/Copy.tsx';
import { Icon } from '../parts/Icon.tsx';
import { stay } from '../route.ts';
import { type Doomed, IdForm, RevokeDialog } from './IdForms.tsx';

const EVERY_MS = 3_000;
/** Publisher ids on one page. */
const MOST_SHOWN = 100;

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

const byPublisher = (ids: readonly IdView[]): IdView[][] => {
  const groups = new Map<string, IdView[]>();
  for (const id of ids) groups.set(id.publisher, [...(groups.get(id.publisher) ?? []), id]);
  return [...groups.values()];
};

interface GroupProps {
  /** Of one publisher id. */
  rows: readonly IdView[];
  permissions: NonNullable<SessionView['permissions']>;
  onChange: (id: IdView) => void;
  onRevoke: (doomed: Doomed) => void;
}

/** A publisher id with its player ids. */
const Group = ({ rows, permissions, onChange, onRevoke }: GroupProps) => {
  const [first] = rows;
  if (!first) return null;
  return (
    <li class="card id-card" data-live={first.live}>
      <div class="id-head">
        <h2>
          <a href={`/streams/${first.name}`} onClick={stay} class="stream-link">
            {rows.find(({ label }) => label !== undefined)?.label ?? first.name}
            <Icon name="next" size={16} />
          </a>
        </h2>
        {first.live && (
          <span class="badge" data-state="live">
            <span class="dot" />
            Live
          </span>
        )}
      </div>
      <Id id={first.publisher} what="publisher id" secret />
      {permissions === 'admin' && rows.length > 1 && (
        <p class="actions">
          <button type="button" class="button small danger-quiet" onClick={() => onRevoke({ id: first, whole: true })}>
            Delete the publisher id…
          </button>
        </p>
      )}
      {rows.map((id) => (
        <div key={id.player} class="id-player">
          <Id id={id.player} what="player id" secret={id.forPlugin} />
          <p class="faint id-limits">
            {[id.forPlugin && id.description === undefined && 'for the OBS plugin', id.description, limitsOf(id)]
              .filter(Boolean)
              .join(' · ')}
          </p>
          {permissions !== 'read' && (
            <p class="actions">
              <button type="button" class="button small" onClick={() => onChange(id)}>
                Name and limits
              </button>
              {permissions === 'admin' && (
                <button
                  type="button"
                  class="button small danger-quiet"
                  onClick={() => onRevoke({ id, whole: rows.length === 1 })}
                >
                  Delete…
                </button>
              )}
            </p>
          )}
        </div>
      ))}
    </li>
  );
};

export const Ids = ({ permissions }: { permissions: NonNullable<SessionView['permissions']> }) => {
  const { data, error, reload } = useAsked<{ ids: IdView[] }>('/data/ids', EVERY_MS);
  const [changed, setChanged] = useState<IdView | 'new'>();
  const [doomed, setDoomed] = useState<Doomed>();
  const [search, setSearch] = useState('');
  if (!data) return <p class="loading">{error ?? 'Reading the stream ids…'}</p>;
  const wanted = search.trim().toLowerCase();
  const shown = data.ids.filter((id) =>
    [id.label, id.description, id.name, id.player].some((text) => text?.toLowerCase().includes(wanted)),
  );
  const groups = byPublisher(shown);
  const close = (): void => {
    setChanged(undefined);
    setDoomed(undefined);
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
      {groups.length === 0 && (
        <section class="card empty">
          <h2>{data.ids.length === 0 ? 'There is no stream id yet' : 'No id has this name'}</h2>
          {data.ids.length === 0 && <p>Make one, and its page has what to paste into your app and into OBS.</p>}
        </section>
      )}
      <ul class="id-list">
        {groups.slice(0, MOST_SHOWN).map((rows) => (
          <Group
            key={rows[0]!.publisher}
            rows={rows}
            permissions={permissions}
            onChange={setChanged}
            onRevoke={setDoomed}
          />
        ))}
      </ul>
      {groups.length > MOST_SHOWN && <p class="faint">… and {groups.length - MOST_SHOWN} more: search for them.</p>}
      {changed && <IdForm id={changed === 'new' ? undefined : changed} onClose={close} />}
      {doomed && <RevokeDialog doomed={doomed} onClose={close} />}
    </section>
  );
};
