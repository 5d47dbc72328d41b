import { type Program, TestNode, tributary, until } from '../support/processes.ts';
import { join } from 'node:path';

export const LINKS = ['127.0.1.1', '127.0.2.1', '127.0.3.1'] as const;
/** Three links of a town: each with its own delay, loss and rate. */
const IMPAIR = '20±8ms,loss=0.3%,rate=5M;35±15ms,loss=0.8%,rate=4M;50±20ms,loss=1.5%,rate=3M';

/** A node with a test picture that comes to it bonded over three links. */
export interface Scene {
  node: TestNode;
  base: string;
  sender: Program;
  /** `block 127.0.1.1`: see `send --control`. */
  tell: (command: string) => Promise<void>;
  /** Sends a test picture on another id. */
  publish: (publisher: string) => Program;
  stop: () => Promise<void>;
}

export const openScene = async (env: Record<string, string> = {}): Promise<Scene> => {
  const node = await TestNode.start(env);
  const control = `unix:${join(node.dataDir, 'sender.sock')}`;
  const [row] = await node.rows();
  const programs: Program[] = [];
  const send = (publisher: string, more: readonly string[]): Program => {
    const program = tributary([
      ...['send', '--to', `127.0.0.1:${node.ports.srtla[0]}`, '--input', 'test', '--streamid', publisher],
      ...['--latency', '1000', '--reconnect', '--json', ...more],
    ]);
    programs.push(program);
    return program;
  };
  const sender = send(row!.publisher, ['--links', LINKS.join(','), '--impair', IMPAIR, '--control', control]);
  await until('the stream to be live', async () => {
    const facts = await node.get<{ publishers: unknown[] }>('/v1/doctor', node.token);
    return facts.publishers.length === 1;
  });
  return {
    ...{ node, sender, base: `http://127.0.0.1:${node.ports.dashboard}` },
    tell: (command) => tributary(['send', '--control', control, '--command', command]).success(15_000),
    publish: (publisher) => send(publisher, ['--links', '127.0.4.1']),
    stop: async () => {
      await Promise.all(programs.map((program) => program.stop('SIGKILL')));
      await node.stop();
    },
  };
};
