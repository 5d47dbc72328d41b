import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { ImpairmentReport } from '../../src/sender/impaired-bond.ts';
import { rawPlayer } from './media.ts';
import { TestNode, tributary, until } from './processes.ts';

export interface BondedRunOptions {
  /** A file of MPEG-TS. */
  clip: string;
  /** For what the player gets. */
  folder: string;
  name: string;
  links: readonly string[];
  /** Of `send --impair`. */
  impair: string;
  latencyMs: number;
  env?: Record<string, string>;
}

export interface BondedRun {
  /** The player has got the clip, byte for byte. */
  whole: boolean;
  impairment: ImpairmentReport;
  /** Of the node's SRTLA stage, once the player has it all. */
  counters: Record<string, number>;
}

interface Facts {
  players: unknown[];
  publishers: unknown[];
  srtla: { counters: Record<string, number> };
}

const finalReport = (output: string): ImpairmentReport => {
  const line = output.split('\n').find((one) => one.startsWith('{"type":"impairment"'));
  if (line === undefined) throw new Error(`no report of the impairments:\n${output.slice(-2_000)}`);
  return JSON.parse(line) as ImpairmentReport;
};

/** Sends a clip over impaired links through a node of its own to a player. */
export const bondedRun = async (options: BondedRunOptions): Promise<BondedRun> => {
  const { clip, folder, name, links, impair, latencyMs, env } = options;
  const node = await TestNode.start(env);
  const raw = join(folder, `${name}.ts`);
  const [row] = await node.rows();
  const player = rawPlayer(`srt://127.0.0.1:${node.ports.play}?streamid=${row!.player}&mode=caller&latency=200`, raw);
  try {
    const facts = (): Promise<Facts> => node.get<Facts>('/v1/doctor', node.token);
    await until('the player', async () => (await facts()).players.length === 1);
    const sender = tributary([
      ...['send', '--to', `127.0.0.1:${node.ports.srtla[0]}`, '--links', links.join(','), '--impair', impair, '--json'],
      ...['--input', clip, '--streamid', row!.publisher, '--latency', String(latencyMs)],
    ]);
    await sender.success(60_000);
    const { size } = statSync(clip);
    // What is lost never comes: then this is over when the publisher is.
    await until('the player to have it all', async () => {
      return statSync(raw).size >= size || (await facts()).publishers.length === 0;
    });
    const { counters } = (await facts()).srtla;
    // srt-live-transmit writes what it has when its connection ends.
    await node.program.stop();
    await player.exited;
    return { whole: readFileSync(raw).equals(readFileSync(clip)), impairment: finalReport(sender.output), counters };
  } finally {
    await player.stop('SIGKILL');
    await node.stop();
  }
};
