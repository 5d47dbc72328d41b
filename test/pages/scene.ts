import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { testClip } from '../support/media.ts';
import { TestNode, tributary, until } from '../support/processes.ts';

export const LINKS = ['127.0.1.1', '127.0.2.1', '127.0.3.1'] as const;
/** Three links of a town: each with its own delay, loss and rate. */
const IMPAIR = '20±8ms,loss=0.3%,rate=5M;35±15ms,loss=0.8%,rate=4M;50±20ms,loss=1.5%,rate=3M';
const CLIP_SECONDS = 20;

/** A stream that does not end. */
export interface EndlessSender {
  stop: () => Promise<void>;
}

/** A node with a stream that comes to it bonded over three links. */
export interface Scene {
  node: TestNode;
  base: string;
  /** `block 127.0.1.1`: see `send --control`. */
  tell: (command: string) => Promise<void>;
  /** Sends on another id, over one link. */
  publish: (publisher: string) => EndlessSender;
  stop: () => Promise<void>;
}

/** A clip again and again: encoding while it runs would cost more than everything that is tested. */
const sendEndlessly = (args: readonly string[]): EndlessSender => {
  const repeat = ['-v', 'error', '-re', '-stream_loop', '-1', '-i', testClip(CLIP_SECONDS), '-c', 'copy'];
  const source = spawn('ffmpeg', [...repeat, '-f', 'mpegts', 'pipe:1'], { stdio: ['ignore', 'pipe', 'ignore'] });
  const sender = spawn(
    process.execPath,
    ['dist/main.js', 'send', ...args, '--input', '-', '--latency', '1000', '--quiet'],
    {
      stdio: [source.stdout, 'ignore', 'ignore'],
    },
  );
  source.stdout.destroy();
  const end = async (child: ChildProcess): Promise<void> => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    const ended = once(child, 'exit');
    child.kill('SIGKILL');
    await ended;
  };
  return { stop: async () => void (await Promise.all([source, sender].map(end))) };
};

export const openScene = async (env: Record<string, string> = {}): Promise<Scene> => {
  const node = await TestNode.start(env);
  const control = `unix:${join(node.dataDir, 'sender.sock')}`;
  const [row] = await node.rows();
  const senders: EndlessSender[] = [];
  const send = (publisher: string, more: readonly string[]): EndlessSender => {
    const to = `127.0.0.1:${node.ports.srtla[0]}`;
    const sender = sendEndlessly(['--to', to, '--streamid', publisher, '--reconnect', ...more]);
    senders.push(sender);
    return sender;
  };
  send(row!.publisher, ['--links', LINKS.join(','), '--impair', IMPAIR, '--control', control]);
  const isLive = async (): Promise<boolean> => {
    const facts = await node.get<{ publishers: unknown[] }>('/v1/doctor', node.token);
    return facts.publishers.length === 1;
  };
  const stop = async (): Promise<void> => {
    await Promise.all(senders.map((sender) => sender.stop()));
    await node.stop();
  };
  await until('the stream to be live', isLive, 60_000).catch(async (error: unknown) => {
    await stop();
    throw error;
  });
  return {
    ...{ node, stop, base: `http://127.0.0.1:${node.ports.dashboard}` },
    tell: (command) => tributary(['send', '--control', control, '--command', command]).success(30_000),
    publish: (publisher) => send(publisher, ['--links', '127.0.4.1']),
  };
};
