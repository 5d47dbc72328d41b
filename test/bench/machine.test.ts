import { describe, expect, it } from 'vitest';
import {
  chooseCores,
  cpuNs,
  parseBusyNs,
  parseCpuList,
  parseUdpCounts,
  residentMiB,
  udpCounts,
} from '../../bench/machine.ts';
import { summarize } from '../../bench/probe.ts';

describe('cores', () => {
  it('reads the kernel’s lists', () => {
    expect(parseCpuList('0-2,5')).toEqual([0, 1, 2, 5]);
    expect(parseCpuList('3\n')).toEqual([3]);
  });
  it('keeps relay and load apart where there are two', () => {
    expect(chooseCores([2, 3, 7])).toEqual({ relay: [2], load: [3], all: [2, 3, 7] });
    expect(chooseCores([4])).toEqual({ relay: [4], load: [4], all: [4] });
  });
});

describe('the kernel’s counters', () => {
  it('adds both families by name, whatever the order of the columns', () => {
    const snmp = 'Tcp: a\nTcp: 9\nUdp: InDatagrams NoPorts RcvbufErrors OutDatagrams\nUdp: 10 1 2 20\n';
    const snmp6 = 'Udp6InDatagrams\t5\nUdp6OutDatagrams  6\nUdp6RcvbufErrors 7\n';
    expect(parseUdpCounts(snmp, snmp6)).toEqual({ received: 15, sent: 26, dropped: 9 });
    expect(parseUdpCounts(snmp, '')).toEqual({ received: 10, sent: 20, dropped: 2 });
  });
  it('takes a core’s time as busy unless it was idle or waited for a disk', () => {
    const stat =
      'cpu  9 9 9 9 9 9 9 9 0 0\ncpu0 1 2 4 1000 1000 8 16 32 0 0\ncpu1 100 0 0 5 0 0 0 0 0 0\ncpu10 7 0 0 0 0 0 0 0 0 0\n';
    expect(parseBusyNs(stat, [0])).toBe(63e7);
    expect(parseBusyNs(stat, [0, 1])).toBe(163e7);
  });
  it('sees this process work', () => {
    const before = cpuNs(process.pid);
    for (const end = performance.now() + 60; performance.now() < end; );
    const used = cpuNs(process.pid) - before;
    expect(used).toBeGreaterThan(5e6);
    expect(residentMiB(process.pid)).toBeGreaterThan(10);
    expect(udpCounts().sent).toBeGreaterThanOrEqual(0);
  });
});

describe('summarize', () => {
  const line = (gcCount: number, gcTotalMs: number, gcMaxMs: number, lagMaxMs: number) => ({
    ...{ atMs: 0, gcCount, gcTotalMs, gcMaxMs, lagP99Ms: lagMaxMs / 2, lagMaxMs, utilization: 0.5, heapMiB: 10 },
  });
  it('takes rates over the seconds and the worst of them', () => {
    expect(summarize(1, [line(3, 6, 4, 1), line(1, 2, 2, 8)])).toEqual({
      ...{
        thread: 1,
        gcPerSecond: 2,
        gcMeanMs: 2,
        gcMaxMs: 4,
        lagP99Ms: 4,
        lagMaxMs: 8,
        utilization: 0.5,
        heapMiB: 10,
      },
    });
  });
  it('has nothing where nothing was written', () => {
    expect(summarize(0, [])).toBeUndefined();
  });
});
