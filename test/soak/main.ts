// npm run soak -- --minutes N [--json]: everything at once for so long; the last line says what was found. Exit code 1 where something was.
import { soakTable } from './report.ts';
import { runSoak } from './soak.ts';

const words = process.argv.slice(2);
const at = words.indexOf('--minutes');
const minutes = Number(at < 0 ? 1 : words[at + 1]);
if (!(minutes > 0 && minutes <= 1_440)) {
  process.stderr.write('give --minutes from 1 to 1440\n');
  process.exit(2);
}
const report = await runSoak({ minutes, say: (line) => process.stderr.write(`${line}\n`) });
process.stdout.write(words.includes('--json') ? `${JSON.stringify(report)}\n` : soakTable(report));
process.exitCode = report.problems.length === 0 ? 0 : 1;
