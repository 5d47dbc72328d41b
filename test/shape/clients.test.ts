import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { keyLine } from '../../src/cli/urls.ts';
import { answerTo, bodyOf, CLIENT_ROWS, type ClientRow } from './clients.ts';

const UPDATE = process.env.UPDATE_GOLDEN === '1';
const FOLDER = resolve(import.meta.dirname, 'clients');
const DOCS = resolve(import.meta.dirname, '../../docs/clients.md');

const row = (name: string): ClientRow => {
  const found = CLIENT_ROWS.find((one) => one.name === name);
  if (!found) throw new Error(`no row ${name}`);
  return found;
};

describe('golden answers', () => {
  it.each(CLIENT_ROWS.map((one) => [one.name, one] as const))('%s', async (name, one) => {
    const path = resolve(FOLDER, `${name}.txt`);
    const answer = await answerTo(one);
    if (UPDATE) writeFileSync(path, answer);
    expect(answer).toBe(readFileSync(path, 'utf8'));
  });

  it('are those of the rows, and no others', () => {
    expect(readdirSync(FOLDER).sort()).toEqual(CLIENT_ROWS.map(({ name }) => `${name}.txt`).sort());
  });

  it('have a row each in docs/clients.md', () => {
    const table = readFileSync(DOCS, 'utf8')
      .split('\n')
      .filter((line) => line.startsWith('| ') && line.includes('| `'))
      .map((line) => line.split('|').map((cell) => cell.trim()))
      .map((cells) => [cells[1], cells[2], cells[3], cells.at(-2)]);
    const rows = CLIENT_ROWS.map((one) => [one.client, `\`${one.request}\``, one.stream, `\`${one.name}\``]);
    expect(table).toEqual(rows);
  });
});

/** NOALBS gives up on a whole answer where one field is not of its type: the stream is offline then. */
const isUint = (most: number) => (value: unknown) =>
  Number.isInteger(value) && (value as number) >= 0 && (value as number) <= most;
const isInt = (most: number) => (value: unknown) => Number.isInteger(value) && Math.abs(value as number) <= most;
const isFloat = (value: unknown) => typeof value === 'number' && Number.isFinite(value);
const U32 = 2 ** 32 - 1;
const I32 = 2 ** 31 - 1;
const U64 = Number.MAX_SAFE_INTEGER;
type Rules = Record<string, (value: unknown) => boolean>;

const OPENIRL: Rules = {
  bitrate: isUint(U32),
  buffer: isUint(U32),
  dropped_pkts: isUint(U64),
  uptime: isUint(U64),
  latency: isUint(65_535),
  rtt: isFloat,
};
const SLS: Rules = {
  ...{
    bitrate: isInt(U64),
    uptime: isInt(U64),
    bytesRcvDrop: isUint(U64),
    bytesRcvLoss: isUint(U64),
    msRcvBuf: isInt(I32),
  },
  ...{ pktRcvDrop: isInt(I32), pktRcvLoss: isInt(I32), rtt: isFloat, mbpsBandwidth: isFloat, mbpsRecvRate: isFloat },
};
const BELABOX: Rules = { bitrate: isInt(U64), rtt: isFloat, dropped_pkts: isInt(I32) };

const PUSH: Rules = { bitrate: isInt(I32), rtt: isFloat, packetLoss: isFloat };

const brokenRules = (entry: Record<string, unknown>, rules: Rules): string[] =>
  Object.entries(rules).flatMap(([name, rule]) => (rule(entry[name]) ? [] : `${name} = ${entry[name]}`));

/** What NOALBS makes of an answer, with its usual thresholds off: a scene, or that it keeps the one it has. */
const noalbs = {
  openirl: (answer: ReturnType<typeof bodyOf>): string => {
    const { publisher } = answer;
    if (!publisher || brokenRules(publisher, OPENIRL).length > 0) return 'offline';
    const peersBroken = (publisher.peers ?? []).some(
      (peer: Record<string, unknown>) => !isUint(U32)(peer.bitrate) || !isFloat(peer.rtt),
    );
    if (peersBroken || publisher.bitrate === 0) return 'offline';
    return publisher.bitrate === 1 ? 'keeps the scene' : 'live';
  },
  sls: (answer: ReturnType<typeof bodyOf>, name: string): string => {
    const entry = answer.publishers?.[name];
    if (!entry || brokenRules(entry, SLS).length > 0) return 'offline';
    return entry.bitrate === 0 ? 'keeps the scene' : 'live';
  },
  belabox: (answer: ReturnType<typeof bodyOf>): string => {
    const entry = answer.publishers?.live;
    if (!entry || brokenRules(entry, BELABOX).length > 0 || entry.bitrate === 0) return 'offline';
    return entry.bitrate === 1 ? 'keeps the scene' : 'live';
  },
  push: (message: ReturnType<typeof bodyOf>, streamId: string): string => {
    const entry = message.streams?.find((one: { streamId: unknown }) => one.streamId === streamId);
    if (message.type !== 'stats' || !entry?.connected || brokenRules(entry, PUSH).length > 0) return 'offline';
    return entry.bitrate === 0 ? 'keeps the scene' : 'live';
  },
};

describe('NOALBS, by its own field rules', () => {
  const EXPECTED = { live: 'live', stalled: 'keeps the scene', silent: 'offline' } as const;
  for (const [stream, scene] of Object.entries(EXPECTED)) {
    it(`${stream}: ${scene}`, async () => {
      const answer = async (name: string) => bodyOf(await answerTo(row(`${name}-${stream}`)));
      expect(noalbs.openirl(await answer('noalbs-openirl'))).toBe(scene);
      expect(noalbs.sls(await answer('noalbs-sls'), 'live')).toBe(scene);
      expect(noalbs.sls(await answer('noalbs-sls-key'), 'live_a')).toBe(scene);
      expect(noalbs.belabox(await answer('noalbs-belabox'))).toBe(scene);
      expect(noalbs.push(await answer('noalbs-push'), 'play_a')).toBe(scene);
    });
  }
});

describe('the OBS plugin, by its own rules', () => {
  /** `QJsonValue::toInt` and `toDouble`: anything else than what they take is 0. */
  const toInt = (value: unknown): number => (isInt(I32)(value) ? (value as number) : 0);
  const toDouble = (value: unknown): number => (typeof value === 'number' ? value : 0);
  const read = async (name: string) => {
    const text = await answerTo(row(name));
    const publishers = bodyOf(text).publishers ?? {};
    const [first] = Object.keys(publishers).sort();
    if (!text.startsWith('200\n') || first === undefined) return undefined;
    const entry = publishers[first];
    const [lost, received] = [toDouble(entry.pktRcvLoss), toDouble(entry.pktRecv)];
    return {
      kbps: toInt(entry.bitrate),
      latencyMs: toInt(entry.latency),
      seconds: toInt(entry.uptime),
      lossPercent: (lost / (lost + received)) * 100,
    };
  };

  it('sees the bitrate, and a loss that makes sense', async () => {
    const live = await read('plugin-player-id-live');
    expect(live).toMatchObject({ kbps: 4_123, latencyMs: 2_000, seconds: 63 });
    expect(live!.lossPercent).toBeCloseTo(1.67, 2);
    expect(await read('plugin-publisher-id')).toEqual(live);
  });
  it('sees 0 kbit/s of a stream that has just gone, so that its own scene rules work', async () => {
    expect((await read('plugin-player-id-stalled'))?.kbps).toBe(0);
    expect((await read('plugin-player-id-silent'))?.kbps).toBe(0);
  });
  it('sees nothing of an id that was not live, and of none at all', async () => {
    for (const name of ['plugin-player-id-never-live', 'plugin-slashes', 'plugin-unknown'])
      expect(await read(name)).toBeUndefined();
  });
  it('takes whole ages for links, and shares that total 100', async () => {
    const { groups } = bodyOf(await answerTo(row('plugin-links')));
    for (const link of groups[0].connections) expect(toInt(link.last_ms_ago)).toBe(link.last_ms_ago);
    expect(groups[0].connections.reduce((sum: number, link: { share_pct: number }) => sum + link.share_pct, 0)).toBe(
      100,
    );
  });
});

describe('the old control plane, by its own rules', () => {
  it('finds its stream in the list of a trusted address, under its id', async () => {
    const { groups } = bodyOf(await answerTo(row('plane-links')));
    expect(groups[0]).toMatchObject({ stream_id: 'live_a', conn_count: 2 });
    expect(groups[0].connections[0].addr).toBe('203.0.113.x:40000');
  });
  it('takes 2xx for done and 409 for there already', async () => {
    expect(await answerTo(row('plane-add'))).toMatch(/^200\n/);
    expect(await answerTo(row('plane-add-again'))).toMatch(/^409\n/);
    expect(await answerTo(row('plane-delete'))).toMatch(/^200\n/);
  });
});

describe('receiver.sh', () => {
  it('finds the first key in the log with its grep', () => {
    const key = `${'aB3'.repeat(10)}Zz`;
    const found = execFileSync(
      'sh',
      ['-c', "grep -o 'Generated default admin API key: [A-Za-z0-9]*' | head -n 1 | sed 's/.*: //'"],
      {
        input: `receiver  | ${keyLine(key)}\n`,
        encoding: 'utf8',
      },
    );
    expect(found.trim()).toBe(key);
  });
});
