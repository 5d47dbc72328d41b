import { useEffect, useRef, useState } from 'preact/hooks';
import type uPlot from 'uplot';
import type { Series } from '../../stats/dashboard-types.ts';
import { hourMinute } from '../format.ts';
import { themeColour } from '../theme.ts';

export interface ChartLine {
  label: string;
  /** A variable of the theme: `--link-2`. */
  colour: string;
  values: Series;
  /** Drawn as bars. */
  bars?: boolean;
  /** Filled down to the axis. */
  filled?: boolean;
  dashed?: boolean;
}

export interface ChartProps {
  title: string;
  /** Unix seconds. */
  times: readonly number[];
  lines: readonly ChartLine[];
  /** Of the values. */
  unit: string;
  /** A value, without its unit. */
  show: (value: number) => string;
  /** The axis reaches at least to here. */
  least: number;
}

const HEIGHT = 190;
const FONT = '11px system-ui, sans-serif';

type Plot = {
  new (options: uPlot.Options, data: uPlot.AlignedData, target: HTMLElement): uPlot;
  paths: uPlot.Series.PathBuilderFactories;
  sync: typeof uPlot.sync;
};

const optionsOf = (Uplot: Plot, { lines, show, least }: ChartProps, width: number): uPlot.Options => {
  const axis: Partial<uPlot.Axis> = {
    font: FONT,
    stroke: themeColour('--muted'),
    grid: { stroke: themeColour('--line'), width: 1 },
    ticks: { show: false },
  };
  return {
    width,
    height: HEIGHT,
    padding: [10, 8, 0, 0],
    cursor: { sync: { key: 'stream' }, points: { size: 6 }, drag: { x: true, y: false } },
    legend: { show: false },
    scales: { x: { time: true }, y: { range: (_plot, _least, most) => [0, Math.max(least, (most ?? 0) * 1.1)] } },
    axes: [
      { ...axis, space: 60, size: 26, values: (_plot, values) => values.map((at) => hourMinute(at * 1_000)) },
      { ...axis, size: 44, space: 34, values: (_plot, values) => values.map(show) },
    ],
    series: [
      {},
      ...lines.map(
        ({ label, colour, bars, filled, dashed }): uPlot.Series => ({
          label,
          stroke: themeColour(colour),
          width: bars ? 0 : 1.6,
          points: { show: false },
          ...(dashed ? { dash: [5, 4] } : {}),
          ...(filled ? { fill: `${themeColour(colour)}26` } : {}),
          ...(bars ? { paths: Uplot.paths.bars!({ size: [1, 6], align: 0 }), fill: themeColour(colour) } : {}),
        }),
      ),
    ],
  };
};

/** Numbers over time. The plot is a picture: its table for those who cannot see it are the newest values below. */
export const Chart = (props: ChartProps) => {
  const { title, unit, times, lines, show } = props;
  const target = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | null>(null);
  const [Uplot, setUplot] = useState<Plot>();
  const [turn, setTurn] = useState(0);
  useEffect(() => {
    // Fetched with the first chart only: nine of ten visits look at the live page.
    void import('uplot').then((module) => setUplot(() => module.default as unknown as Plot));
    const again = (): void => setTurn((before) => before + 1);
    const dark = matchMedia('(prefers-color-scheme: dark)');
    addEventListener('themechange', again);
    dark.addEventListener('change', again);
    return () => {
      removeEventListener('themechange', again);
      dark.removeEventListener('change', again);
    };
  }, []);
  const shape = lines.map(({ label, colour }) => `${label} ${colour}`).join('|');
  const data = [times, ...lines.map(({ values }) => values)] as unknown as uPlot.AlignedData;
  useEffect(() => {
    const element = target.current;
    if (!element || !Uplot) return undefined;
    const made = new Uplot(optionsOf(Uplot, props, element.clientWidth), data, element);
    plot.current = made;
    const observer = new ResizeObserver(() => made.setSize({ width: element.clientWidth, height: HEIGHT }));
    observer.observe(element);
    return () => {
      observer.disconnect();
      made.destroy();
      plot.current = null;
    };
  }, [Uplot, shape, turn]);
  useEffect(() => {
    plot.current?.setData(data);
  }, [times]);
  return (
    <figure class="chart">
      <figcaption>
        <h3>
          {title} <span class="unit">{unit}</span>
        </h3>
        <ul class="legend">
          {lines.map(({ label, colour, values }) => {
            const last = values.at(-1) ?? null;
            return (
              <li key={label}>
                <span class="swatch" style={{ background: `var(${colour})` }} />
                {label} <b>{last === null ? '–' : show(last)}</b>
              </li>
            );
          })}
        </ul>
      </figcaption>
      <div ref={target} class="chart-area" aria-hidden="true" />
    </figure>
  );
};
