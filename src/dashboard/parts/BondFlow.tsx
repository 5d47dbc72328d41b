import { useEffect, useRef } from 'preact/hooks';
import { TRAIL, type Trail } from '../feed.ts';
import { linkColour } from '../theme.ts';

/** Room above the highest value. */
const HEADROOM = 1.15;

/** The last minute of the bond: what each link brings, one on top of the other, so that the upper edge is the whole. */
const paint = (canvas: HTMLCanvasElement, { total, links }: Trail): void => {
  const scale = Math.min(devicePixelRatio || 1, 2);
  const [width, height] = [canvas.clientWidth, canvas.clientHeight];
  if (width === 0) return;
  if (canvas.width !== Math.round(width * scale)) canvas.width = Math.round(width * scale);
  if (canvas.height !== Math.round(height * scale)) canvas.height = Math.round(height * scale);
  const context = canvas.getContext('2d');
  if (!context) return;
  context.setTransform(scale, 0, 0, scale, 0, 0);
  context.clearRect(0, 0, width, height);
  const slots = [...links.keys()].sort((a, b) => a - b);
  const layers = slots.length > 0 ? slots.map((slot) => links.get(slot)!) : [total];
  const length = Math.max(...layers.map((layer) => layer.length), 1);
  const sums = Array.from({ length }, (_, index) =>
    layers.reduce((sum, layer) => sum + (layer[index - (length - layer.length)] ?? 0), 0),
  );
  const top = Math.max(...sums, 1) * HEADROOM;
  const x = (index: number): number => width - ((length - 1 - index) / (TRAIL - 1)) * width;
  const y = (value: number): number => height - (value / top) * height;
  const below = Array.from({ length }, () => 0);
  layers.forEach((layer, number) => {
    const colour = linkColour(slots[number] ?? 0);
    const above = below.map((value, index) => value + (layer[index - (length - layer.length)] ?? 0));
    context.beginPath();
    curve(
      context,
      above.map((value, index) => [x(index), y(value)]),
    );
    for (let index = length - 1; index >= 0; index--) context.lineTo(x(index), y(below[index]!));
    context.closePath();
    context.globalAlpha = 0.32;
    context.fillStyle = colour;
    context.fill();
    context.beginPath();
    curve(
      context,
      above.map((value, index) => [x(index), y(value)]),
    );
    context.globalAlpha = 0.95;
    context.lineWidth = 1.5;
    context.strokeStyle = colour;
    context.stroke();
    above.forEach((value, index) => {
      below[index] = value;
    });
  });
};

/** Through the middles between neighbours: no overshoot. */
const curve = (context: CanvasRenderingContext2D, points: readonly (readonly number[])[]): void => {
  points.forEach(([x = 0, y = 0], index) => {
    const [beforeX = 0, beforeY = 0] = points[index - 1] ?? [];
    if (index === 0) context.moveTo(x, y);
    else context.quadraticCurveTo(beforeX, beforeY, (beforeX + x) / 2, (beforeY + y) / 2);
    if (index === points.length - 1) context.lineTo(x, y);
  });
};

export const BondFlow = ({ trail, label }: { trail: Trail; label: string }) => {
  const canvas = useRef<HTMLCanvasElement>(null);
  useEffect(() => {
    if (canvas.current) paint(canvas.current, trail);
  });
  return <canvas ref={canvas} class="flow" role="img" aria-label={label} />;
};
