import type { Axis, BarPlot, LinePlot, Plot } from '../result.ts';
import { linearTicks, logTicks, type Scale, scaleOf, tickLabel } from './scale.ts';

const WIDTH = 640;
const HEIGHT = 320;
const LEFT = 56;
const RIGHT = 16;
const TOP = 14;
const BOTTOM = 46;
const COLOURS = 8;

export const escapeHtml = (text: string): string => text.replace(/[&<>"']/g, (char) => `&#${char.codePointAt(0)};`);

const number = (value: number): string => value.toFixed(1).replace(/\.0$/, '');
const colour = (index: number): string => `c${index % COLOURS}`;

const frame = (inside: string, label: string): string =>
  `<svg viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-label="${escapeHtml(label)}">${inside}</svg>`;

const legend = (names: readonly string[]): string =>
  names.length < 2
    ? ''
    : `<ul class="legend">${names.map((name, i) => `<li><i class="${colour(i)}"></i>${escapeHtml(name)}</li>`).join('')}</ul>`;

const gridY = (y: Scale, axis: Axis): string =>
  (axis.scale === 'log' ? logTicks(y.least, y.most) : linearTicks(y.least, y.most))
    .map((value) => {
      const at = number(y.at(value));
      return `<path class="grid" d="M${LEFT} ${at}H${WIDTH - RIGHT}"/><text class="tick" x="${LEFT - 8}" y="${at}" dy="4" text-anchor="end">${tickLabel(value)}</text>`;
    })
    .join('');

const gridX = (x: Scale, axis: Axis): string =>
  (axis.scale === 'log' ? logTicks(x.least, x.most) : linearTicks(x.least, x.most))
    .map((value) => {
      const at = number(x.at(value));
      return `<path class="grid" d="M${at} ${TOP}V${HEIGHT - BOTTOM}"/><text class="tick" x="${at}" y="${HEIGHT - BOTTOM + 17}" text-anchor="middle">${tickLabel(value)}</text>`;
    })
    .join('');

const axisLabels = (x: string, y: string): string =>
  `<text class="axis" x="${(LEFT + WIDTH - RIGHT) / 2}" y="${HEIGHT - 8}" text-anchor="middle">${escapeHtml(x)}</text>` +
  `<text class="axis" transform="translate(13 ${(TOP + HEIGHT - BOTTOM) / 2}) rotate(-90)" text-anchor="middle">${escapeHtml(y)}</text>`;

const limitLine = (limit: { y: number; label: string } | undefined, y: Scale): string => {
  if (!limit || limit.y > y.most || limit.y < y.least) return '';
  const at = number(y.at(limit.y));
  return `<path class="limit" d="M${LEFT} ${at}H${WIDTH - RIGHT}"/><text class="limit-label" x="${WIDTH - RIGHT - 4}" y="${at}" dy="-5" text-anchor="end">${escapeHtml(limit.label)}</text>`;
};

/** Points that would lie on one another, or outside of the plot, are left out. */
const pathOf = (points: readonly (readonly [number, number])[], x: Scale, y: Scale): string =>
  points
    .filter(([px]) => px >= x.least && px <= x.most)
    .map(([px, py], i) => `${i === 0 ? 'M' : 'L'}${number(x.at(px))} ${number(y.at(py))}`)
    .join('');

const linePlot = (plot: LinePlot): string => {
  const { series, style, limit } = plot;
  const all = series.flatMap(({ points }) => points);
  const x = scaleOf(
    plot.x,
    all.map(([value]) => value),
    LEFT,
    WIDTH - RIGHT,
    style === 'dots',
  );
  const y = scaleOf(
    plot.y,
    [...all.map(([, value]) => value), ...(limit ? [limit.y * 1.05] : [])],
    HEIGHT - BOTTOM,
    TOP,
    true,
  );
  const lines = series.map(({ name, points }, i) => {
    const dots =
      style === 'dots'
        ? points.map(
            ([px, py]) =>
              `<circle class="${colour(i)}" cx="${number(x.at(px))}" cy="${number(y.at(py))}" r="4"><title>${escapeHtml(`${name}: ${tickLabel(px)} → ${py.toPrecision(3)}`)}</title></circle>`,
          )
        : [];
    return `<path class="line ${colour(i)}" d="${pathOf(points, x, y)}"/>${dots.join('')}`;
  });
  const inside =
    gridX(x, plot.x) + gridY(y, plot.y) + limitLine(limit, y) + lines.join('') + axisLabels(plot.x.label, plot.y.label);
  return frame(inside, plot.title) + legend(series.map(({ name }) => name));
};

/** Lying bars, their names beside them: names are long, and there are few bars. */
const barPlot = ({ title, unit, bars, limit }: BarPlot): string => {
  const groups = [...new Set(bars.map(({ group }) => group))];
  const step = 26;
  const left = 210;
  const height = bars.length * step + 34;
  const most = Math.max(1e-9, ...bars.map(({ value }) => value), ...(limit ? [limit.y] : []));
  // Room for the value behind the longest bar.
  const at = (value: number): number => left + (value / most) * (WIDTH - 72 - left);
  const rows = bars.map(({ name, value, group }, i) => {
    const top = 8 + i * step;
    return (
      `<text class="tick" x="${left - 8}" y="${top + 13}" text-anchor="end">${escapeHtml(name)}</text>` +
      `<rect class="${colour(groups.indexOf(group))}" x="${left}" y="${top}" width="${number(Math.max(1, at(value) - left))}" height="18" rx="3"/>` +
      `<text class="value" x="${number(at(value) + 6)}" y="${top + 13}">${value.toFixed(value < 10 ? 2 : 1)} ${escapeHtml(unit)}</text>`
    );
  });
  const bottom = 8 + bars.length * step;
  const line = limit
    ? `<path class="limit" d="M${number(at(limit.y))} 4V${bottom}"/><text class="limit-label" x="${number(at(limit.y))}" y="${bottom + 14}" text-anchor="middle">${escapeHtml(limit.label)}</text>`
    : '';
  return `<svg viewBox="0 0 ${WIDTH} ${height}" role="img" aria-label="${escapeHtml(title)}">${rows.join('')}${line}</svg>`;
};

/** A figure that needs nothing but the page's styles. */
export const renderPlot = (plot: Plot): string =>
  `<figure><figcaption>${escapeHtml(plot.title)}</figcaption>${plot.kind === 'line' ? linePlot(plot) : barPlot(plot)}</figure>`;
