import type { ComponentChildren } from 'preact';
import type { StreamView } from '../../stats/dashboard-types.ts';
import type { Trail } from '../feed.ts';
import { bitrate, bitrateText, count, ms, percent, uptime } from '../format.ts';
import { stay } from '../route.ts';
import { BondFlow } from './BondFlow.tsx';
import { Icon } from './Icon.tsx';
import { Lanes } from './Lanes.tsx';

const STATES = { live: 'Live', stalled: 'No data', waiting: 'Waiting' } as const;
const WARNINGS: Readonly<Record<string, string>> = {
  'latency-short': 'The latency is short for this round trip: raise it in the app.',
  'bitrate-exceeded': 'Above the bitrate ceiling of this id.',
};
const EMPTY: Trail = { total: [], links: new Map() };

const Metric = ({ name, children, tone }: { name: string; children: ComponentChildren; tone?: string | undefined }) => (
  <div class="metric" data-tone={tone}>
    <dt>{name}</dt>
    <dd>{children}</dd>
  </div>
);

/** How much of the latency is filled: what is missing is what late packets cannot use any more. */
const Buffer = ({ stream }: { stream: StreamView }) => {
  const filled = stream.latencyMs > 0 ? Math.min(1, stream.bufferMs / stream.latencyMs) : 0;
  return (
    <Metric name="Buffer / latency" tone={stream.state === 'live' && filled < 0.35 ? 'warn' : undefined}>
      <span class="nowrap">
        {(stream.bufferMs / 1_000).toFixed(1)}
        <span class="unit"> / {(stream.latencyMs / 1_000).toFixed(1)} s</span>
      </span>
      <span class="gauge" aria-hidden="true">
        <span style={{ transform: `scaleX(${filled.toFixed(3)})` }} />
      </span>
    </Metric>
  );
};

const LEVELS: Readonly<Record<string, string>> = {
  HIGH: 'High',
  MEDIUM: 'Medium',
  LOW: 'Low',
  VERY_LOW: 'Very low',
};

/** What arrives, and what should be sent where that is another level. */
const Quality = ({ level, advice, state }: NonNullable<StreamView['quality']>) => (
  <Metric name="Quality" tone={state === 'ERROR' ? 'bad' : undefined}>
    <span class="nowrap">{state === 'ERROR' ? 'No link' : (LEVELS[level] ?? level)}</span>
    {advice !== null && advice !== level && <span class="unit"> advised {LEVELS[advice] ?? advice}</span>}
  </Metric>
);

export interface StreamCardProps {
  stream: StreamView;
  trail?: Trail | undefined;
  /** Of its page; none where this is it. */
  href?: string;
  /** The page says its name already. */
  isNamed?: boolean;
}

/** A stream: how it is, and below it a lane for each of its links. */
export const StreamCard = ({ stream, trail = EMPTY, href, isNamed = false }: StreamCardProps) => {
  const { value, unit } = bitrate(stream.kbps);
  const title = stream.label ?? stream.name;
  const active = stream.links.filter(({ state }) => state !== 'gone').length;
  const way =
    stream.source === 'srtla'
      ? `Bonded, ${count(active, 'link')}`
      : stream.source === 'srt'
        ? 'Plain SRT'
        : stream.source === 'pull'
          ? 'From its former node'
          : 'No sender yet';
  return (
    <article class="card stream" data-state={stream.state} aria-label={title}>
      <header class="stream-head">
        <span class="badge" data-state={stream.state}>
          <span class="dot" />
          {STATES[stream.state]}
        </span>
        <h2 class={isNamed ? 'hidden' : undefined}>
          {href === undefined ? (
            title
          ) : (
            <a href={href} onClick={stay} class="stream-link">
              {title}
              <Icon name="next" size={16} />
            </a>
          )}
        </h2>
        <span class="stream-way">
          {stream.encrypted && (
            <span title="Encrypted">
              <Icon name="lock" size={14} />
              <span class="hidden">Encrypted, </span>
            </span>
          )}
          {way}
        </span>
      </header>
      <div class="stream-body">
        <div class="rate">
          <span class="rate-value">{value}</span>
          <span class="rate-unit">{unit}</span>
        </div>
        <dl class="metrics">
          <Metric name="Round trip">{ms(stream.rttMs)}</Metric>
          <Metric name="Loss on the way" tone={stream.lossPct > 5 ? 'warn' : undefined}>
            {percent(stream.lossPct)}
          </Metric>
          <Metric name="Lost for good" tone={stream.dropped > 0 ? 'bad' : undefined}>
            {stream.dropped}
            <span class="unit"> / 10 s</span>
          </Metric>
          <Buffer stream={stream} />
          <Metric name="Up">{uptime(stream.uptimeMs)}</Metric>
          <Metric name="Players">
            {stream.players}
            {stream.waiting > 0 && <span class="unit"> +{stream.waiting} waiting</span>}
          </Metric>
          {stream.quality && <Quality {...stream.quality} />}
        </dl>
      </div>
      {stream.source !== undefined && (
        <BondFlow
          trail={trail}
          label={`The last minute: now ${bitrateText(stream.kbps)} over ${count(active, 'link')}`}
        />
      )}
      {stream.warnings.map((warning) => (
        <p key={warning} class="notice" data-tone="warn">
          <Icon name="warn" size={16} />
          {WARNINGS[warning] ?? warning}
        </p>
      ))}
      {stream.links.length > 0 && <Lanes links={stream.links} trail={trail} />}
    </article>
  );
};
