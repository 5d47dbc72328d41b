import { setTimeout as elapse } from 'node:timers/promises';
import { monotonicNow } from '../shared/clock.ts';
import { NO_MEMORY } from '../stats/checklist.ts';
import { bufferCheck, portsCheck, receiveBufferLimit, srtCheck } from '../stats/doctor-checks.ts';
import { checkLines, stepLines, watch } from './doctor-report.ts';
import { choosePublicHost } from './public-host.ts';
import { settingsOrProblems } from './relay.ts';
import { askNode, findRunningNode, readRows } from './running-node.ts';
import { urlLines } from './urls.ts';

const HELP = `Usage: ./tributary doctor [--data-dir FOLDER] [--SETTING VALUE …]

For the node that runs with this data folder: what to paste, how far the stream has come, and what is likely wrong.
`;

/** Senders that look for their receiver try about once a second. */
const LOOKS = 4;
const PAUSE_MS = 1_000;

/** `./tributary doctor`. @returns the exit code @throws TributaryError TRIBUTARY_NODE_NOT_RUNNING, or that the ids cannot be read */
export const runDoctor = async (argv: readonly string[]): Promise<number> => {
  if (argv.includes('--help')) {
    process.stdout.write(HELP);
    return 0;
  }
  const settings = settingsOrProblems(argv);
  if (!settings) return 2;
  const print = (lines: readonly string[]): boolean => process.stdout.write(`${lines.join('\n')}\n`);
  const node = findRunningNode(settings.dataDir);
  const first = await askNode(node, settings);
  print(urlLines({ host: choosePublicHost(settings), ports: node.ports, rows: await readRows(settings.dataDir) }));
  const { srtVersion, uptimeMs } = first;
  print([
    ...checkLines([portsCheck(node.ports, uptimeMs), srtCheck(srtVersion), bufferCheck(receiveBufferLimit())]),
    '',
  ]);
  const look = async () => ({ snapshot: await askNode(node, settings), now: monotonicNow() });
  print(stepLines(await watch(look, NO_MEMORY, LOOKS, () => elapse(PAUSE_MS))));
  return 0;
};
