import { useMemo, useState } from 'preact/hooks';
import type { HistoryView, Series, StreamView } from '../../stats/dashboard-types.ts';
import { useAsked } from '../feed.ts';
import { Chart } from '../parts/Chart.tsx';
import { Segments } from '../parts/Segments.tsx';
import { LINK_COLOURS } from '../theme.ts';

const RANGES = [5, 15, 30] as const;
/** The history grows by a step every other second. */
const EVERY_MS = 4_000;

const linkName = (slot: number): string => `--link-${slot % LINK_COLOURS}`;
const atMost = (value: number): string =>
  value >= 100 ? String(Math.round(value)) : String(Math.round(value * 10) / 10);

/** The last half hour of a stream, link by link. */
export const Charts = ({ name, stream }: { name: string; stream: StreamView | undefined }) => {
  const [minutes, setMinutes] = useState<(typeof RANGES)[number]>(5);
  const { data } = useAsked<HistoryView>(`/data/streams/${name}/history`, EVERY_MS);
  const view = useMemo(() => data && cut(data, minutes), [data, minutes]);
  if (!view) return <p class="loading chart-loading">Reading the history…</p>;
  const { times, of, links } = view;
  const each = (field: 'kbps' | 'rttMs' | 'jitterMs' | 'lossPct') =>
    links.map((link) => ({ label: link.label, colour: linkName(link.slot), values: of(link[field]) }));
  return (
    <section class="charts" aria-label="The last minutes">
      <div class="section-head">
        <h2>History</h2>
        <Segments
          label="Time shown"
          choices={RANGES.map((value) => ({ value, text: `${value} min` }))}
          chosen={minutes}
          onChoose={setMinutes}
        />
      </div>
      <div class="chart-grid">
        <Chart
          title="Bitrate"
          times={times}
          least={100}
          unit="Mbit/s"
          show={(value) => (value / 1_000).toFixed(1)}
          lines={[
            {
              label: 'Stream',
              colour: '--text',
              values: of(view.history.kbps),
              dashed: links.length > 0,
              filled: links.length === 0,
            },
            ...each('kbps'),
          ]}
        />
        <Chart
          title="Losses and repair"
          times={times}
          least={2}
          unit="%"
          show={atMost}
          lines={[
            { label: 'Lost on the way', colour: '--warn', values: of(view.history.lossPct), filled: true },
            { label: 'Retransmissions', colour: '--accent', values: of(view.history.resentPct) },
          ]}
        />
        <Chart
          title="Lost for good"
          times={times}
          least={4}
          unit="packets"
          show={atMost}
          lines={[{ label: 'Packets', colour: '--bad', values: of(view.history.dropped), bars: true }]}
        />
        <Chart
          title="Buffer against latency"
          times={times}
          least={Math.max(200, stream?.latencyMs ?? 0)}
          unit="s"
          show={(value) => (value / 1_000).toFixed(1)}
          lines={[
            { label: 'Buffer', colour: '--good', values: of(view.history.bufferMs), filled: true },
            { label: 'Latency', colour: '--muted', values: times.map(() => stream?.latencyMs ?? null), dashed: true },
          ]}
        />
        <Chart
          title="Round trip"
          times={times}
          least={20}
          unit="ms"
          show={atMost}
          lines={[{ label: 'SRT', colour: '--text', values: of(view.history.rttMs), dashed: true }, ...each('rttMs')]}
        />
        {links.length > 0 && (
          <Chart title="Jitter" times={times} least={5} unit="ms" show={atMost} lines={each('jitterMs')} />
        )}
      </div>
    </section>
  );
};

const cut = (history: HistoryView, minutes: number) => {
  const steps = (minutes * 60_000) / history.stepMs;
  const of = (series: Series): Series => series.slice(-steps);
  const times = of(history.kbps).map(
    (_, index, all) => (history.endMs - (all.length - 1 - index) * history.stepMs) / 1_000,
  );
  // Links of half an hour ago say nothing about the last five minutes.
  const links = history.links.filter(({ kbps }) => of(kbps).some((value) => value !== null));
  return { history, times, of, links };
};
