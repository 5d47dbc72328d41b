import { readdirSync, readFileSync } from 'node:fs';

/** `0-1,4` → [0, 1, 4] */
export const parseCpuList = (text: string): number[] =>
  text
    .trim()
    .split(',')
    .filter((part) => part !== '')
    .flatMap((part) => {
      const [first, last = first] = part.split('-').map(Number);
      return Array.from({ length: last! - first! + 1 }, (_, i) => first! + i);
    });

export interface Cores {
  /** The relay's. */
  relay: number[];
  /** The load maker's, the players' and this program's. */
  load: number[];
  all: number[];
}

/** One core for the relay, the next one for everything else; with a single core there is no choice. */
export const chooseCores = (allowed: readonly number[]): Cores => ({
  relay: allowed.slice(0, 1),
  load: allowed.length > 1 ? allowed.slice(1, 2) : allowed.slice(0, 1),
  all: [...allowed],
});

export const allowedCores = (): number[] =>
  parseCpuList(/Cpus_allowed_list:\s*(\S+)/.exec(readFileSync('/proc/self/status', 'utf8'))![1]!);

const TICKS_PER_SECOND = 100;

/**
 * User and system time of a process, nanoseconds, as the scheduler has counted it. `/proc/PID/stat`, which counts in hundredths of a
 * second, where the kernel does not tell it for each thread.
 */
export const cpuNs = (pid: number): number => {
  try {
    return readdirSync(`/proc/${pid}/task`).reduce(
      (sum, thread) => sum + Number(readFileSync(`/proc/${pid}/task/${thread}/schedstat`, 'utf8').split(' ')[0]),
      0,
    );
  } catch {
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]!.split(' ');
    return ((Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND) * 1e9;
  }
};

/** Lines `cpuN user nice system idle iowait irq softirq steal …` of /proc/stat, in hundredths of a second → nanoseconds not idle. */
export const parseBusyNs = (stat: string, cores: readonly number[]): number =>
  stat
    .split('\n')
    .map((line) => line.split(' '))
    .filter(([name]) => cores.some((core) => name === `cpu${core}`))
    .reduce((sum, [, user, nice, system, , , irq, softirq, steal]) => {
      const ticks = [user, nice, system, irq, softirq, steal].reduce((all, one) => all + Number(one ?? 0), 0);
      return sum + (ticks / TICKS_PER_SECOND) * 1e9;
    }, 0);

/** What these cores have done since the machine's start, whoever asked for it; time that another machine took from them included. */
export const busyNs = (cores: readonly number[]): number => parseBusyNs(readFileSync('/proc/stat', 'utf8'), cores);

/** Resident memory of a process, MiB. */
export const residentMiB = (pid: number): number =>
  Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))![1]) / 1024;

export interface UdpCounts {
  received: number;
  sent: number;
  /** Datagrams that a full receive buffer has cost. */
  dropped: number;
}

/** Two lines `Udp: names` and `Udp: values` of /proc/net/snmp, and the same of snmp6. */
export const parseUdpCounts = (snmp: string, snmp6: string): UdpCounts => {
  const [names = [], values = []] = snmp
    .split('\n')
    .filter((line) => line.startsWith('Udp: '))
    .map((line) => line.split(' '));
  const four = (name: string): number => Number(values[names.indexOf(name)] ?? 0);
  const six = (name: string): number => Number(new RegExp(`^Udp6${name}\\s+(\\d+)`, 'm').exec(snmp6)?.[1] ?? 0);
  const of = (name: string): number => four(name) + six(name);
  return { received: of('InDatagrams'), sent: of('OutDatagrams'), dropped: of('RcvbufErrors') };
};

const readOrEmpty = (path: string): string => {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
};

/** Of this network namespace. */
export const udpCounts = (): UdpCounts =>
  parseUdpCounts(readFileSync('/proc/net/snmp', 'utf8'), readOrEmpty('/proc/net/snmp6'));
