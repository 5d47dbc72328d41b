import { useState } from 'preact/hooks';
import type { LiveView, PlayerView, SessionView, StreamDetails } from '../../stats/dashboard-types.ts';
import { call } from '../api.ts';
import { type FeedState, useAsked } from '../feed.ts';
import { ms, uptime } from '../format.ts';
import { Confirm } from '../parts/Confirm.tsx';
import { EventList } from '../parts/EventList.tsx';
import { Icon } from '../parts/Icon.tsx';
import { Paste } from '../parts/Paste.tsx';
import { Preview } from '../parts/Preview.tsx';
import { Scroll } from '../parts/Scroll.tsx';
import { StreamCard } from '../parts/StreamCard.tsx';
import { Tabs } from '../parts/Tabs.tsx';
import { stay } from '../route.ts';
import { Charts } from './Charts.tsx';
import { Shares } from './Shares.tsx';

const EVERY_MS = 2_000;

const Players = ({ name, players, canWrite }: { name: string; players: readonly PlayerView[]; canWrite: boolean }) => {
  const [leaving, setLeaving] = useState<PlayerView>();
  return (
    <section class="card">
      <h2>Players</h2>
      {players.length === 0 ? (
        <p class="faint">Nobody is watching. The Connect tab has what to paste into OBS or VLC.</p>
      ) : (
        <Scroll label="Table of players">
          <table class="table">
            <thead>
              <tr>
                <th scope="col">Player</th>
                <th scope="col">State</th>
                <th scope="col" class="number">
                  Since
                </th>
                <th scope="col" class="number">
                  RTT
                </th>
                <th scope="col" class="number">
                  Latency
                </th>
                <th scope="col" class="number">
                  Buffered
                </th>
                <th scope="col" class="number">
                  Rate
                </th>
                <th scope="col" class="number">
                  Sent again
                </th>
                <th scope="col" class="number">
                  Missed
                </th>
                {canWrite && (
                  <th scope="col">
                    <span class="hidden">Actions</span>
                  </th>
                )}
              </tr>
            </thead>
            <tbody>
              {players.map((player) => (
                <tr key={player.key}>
                  <th scope="row">
                    {player.address}
                    <span class="sub">{player.player}</span>
                  </th>
                  <td>{player.state}</td>
                  <td class="number">{uptime(player.uptimeMs)}</td>
                  <td class="number">{ms(player.rttMs)}</td>
                  <td class="number">{player.latencyMs} ms</td>
                  <td class="number">{player.bufferMs} ms</td>
                  <td class="number">{player.mbps.toFixed(1)} Mbit/s</td>
                  <td class="number">{player.resentPackets}</td>
                  <td class="number">{player.droppedMessages}</td>
                  {canWrite && (
                    <td>
                      <button type="button" class="button small" onClick={() => setLeaving(player)}>
                        Disconnect
                      </button>
                    </td>
                  )}
                </tr>
              ))}
            </tbody>
          </table>
        </Scroll>
      )}
      {leaving && (
        <Confirm
          title="Disconnect this player?"
          action="Disconnect"
          onClose={() => setLeaving(undefined)}
          run={() => call('DELETE', `/data/streams/${name}/players/${leaving.key}`)}
        >
          {leaving.address} may connect anew at once. To keep it out, revoke its player id.
        </Confirm>
      )}
    </section>
  );
};

export interface StreamProps {
  path: string;
  feed: FeedState<LiveView>;
  session: SessionView;
}

export const Stream = ({ path, feed, session }: StreamProps) => {
  const [, , name = '', tab = ''] = path.split('/');
  const { data: details, error, reload } = useAsked<StreamDetails>(`/data/streams/${name}`, EVERY_MS);
  const [isKicking, setKicking] = useState(false);
  const stream = feed.view?.streams.find((one) => one.name === name);
  const canWrite = session.permissions !== 'read';
  if (!details)
    return error === undefined ? (
      <p class="loading">Looking for the stream…</p>
    ) : (
      <section class="card empty">
        <h1>{error}</h1>
        <p>
          <a class="button" href="/" onClick={stay}>
            All streams
          </a>
        </p>
      </section>
    );
  return (
    <div class="page">
      <div class="page-head">
        <a class="back" href="/" onClick={stay}>
          <Icon name="back" size={16} />
          All streams
        </a>
        <div class="page-title">
          <h1>{details.label ?? details.name}</h1>
          {details.label !== undefined && <span class="faint">{details.name}</span>}
          {canWrite && stream && stream.state !== 'waiting' && (
            <button type="button" class="button" onClick={() => setKicking(true)}>
              Disconnect sender
            </button>
          )}
        </div>
        <Tabs
          label="Views of the stream"
          path={path}
          tabs={[
            { href: `/streams/${name}`, text: 'Overview' },
            { href: `/streams/${name}/connect`, text: 'Connect' },
            { href: `/streams/${name}/share`, text: 'Share' },
          ]}
        />
      </div>
      {tab === '' && (
        <>
          {stream ? (
            <StreamCard stream={stream} trail={feed.trails.get(name)} isNamed />
          ) : (
            <section class="card empty">
              <h2>Nobody is live on this id</h2>
              <p class="actions">
                <a class="button primary" href={`/streams/${name}/connect`} onClick={stay}>
                  Connect a sender
                </a>
              </p>
            </section>
          )}
          {details.preview && stream && <Preview name={name} />}
          <Charts name={name} stream={stream} />
          <Players name={name} players={details.connected} canWrite={canWrite} />
          <section class="card">
            <h2>Events</h2>
            <EventList events={details.events} />
          </section>
        </>
      )}
      {tab === 'connect' && <Connect details={details} />}
      {tab === 'share' && <Shares details={details} canWrite={canWrite} onChange={reload} />}
      {isKicking && (
        <Confirm
          title="Disconnect the sender?"
          action="Disconnect"
          onClose={() => setKicking(false)}
          run={() => call('DELETE', `/data/streams/${name}/publisher`)}
        >
          The stream ends now; players stay and wait. An app that reconnects by itself is back in a moment: to keep it
          out, revoke the id.
        </Confirm>
      )}
    </div>
  );
};

const Connect = ({ details }: { details: StreamDetails }) =>
  details.listed ? (
    <>
      <section>
        <h2>Send</h2>
        <p class="faint">With the publisher id: whoever has it can go live in your place.</p>
        <div class="paste-grid">
          {details.senders.map((card) => (
            <Paste key={card.program} card={card} />
          ))}
        </div>
      </section>
      <section>
        <h2>Watch</h2>
        <p class="faint">With a player id: it lets people watch, and nothing else.</p>
        <div class="paste-grid">
          {details.players.map((card) => (
            <Paste key={card.program} card={card} />
          ))}
        </div>
      </section>
    </>
  ) : (
    <p class="card">The id of this stream was deleted: nobody new can connect.</p>
  );
