import type { Settings } from '../config/load.ts';
import { TributaryError } from '../shared/errors.ts';
import type { NodePorts } from '../stats/stream-urls.ts';
import { choosePublicHost } from './public-host.ts';
import { settingsOrProblems } from './relay.ts';
import { findRunningNode, readRows } from './running-node.ts';
import { urlLines } from './urls.ts';

const HELP = `Usage: ./tributary urls [--data-dir FOLDER] [--SETTING VALUE …]

Prints what to paste into senders and players, for the node of this data folder. The publisher id is among it: it is the right to go live.
`;

/** The ports of the running node; of the settings where none runs. */
const portsOf = (settings: Settings): NodePorts => {
  try {
    return findRunningNode(settings.dataDir).ports;
  } catch (error) {
    if (!(error instanceof TributaryError)) throw error;
    const { srtla, srt, http } = settings;
    return {
      srtla: srtla.ports,
      publish: srt.publishPort,
      play: srt.playPort,
      stats: http.statsPort,
      links: http.linksPort,
      dashboard: settings.dashboard.enabled ? http.dashboardPort : undefined,
    };
  }
};

/** `./tributary urls`. @returns the exit code @throws TributaryError when there are no ids yet or their file is damaged */
export const runUrls = async (argv: readonly string[]): Promise<number> => {
  if (argv.includes('--help')) {
    process.stdout.write(HELP);
    return 0;
  }
  const settings = settingsOrProblems(argv);
  if (!settings) return 2;
  const rows = await readRows(settings.dataDir);
  const lines = urlLines({ host: choosePublicHost(settings), ports: portsOf(settings), rows });
  process.stdout.write(`${lines.join('\n')}\n`);
  return 0;
};
