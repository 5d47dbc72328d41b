import { TRAIL } from '../feed.ts';

const WIDTH = 120;
const HEIGHT = 28;

/** The last minute as a line; the newest value is at the right edge, wherever it began. */
export const Sparkline = ({ values, most }: { values: readonly number[]; most: number }) => {
  const top = Math.max(most, 1);
  const x = (index: number): number => WIDTH - ((values.length - 1 - index) / (TRAIL - 1)) * WIDTH;
  const y = (value: number): number => HEIGHT - 2 - (Math.min(value, top) / top) * (HEIGHT - 5);
  const points = values.map((value, index) => `${x(index).toFixed(1)},${y(value).toFixed(1)}`).join('L');
  const line = points === '' ? '' : `M${points}`;
  const area = points === '' ? '' : `M${x(0).toFixed(1)},${HEIGHT}L${points}L${WIDTH},${HEIGHT}Z`;
  return (
    <svg class="spark" viewBox={`0 0 ${WIDTH} ${HEIGHT}`} preserveAspectRatio="none" aria-hidden="true">
      <path class="spark-area" d={area} />
      <path class="spark-line" d={line} />
    </svg>
  );
};
