import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { parseImpairment } from './impairment-spec.ts';
import { LinkEmulator } from './link-emulator.ts';

const STEP_MS = 1;

describe('the link emulator', () => {
  beforeEach(() => {
    vi.useFakeTimers();
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  const open = (specs: readonly string[]) => {
    const out: string[] = [];
    let startMs = performance.now();
    const now = (): number => Math.round((performance.now() - startMs) * 10) / 10;
    const note = (direction: string) => (link: number, bytes: Uint8Array) => {
      out.push(`${now()} ${direction}${link} ${bytes[0]}`);
    };
    const emulator = new LinkEmulator({
      deliverUp: note('up'),
      deliverDown: note('down'),
      clock: () => performance.now(),
    });
    for (const [link, spec] of specs.entries()) emulator.add(link, parseImpairment(spec));
    startMs = performance.now();
    const pass = (ms: number): void => {
      for (let t = 0; t < ms; t += STEP_MS) vi.advanceTimersByTime(STEP_MS);
    };
    return { emulator, out, pass };
  };

  it('lets each link and direction take its time', () => {
    const { emulator, out, pass } = open(['30ms,down.delay=10ms', '5ms']);
    emulator.sendUp(0, Uint8Array.of(1));
    emulator.sendUp(1, Uint8Array.of(2));
    emulator.sendDown(0, Uint8Array.of(3));
    pass(40);
    expect(out).toEqual(['5 up1 2', '10 down0 3', '30 up0 1']);
    expect(emulator.totals(0)).toMatchObject({ up: { delivered: 1 }, down: { delivered: 1 } });
    expect(emulator.lateness().maxMs).toBeLessThan(1);
  });

  it('delivers twice, loses, and answers from within a delivery', () => {
    const { emulator, out, pass } = open(['3ms,up.dup=100%,down.loss=100%', '2ms']);
    emulator.sendUp(0, Uint8Array.of(1));
    emulator.sendDown(0, Uint8Array.of(2));
    pass(10);
    expect(out).toEqual(['3 up0 1', '3 up0 1']);
    expect(emulator.totals(0)?.down.lost).toBe(1);
  });

  it('tells what becomes of a datagram the moment it enters', () => {
    const seen: [boolean, number][] = [];
    const emulator = new LinkEmulator({
      deliverUp: () => {},
      deliverDown: () => {},
      onUp: (_bytes, arrives, dueMs) => seen.push([arrives, dueMs]),
      clock: () => 100,
    });
    emulator.add(0, parseImpairment('30ms,loss=100%'));
    emulator.sendUp(0, Uint8Array.of(1));
    emulator.change(0, parseImpairment('40ms'));
    emulator.sendUp(0, Uint8Array.of(1));
    expect(seen).toEqual([
      [false, 130],
      [true, 140],
    ]);
    emulator.close();
  });

  it('drops what is on its way over a link that is taken away, and everything at its end', () => {
    const { emulator, out, pass } = open(['5ms', '5ms', '20ms']);
    for (const link of [0, 1, 2]) emulator.sendUp(link, Uint8Array.of(link));
    emulator.remove(0);
    emulator.sendUp(0, Uint8Array.of(9));
    pass(10);
    expect(out).toEqual(['5 up1 1']);
    emulator.close();
    pass(30);
    expect(out).toHaveLength(1);
    expect(vi.getTimerCount()).toBe(0);
  });
});
