import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createLogger } from '../shared/logger.ts';
import { createChecklistView } from './checklist-view.ts';
import { settingsOrProblems, startRelay } from './relay.ts';
import { stopSignal } from './stop-signals.ts';

const LINKS = '127.0.1.1,127.0.2.1,127.0.3.1';

const HELP = `Usage: ./tributary demo [--SETTING VALUE …]

Runs a node with a folder of its own and sends it a moving test picture with a clock and a tone, bonded over three loopback links.
Watch it with the player URL that it prints. Needs ffmpeg.
`;

/** A node, and a sender as a process of its own, for a first look. Ids live in a temporary folder unless DATA_DIR or --data-dir says otherwise. */
export const runDemo = async (argv: readonly string[]): Promise<number> => {
  if (argv.includes('--help')) {
    process.stdout.write(HELP);
    return 0;
  }
  const folder = mkdtempSync(join(tmpdir(), 'tributary-demo-'));
  try {
    const settings = settingsOrProblems(['--data-dir', folder, ...argv]);
    if (!settings) return 2;
    const stopped = stopSignal();
    const node = await startRelay(settings, createLogger('warn'), true);
    const view = createChecklistView({ snapshot: () => node.snapshot(), output: process.stdout });
    const sender = spawn(
      process.execPath,
      [
        ...[...process.execArgv, process.argv[1]!, 'send', '--to', `127.0.0.1:${node.facts.ports.srtla[0]}`],
        ...[
          '--links',
          LINKS,
          '--input',
          'test',
          '--streamid',
          node.rows()[0]!.publisher,
          '--latency',
          '1000',
          '--json',
        ],
      ],
      { stdio: ['ignore', 'ignore', 'inherit'] },
    );
    const sending = new Promise<number>((done) => {
      sender.once('exit', (status) => done(status ?? 1));
      sender.once('error', () => done(1));
    });
    const code = await Promise.race([stopped.then(() => 0), sending]);
    sender.kill('SIGTERM');
    await sending;
    view.stop();
    await node.stop();
    return code;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
};
