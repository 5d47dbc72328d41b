import type { Axis } from '../result.ts';

export interface Scale {
  least: number;
  most: number;
  /** Where a value is on the page. */
  at(value: number): number;
}

/** A step of 1, 2 or 5 times a power of ten, so that there are about `wanted` of them. */
const niceStep = (span: number, wanted: number): number => {
  const rough = span / wanted;
  const power = 10 ** Math.floor(Math.log10(rough));
  const lead = rough / power;
  return (lead > 5 ? 10 : lead > 2 ? 5 : lead > 1 ? 2 : 1) * power;
};

export const linearTicks = (least: number, most: number): number[] => {
  if (!(most > least)) return [least];
  const step = niceStep(most - least, 6);
  const first = Math.ceil(least / step - 1e-9);
  const last = Math.floor(most / step + 1e-9);
  return Array.from({ length: last - first + 1 }, (_, i) => Number(((first + i) * step).toPrecision(12)));
};

/** Powers of ten, and 2 and 5 between them where there are few. */
export const logTicks = (least: number, most: number): number[] => {
  const leads = Math.log10(most / least) > 3 ? [1] : [1, 2, 5];
  const ticks: number[] = [];
  for (let power = Math.floor(Math.log10(least)); 10 ** power <= most; power++) {
    for (const lead of leads) {
      const value = Number((lead * 10 ** power).toPrecision(3));
      if (value >= least * 0.999 && value <= most * 1.001) ticks.push(value);
    }
  }
  return ticks;
};

/** A logarithmic axis shows no more than four decades, the ones that matter: the upper ones. */
const DECADES = 4;

/** From the axis and the values on it to places from `from` to `to`. `padded`: with room around the outermost ones. */
export const scaleOf = (axis: Axis, values: readonly number[], from: number, to: number, padded: boolean): Scale => {
  const most = axis.max ?? Math.max(...values, axis.scale === 'log' ? 1e-6 : 0);
  if (axis.scale === 'log') {
    const positive = values.filter((value) => value > 0);
    // A decade at least, so that the ticks show that it is logarithmic.
    const floor = Math.max(Math.min(...positive, most / 10), most / 10 ** DECADES);
    const room = padded ? 1.25 : 1;
    const [low, high] = [floor / room, most * room];
    const span = Math.log(high / low);
    return {
      least: low,
      most: high,
      at: (value) => from + ((to - from) * Math.log(Math.max(value, low) / low)) / span,
    };
  }
  const high = axis.max ?? (padded ? most * 1.05 : most) ?? 1;
  const top = high > 0 ? high : 1;
  return { least: 0, most: top, at: (value) => from + ((to - from) * value) / top };
};

/** `5k` for 5,000, `0.02` for itself. */
export const tickLabel = (value: number): string => {
  if (Math.abs(value) >= 1_000_000) return `${Number((value / 1e6).toPrecision(3))}M`;
  if (Math.abs(value) >= 1_000) return `${Number((value / 1_000).toPrecision(3))}k`;
  return String(Number(value.toPrecision(3)));
};
