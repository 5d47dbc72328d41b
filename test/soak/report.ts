import type { SoakReport } from './soak.ts';

const seconds = (ms: number): string => (ms / 1_000).toFixed(1);

/** As a table of Markdown, and what was found. */
export const soakTable = (report: SoakReport): string => {
  const { totals, process, churn, outages } = report;
  const rows: readonly (readonly [string, string])[] = [
    ['minutes', String(report.minutes)],
    ['messages that players should have got', String(totals.expected)],
    ['lost outside of outages', String(totals.lost)],
    ['missing within outages', String(totals.excused)],
    ['the very last of a session, which SRT cannot know of', String(totals.last)],
    ['twice, out of order', `${totals.duplicated}, ${totals.reordered}`],
    ['sessions of encoders, joins of players', `${report.sessions}, ${report.joins}`],
    ['links taken away for 2 s', String(report.flaps)],
    ['messages that encoders gave up', String(report.givenUp)],
    ['data plane killed', String(report.kills)],
    [
      'times that the machine itself stood still',
      String(outages.filter(({ what }) => what.startsWith('the machine')).length),
    ],
    ['longest outage', `${seconds(Math.max(0, ...outages.map(({ fromMs, toMs }) => toMs - fromMs)))} s`],
    ['rounds of polls, pushed messages', `${report.polls}, ${report.pushes}`],
    ['stream ids, keys made and deleted', `${churn.ids}, ${churn.keys}`],
    ['databases swapped, settings reloaded', `${churn.databases}, ${churn.reloads}`],
    [
      `memory after ${report.warmUpMinutes.toFixed(1)} min, at the end, most`,
      `${process.rssMiB.early.toFixed(1)}, ${process.rssMiB.late.toFixed(1)}, ${process.rssMiB.most.toFixed(1)} MiB`,
    ],
    ['growth of memory', `${process.rssMiBPerMinute.toFixed(3)} MiB/min`],
    ['descriptors, threads at first', `${process.descriptors.early}, ${process.threads.early}`],
    ['descriptors, threads at the end', `${process.descriptors.late}, ${process.threads.late}`],
  ];
  const problems =
    report.problems.length === 0
      ? 'Nothing was found.'
      : `Found:\n${report.problems.map((line) => `- ${line}`).join('\n')}`;
  const losses = report.losses.map(
    ({ player, epoch, first, last, sentMs }) =>
      `- ${player}: session ${epoch}, messages ${first} to ${last}, sent at ${seconds(sentMs)} s`,
  );
  return [
    '| | |',
    '|---|---|',
    ...rows.map(([name, value]) => `| ${name} | ${value} |`),
    '',
    ...(losses.length > 0 ? ['Lost:', ...losses, ''] : []),
    problems,
    '',
  ].join('\n');
};
