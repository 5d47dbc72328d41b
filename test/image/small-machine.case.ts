import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Program, until } from '../support/processes.ts';
import { deploy, operatorFolder } from './deployment.ts';
import { type Container, Machine, NODE_ADDRESS, proportionalBytes } from './machine.ts';
import { bondedSender, clip, player } from './media.ts';
import { megabytes, report } from './report.ts';

const STREAMS = 8;
const KBPS = 6_000;
const SECONDS = 30;
const API = `http://${NODE_ADDRESS}:8090`;
const KEY = 'KeyOfTheSmallestMachine012345678';

let machine: Machine;
let folder: string;
const programs: Program[] = [];

beforeAll(() => {
  machine = new Machine();
  folder = operatorFolder(mkdtempSync(join(tmpdir(), 'tributary-small-')));
  clip(SECONDS, KBPS);
});

afterAll(async () => {
  await Promise.all(programs.map((program) => program.stop('SIGKILL')));
  await machine.close();
  rmSync(folder, { recursive: true, force: true });
});

const cpuSeconds = async (container: Container): Promise<number> => {
  const ticks = readFileSync(`/proc/${await container.pid()}/stat`, 'utf8')
    .split(') ')[1]!
    .split(' ');
  return (Number(ticks[11]) + Number(ticks[12])) / 100;
};

describe('the smallest supported machine, 1 vCPU and 1 GB', () => {
  it(`carries ${STREAMS} bonded streams of ${KBPS / 1_000} Mbit/s with a player each, and every byte arrives`, {
    timeout: 240_000,
  }, async () => {
    const container = await deploy(machine, 'small', {
      compose: 'docker/compose.yml',
      folder,
      extraEnv: { TRIBUTARY_API_KEY: KEY, TRIBUTARY_HTTP_API_KEY_PER_MINUTE: '100000' },
    });
    await machine.answers(`${API}/healthz`);
    const file = (index: number): string => join(folder, `stream-${index}.ts`);
    const source = clip(SECONDS, KBPS);
    const { size } = statSync(source);
    const senders: Program[] = [];
    for (let index = 0; index < STREAMS; index++) {
      const row = { publisher: `live_${index}`, player: `play_${index}` };
      expect((await machine.http(`${API}/api/stream-ids`, { method: 'POST', key: KEY, body: row })).status).toBe(200);
      programs.push(player(machine, row.player, file(index), 4_000, 1_000));
    }
    await until(
      'the players',
      async () => {
        const { json } = await machine.http(`${API}/v1/doctor`, { key: KEY });
        return json.players.length === STREAMS;
      },
      30_000,
    );
    const cpuBefore = await cpuSeconds(container);
    const begin = performance.now();
    for (let index = 0; index < STREAMS; index++)
      senders.push(bondedSender(machine, { publisher: `live_${index}`, input: source, latencyMs: 2_000 }));
    programs.push(...senders);
    const pid = await container.pid();
    let most = 0;
    await until(
      'the end of the senders',
      () => {
        most = Math.max(most, proportionalBytes(pid));
        return senders.every((sender) => sender.exitCode !== undefined);
      },
      180_000,
    );
    const lasted = (performance.now() - begin) / 1_000;
    const cpu = (await cpuSeconds(container)) - cpuBefore;
    await until(
      'the end of the streams',
      async () => {
        const { json } = await machine.http(`${API}/v1/doctor`, { key: KEY });
        return json.publishers.length === 0;
      },
      60_000,
    );
    await container.stop();
    await Promise.all(programs.map((program) => program.exited));
    const missing = Array.from({ length: STREAMS }, (_, index) => size - statSync(file(index)).size);
    report(
      `${STREAMS} bonded streams of ${KBPS / 1_000} Mbit/s, a player each, 1 vCPU and 1 GB, ${SECONDS} s`,
      `${((100 * cpu) / lasted).toFixed(0)} % of the core, at most ${megabytes(most)}, bytes that did not arrive: ${missing.join(' ')}`,
    );
    expect(await container.inspect('{{.State.OOMKilled}}')).toBe('false');
    const whole = readFileSync(source);
    for (let index = 0; index < STREAMS; index++)
      expect(readFileSync(file(index)).equals(whole), `stream ${index}: ${missing[index]} bytes are missing`).toBe(
        true,
      );
  });
});
