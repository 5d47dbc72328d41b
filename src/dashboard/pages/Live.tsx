import type { LiveView } from '../../stats/dashboard-types.ts';
import type { FeedState } from '../feed.ts';
import { bitrateText, capital, count, uptime } from '../format.ts';
import { EventList } from '../parts/EventList.tsx';
import { StreamCard } from '../parts/StreamCard.tsx';
import { stay } from '../route.ts';

const Empty = ({ view }: { view: LiveView }) => (
  <section class="card empty">
    <h2>Nobody is live</h2>
    <p class="empty-text">{capital(view.checklist.text)}</p>
    <p class="faint">The page follows by itself as soon as a stream arrives.</p>
    <p class="actions">
      <a class="button primary" href="/setup" onClick={stay}>
        Set up a sender
      </a>
      <a class="button" href="/manage" onClick={stay}>
        Stream ids
      </a>
    </p>
  </section>
);

const NodeSummary = ({ view }: { view: LiveView }) => {
  const live = view.streams.filter(({ state }) => state !== 'waiting');
  const total = live.reduce((sum, { kbps }) => sum + kbps, 0);
  const players = view.streams.reduce((sum, stream) => sum + stream.players, 0);
  const links = live.reduce((sum, stream) => sum + stream.links.filter(({ state }) => state !== 'gone').length, 0);
  return (
    <dl class="summary">
      <div>
        <dt>Live</dt>
        <dd>{count(live.length, 'stream')}</dd>
      </div>
      <div>
        <dt>In</dt>
        <dd>{bitrateText(total)}</dd>
      </div>
      <div>
        <dt>Links</dt>
        <dd>{links}</dd>
      </div>
      <div>
        <dt>Players</dt>
        <dd>{players}</dd>
      </div>
      <div>
        <dt>Node up</dt>
        <dd>{uptime(view.uptimeMs)}</dd>
      </div>
    </dl>
  );
};

export const Live = ({ feed }: { feed: FeedState<LiveView> }) => {
  const { view, trails } = feed;
  if (!view) return <p class="loading">Connecting to the node…</p>;
  const names = new Map(view.streams.map(({ name, label }) => [name, label ?? name]));
  return (
    <div class="live">
      <h1 class="hidden">Live streams</h1>
      <div class="live-main">
        <NodeSummary view={view} />
        {view.streams.length === 0 && <Empty view={view} />}
        <div class="cards" data-many={view.streams.length > 2}>
          {view.streams.map((stream) => (
            <StreamCard
              key={stream.name}
              stream={stream}
              trail={trails.get(stream.name)}
              href={`/streams/${stream.name}`}
            />
          ))}
        </div>
      </div>
      <aside class="live-side card" aria-label="Events">
        <h2>Events</h2>
        <EventList events={view.events} names={names} empty="Nothing has happened since the node was started." />
      </aside>
    </div>
  );
};
