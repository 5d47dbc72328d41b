import { type ClientRequest, get } from 'node:http';
import { type BenchContext, bufferEnvironment } from '../context.ts';
import { API_KEY, NodeRelay } from '../relays.ts';
import { fixed, percent, type ScenarioResult, whole } from '../result.ts';
import { Rig } from '../rig.ts';
import { quantileMs } from '../statistics.ts';
import { lossChecks, threadTable, windowNotes } from './chain-report.ts';
import { type Compared, chain, change, comparedRows, signed } from './quiet-comparison.ts';

const STREAMS = 20;
const LINKS = 8;
const MBPS = 1;
const PAGES = 3;
const CPU_GOAL = 0.05;

interface PagesCase extends Compared {
  lost: number;
  /** Of all pages. */
  bytes: number;
}

/** Open pages of the dashboard, as a browser reads them: signed in, one feed each. */
class Pages {
  bytes = 0;
  readonly #requests: ClientRequest[] = [];

  async open(port: number, count: number): Promise<void> {
    const base = `http://127.0.0.1:${port}`;
    const signedIn = await fetch(`${base}/session`, {
      method: 'POST',
      headers: { origin: base },
      body: JSON.stringify({ key: API_KEY }),
    });
    const cookie = signedIn.headers.getSetCookie()[0]?.split(';')[0];
    if (cookie === undefined) throw new Error(`the dashboard does not let the bench in: ${signedIn.status}`);
    for (let page = 0; page < count; page++) await this.#read(`${base}/feed`, cookie);
  }

  #read(url: string, cookie: string): Promise<void> {
    return new Promise((ready, reject) => {
      const request = get(url, { headers: { cookie }, agent: false }, (answer) => {
        answer.on('data', (chunk: Buffer) => {
          this.bytes += chunk.length;
          ready();
        });
        answer.on('error', () => {});
      });
      request.on('error', reject);
      this.#requests.push(request);
    });
  }

  close(): void {
    for (const request of this.#requests.splice(0)) request.destroy();
  }
}

/** Twenty streams of eight links, with nobody looking and with three open pages, in turn. */
export const runPages = async (context: BenchContext): Promise<ScenarioResult> => {
  const { options, cores, progress } = context;
  const node = await NodeRelay.start({ cores: cores.all, env: bufferEnvironment(options), probe: true });
  const rig = new Rig(context, node);
  const pages = new Pages();
  const cases: PagesCase[] = [];
  try {
    progress(`${STREAMS} streams`);
    await rig.add({ streams: STREAMS, links: LINKS, mbps: MBPS, playersPerStream: 1 });
    for (let round = 1; round <= options.rounds; round++) {
      progress(`nobody looks, round ${round}`);
      const quiet = await rig.window(options.seconds);
      progress(`${PAGES} pages, round ${round}`);
      await pages.open(node.ports.dashboard, PAGES);
      const before = pages.bytes;
      const window = await rig.window(options.seconds);
      const bytes = pages.bytes - before;
      pages.close();
      cases.push({ name: `${PAGES} pages, round ${round}`, quiet, window, bytes, lost: await rig.holes() });
    }
    return describe(cases, await rig.finish());
  } finally {
    pages.close();
    await rig.close();
  }
};

const median = (values: readonly number[]): number =>
  [...values].sort((a, b) => a - b)[values.length >> 1] ?? Number.NaN;

const describe = (cases: readonly PagesCase[], totals: Awaited<ReturnType<Rig['finish']>>): ScenarioResult => {
  const more = ({ quiet, window }: Compared): number => window.cpuShare - quiet.cpuShare;
  return {
    scenario: 'pages',
    title: `${STREAMS} bonded streams of ${LINKS} links while ${PAGES} pages of the dashboard are open`,
    data: { cases, totals },
    tables: [
      {
        title: 'Rounds',
        columns: ['case', 'chain p99 ms', 'change', 'missing', 'core', 'KiB/s of the pages'],
        rows: comparedRows(cases).map(({ name, window, of }) => [
          name,
          fixed(quantileMs(chain(window), 0.99), 2),
          of ? signed(change(of, chain)) : '',
          of ? whole(of.lost) : '',
          percent(window.cpuShare),
          of ? whole(of.bytes / 1024 / window.seconds) : '',
        ]),
      },
      threadTable(cases.flatMap(({ window }) => window.threads)),
    ],
    plots: [],
    checks: [
      {
        name: 'change of chain p99, median of the rounds',
        value: median(cases.map((one) => change(one, chain) ?? Number.NaN)),
        relation: '≤',
        goal: 1,
        unit: 'ms',
      },
      {
        name: 'what the pages cost, median of the rounds',
        value: median(cases.map(more)),
        relation: '≤',
        goal: CPU_GOAL,
        unit: 'of a core',
      },
      ...lossChecks([totals]),
    ],
    ratios: {},
    notes: cases.flatMap(({ name, window }) => windowNotes(name, window)),
  };
};
