// node test/pages/cost.ts [SECONDS]: what the dashboard's server costs with 20 streams of 8 links, without pages and with three of them open.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { HttpListener } from '../../src/stats/http-listener.ts';
import { SAMPLE_KEY, type SampleStream, sampleNode } from './sample-node.ts';

const STREAMS = 20;
const LINKS = 8;
const PAGES = 3;
const seconds = Number(process.argv[2] ?? 30);

const streams: SampleStream[] = Array.from({ length: STREAMS }, (_, s) => ({
  ...{ publisher: `live_${s}`, player: `play_${s}`, label: `Stream ${s}`, latencyMs: 2_000, players: 2 },
  links: Array.from({ length: LINKS }, (_unused, n) => ({
    ...{ address: `203.0.${s}.${n}`, meanKbps: 800, rttMs: 40 + n * 5, lossPct: 1, swing: 5 + n },
  })),
}));

/** Reads feeds, in a process of its own. */
const READER = `
const [, base, cookie, pages] = process.argv;
let bytes = 0;
for (let n = 0; n < Number(pages); n++)
  require('node:http').get(base + '/feed', { headers: { cookie } }, (answer) => answer.on('data', (chunk) => { bytes += chunk.length; }));
process.on('SIGTERM', () => { console.log(bytes); process.exit(); });
`;

const node = await sampleNode({ streams, carriers: () => undefined });
const listener = await HttpListener.open(node.app, { bind: ['127.0.0.1'], port: 0, portSetting: 'SLS_MGNT_PORT' });
const base = `http://127.0.0.1:${listener.port}`;
const signedIn = await fetch(`${base}/session`, {
  method: 'POST',
  headers: { origin: base },
  body: JSON.stringify({ key: SAMPLE_KEY }),
});
const cookie = signedIn.headers.getSetCookie()[0]!.split(';')[0]!;
const wait = (ms: number): Promise<void> => new Promise((done) => setTimeout(done, ms));

/** Percent of a core, all threads of this process. */
const costOf = async (): Promise<number> => {
  const [cpu, startMs] = [process.cpuUsage(), performance.now()];
  await wait(seconds * 1_000);
  const { user, system } = process.cpuUsage(cpu);
  return (user + system) / 10 / (performance.now() - startMs);
};

await wait(3_000);
const alone = await costOf();
const reader = spawn(process.execPath, ['-e', READER, base, cookie, String(PAGES)], {
  stdio: ['ignore', 'pipe', 'inherit'],
});
let output = '';
reader.stdout.on('data', (chunk: Buffer) => {
  output += chunk.toString('utf8');
});
await wait(3_000);
const watched = await costOf();
const { pages } = node.state.feed;
const message = JSON.stringify(node.state.live('full')).length;
reader.kill('SIGTERM');
await once(reader, 'exit');
await listener.close();
node.close();
const kbytes = (Number(output) / (seconds + 3) / 1_000).toFixed(0);
process.stdout.write(
  `${STREAMS} streams of ${LINKS} links: ${alone.toFixed(2)} % of a core without pages, ${watched.toFixed(2)} % with ${pages}; ` +
    `${message} bytes a message, ${kbytes} kB/s to all pages\n`,
);
