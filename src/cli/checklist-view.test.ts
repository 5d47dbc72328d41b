import { describe, expect, it } from 'vitest';
import { group, nodeState, publisher, refusal } from '../../test/support/node-states.ts';
import { ChecklistPrinter, createChecklistView } from './checklist-view.ts';

const output = (isTTY: boolean, columns = 80) => {
  const written: string[] = [];
  return { isTTY, columns, written, write: (text: string) => written.push(text) };
};
const CLEAR = '\r\x1b[2K';

describe('without a terminal', () => {
  it('prints a line for each change only', () => {
    const out = output(false);
    const printer = new ChecklistPrinter(out);
    const live = (kbps: number) => nodeState({ publishers: [publisher(kbps)] });
    printer.update(nodeState(), 0);
    printer.update(nodeState(), 1_000);
    printer.update(live(4_100), 2_000);
    printer.update(live(4_300), 3_000);
    printer.close();
    expect(out.written).toEqual(['> waiting for packets on 5000\n', '> live 4.1 Mbit/s, plain SRT\n']);
  });

  it('names causes once for each step that lasts 30 s', () => {
    const out = output(false);
    const printer = new ChecklistPrinter(out);
    for (let second = 0; second <= 90; second++) printer.update(nodeState(), second * 1_000);
    expect(out.written).toHaveLength(2);
    expect(out.written[1]).toMatch(/^ {2}likely:\n {4}- UDP 5000 is closed/);
    printer.update(nodeState({ groups: [group('0xa', 1)] }), 91_000);
    for (let second = 92; second <= 120; second++) printer.update(nodeState(), second * 1_000);
    expect(out.written).toHaveLength(4);
    for (let second = 121; second <= 125; second++) printer.update(nodeState(), second * 1_000);
    expect(out.written).toHaveLength(5);
  });

  it('names other causes when another refusal comes at the same step', () => {
    const out = output(false);
    const printer = new ChecklistPrinter(out);
    printer.update(nodeState({ lastRefusal: refusal(1404) }), 0);
    printer.update(nodeState({ lastRefusal: refusal(1404) }), 30_000);
    printer.update(nodeState({ lastRefusal: refusal(1409) }), 31_000);
    expect(out.written.map((text) => text.split('\n')[1] || text.trim())).toEqual([
      '> handshake: unknown stream id "live_3f…"',
      expect.stringContaining('paste it again'),
      '> handshake: stream id "live_3f…" is in use by another sender',
      expect.stringContaining('another device'),
    ]);
  });
});

describe('on a terminal', () => {
  it('overwrites one line and leaves it standing', () => {
    const out = output(true);
    const printer = new ChecklistPrinter(out);
    printer.update(nodeState(), 0);
    printer.update(nodeState(), 1_000);
    printer.close();
    printer.close();
    const line = `${CLEAR}> waiting for packets on 5000`;
    expect(out.written).toEqual([line, line, '\n']);
  });

  it('cuts the line to the width', () => {
    const out = output(true, 20);
    new ChecklistPrinter(out).update(nodeState(), 0);
    expect(out.written).toEqual([`${CLEAR}> waiting for pack…`]);
  });

  it('puts causes above the live line', () => {
    const out = output(true);
    const printer = new ChecklistPrinter(out);
    printer.update(nodeState(), 0);
    printer.update(nodeState(), 30_000);
    expect(out.written[1]!.startsWith(`${CLEAR}> waiting for packets on 5000\n  likely:\n`)).toBe(true);
    expect(out.written[1]!.endsWith('\n')).toBe(true);
    expect(out.written[2]).toBe(`${CLEAR}> waiting for packets on 5000`);
  });
});

it('createChecklistView shows the state at once and closes its line', () => {
  const out = output(true);
  createChecklistView({ snapshot: () => nodeState(), output: out }).stop();
  expect(out.written).toEqual([`${CLEAR}> waiting for packets on 5000`, '\n']);
});
