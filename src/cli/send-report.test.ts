import { expect, it } from 'vitest';
import type { ImpairmentReport } from '../sender/impaired-bond.ts';
import { impairmentLine, jsonReport, textReport } from './send-report.ts';

const report: ImpairmentReport = {
  bond: {
    forMs: 10_000,
    firstCopies: { sent: 5_700, lost: 50 },
    retransmissions: { sent: 60, lost: 2 },
    ratio: 60 / 52,
    nak: { packets: 40, numbers: 55, arrived: 1, onTheWay: 2 },
    ack: { full: 1_000, light: 10 },
    losses: [
      { delayMs: 30, nakMs: 12.4 },
      { delayMs: 30, nakMs: undefined },
      { delayMs: 90, nakMs: 80 },
      { delayMs: 90, nakMs: 31.2 },
    ],
  },
  lateness: { p50Ms: 0, p99Ms: 1, maxMs: 2.5 },
  links: [],
};

it('says in a line what the impaired links did', () => {
  expect(impairmentLine(report)).toBe(
    'impaired: 50 of 5700 packets lost, 60 sent again (2 of them lost), 1.15 for each one lost, NAK after 31 ms (median), emulator late by 1 ms (p99)',
  );
  const bond = { ...report.bond, ratio: undefined, losses: [] };
  expect(impairmentLine({ ...report, bond })).not.toMatch(/each one lost|NAK/);
});

it('gives it to programs whole', () => {
  const written: string[] = [];
  const out = { write: (text: string) => written.push(text) };
  jsonReport(out).impairment(report);
  textReport(out).impairment(report);
  expect(JSON.parse(written[0]!)).toEqual(JSON.parse(JSON.stringify({ type: 'impairment', ...report })));
  expect(written[1]).toBe(`${impairmentLine(report)}\n`);
});
