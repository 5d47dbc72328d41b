import { useSharedFeed } from '../feed.ts';
import { EventList } from '../parts/EventList.tsx';
import { Logo, ThemeButton } from '../parts/Frame.tsx';
import { StreamCard } from '../parts/StreamCard.tsx';

/** One stream for whoever has the link: to look at, nothing else. */
export const Shared = ({ token }: { token: string }) => {
  const { view, trails, isLate, isOver, isFull } = useSharedFeed(token);
  return (
    <div class="frame shared">
      <header class="top">
        <span class="home">
          <Logo />
        </span>
        <div class="top-end">
          <ThemeButton />
        </div>
      </header>
      <p class="trouble" role="status" data-on={isLate && !isOver}>
        {isFull ? 'Too many people are looking. Trying again…' : 'The node does not answer. Trying again…'}
      </p>
      <main id="content">
        {isOver ? (
          <section class="card empty">
            <h1>This link shows nothing any more</h1>
            <p>Ask for a new one.</p>
          </section>
        ) : !view ? (
          <p class="loading">Connecting…</p>
        ) : (
          <div class="page">
            <h1 class="hidden">{view.title}</h1>
            {view.stream ? (
              <StreamCard stream={view.stream} trail={trails.get(view.stream.name)} />
            ) : (
              <section class="card empty">
                <h2>{view.title}</h2>
                <p>Nobody is live now. The page follows by itself.</p>
              </section>
            )}
            <section class="card">
              <h2>Events</h2>
              <EventList events={view.events} />
            </section>
          </div>
        )}
      </main>
    </div>
  );
};
