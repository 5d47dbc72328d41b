import { isMainThread, type MessagePort, parentPort, workerData } from 'node:worker_threads';
import type { Millis } from '../shared/clock.ts';
import { LoopHealth } from '../shared/loop-health.ts';
import { raiseThreadPriority } from '../shared/priority.ts';
import { setRedaction } from '../shared/redact.ts';
import { libsrtEngine } from '../sls-bridge/native.ts';
import { directEngine } from '../srt-engine/create.ts';
import { commonNow } from './common-clock.ts';
import { counterLayout, HEADER, LAYOUT_VERSION } from './counter-layout.ts';
import { CounterRecorder } from './counter-recorder.ts';
import { DataPlane, type DataPlaneDeps } from './data-plane.ts';
import { EventOutlet } from './event-outlet.ts';
import {
  portableError,
  type ThreadCommand,
  type ThreadFault,
  type ThreadReport,
  type ThreadStart,
} from './messages.ts';
import { RosterOutlet } from './roster.ts';
import type { DataPlaneSettings } from './settings.ts';
import { ThreadLog } from './thread-log.ts';

/** The heartbeat, and the least time between two passes of the recorder. */
const BEAT_MS: Millis = 100;
/** Recording may take one part in so many of this thread's time. */
const SHARE_OF_RECORDING = 50;
const MAX_PASS_MS: Millis = 1_000;
const LAG_WINDOW_MS: Millis = 60_000;

/**
 * The entry of the data-plane thread. It ends by itself after `failed` and after `stop`; whatever is thrown here and not caught ends it
 * too, and main starts another one.
 */
const run = async (port: MessagePort, { settings, rows, draining, memory, testHooks }: ThreadStart): Promise<void> => {
  let { debugLog } = settings;
  setRedaction(settings.redaction);
  // Before libsrt starts its own threads: they inherit it.
  raiseThreadPriority();
  const header = new Int32Array(memory);
  Atomics.store(header, HEADER.version, LAYOUT_VERSION);
  const post = (report: ThreadReport): void => port.postMessage(report);
  const logger = new ThreadLog({
    post,
    seen: () => Atomics.load(header, HEADER.logSeen),
    clock: commonNow,
    debug: () => debugLog,
  });
  const roster = new RosterOutlet(post, () => Atomics.load(header, HEADER.rosterSeen));
  const events = new EventOutlet(post, () => Atomics.load(header, HEADER.eventsSeen));

  const open = async (): Promise<{ plane: DataPlane; srtVersion: string }> => {
    const engine = engineOf(settings);
    const plane = new DataPlane({
      settings,
      engine,
      logger,
      clock: commonNow,
      wallClock: Date.now,
      onStreamEvent: (event) => events.put(event),
      onQuestion: (question) => post({ type: 'question', question }),
    });
    plane.drain(draining);
    await plane.start(rows);
    return { plane, srtVersion: engine.version };
  };
  const opened = await open().catch((error: unknown) => ({ error }));
  if ('error' in opened) {
    post({ type: 'failed', error: portableError(opened.error) });
    process.exit(0);
  }
  const { plane, srtVersion } = opened;

  const recorder = new CounterRecorder(plane, memory, counterLayout(settings.srtla), roster);
  const health = new LoopHealth();
  health.start();
  setInterval(() => health.turnOver(), LAG_WINDOW_MS);
  let nextPassMs = 0;
  const record = (): void => {
    const now = commonNow();
    recorder.pass(now, { logLinesLost: logger.lost, eventsLost: events.lost, ...healthCounters(health) });
    const tookMs = commonNow() - now;
    nextPassMs = now + Math.min(MAX_PASS_MS, Math.max(BEAT_MS, tookMs * SHARE_OF_RECORDING) - BEAT_MS / 2);
  };
  const beat = (): void => {
    Atomics.add(header, HEADER.heartbeat, 1);
    logger.flush();
    events.flush();
    health.measureLag(plane.isBusy);
    if (commonNow() >= nextPassMs) record();
  };
  setInterval(beat, BEAT_MS);

  const stop = async (): Promise<void> => {
    await plane.stop();
    logger.flush();
    events.flush();
    process.exit(0);
  };
  port.on('message', (command: ThreadCommand) => {
    if (command.type === 'stop') void stop();
    else if (command.type === 'sync') post({ type: 'synced', id: command.id });
    else if (command.type === 'settings') {
      setRedaction(command.settings.redaction);
      debugLog = command.settings.debugLog;
      plane.configure(command.settings);
    } else if (command.type !== 'hook') obey(plane, command);
    else if (testHooks) {
      logger.warn('a test makes this thread fail', { fault: command.fault });
      fail(command.fault);
    }
  });
  record();
  post({ type: 'started', facts: { srtVersion, ports: plane.ports } });
};

/** libsrt alone, or our own engine with it beside. */
const engineOf = ({ bridge, latencyMode, srtla }: DataPlaneSettings): DataPlaneDeps['engine'] =>
  Object.values(bridge.engine).includes('direct')
    ? directEngine({
        latencyMode,
        bondLossReports: srtla.lossDetection === 'exact' ? 'upstream' : 'own',
        clock: commonNow,
      })
    : libsrtEngine();

/** By the names in the totals. */
const healthCounters = ({ lag, activeMs, gcPauses, gcPausedMs }: LoopHealth): Record<string, number> => ({
  loopLagP50Ms: lag.p50Ms,
  loopLagP99Ms: lag.p99Ms,
  loopLagMaxMs: lag.maxMs,
  loopActiveMs: activeMs,
  gcPauses,
  gcPausedMs,
});

const obey = (
  plane: DataPlane,
  command: Exclude<ThreadCommand, { type: 'stop' | 'hook' | 'sync' | 'settings' }>,
): void => {
  switch (command.type) {
    case 'add-row':
      plane.addRow(command.row);
      break;
    case 'update-row':
      plane.updateRow(command.row);
      break;
    case 'remove-row':
      plane.removeRow(command.row);
      break;
    case 'kick-publisher':
      plane.kickPublisher(command.publisherId);
      break;
    case 'kick-players':
      plane.kickPlayers(command.playerId);
      break;
    case 'kick-socket':
      plane.kickSocket(command.key);
      break;
    case 'answer':
      plane.answer(command.socket, command.isAllowed);
      break;
    case 'drain':
      plane.drain(command.on);
      break;
  }
};

const fail = (fault: ThreadFault): void => {
  if (fault === 'exit') process.exit(7);
  if (fault === 'throw') throw new Error('a fault that a test asked for');
  for (;;);
};

if (isMainThread || parentPort === null) throw new Error('worker.ts runs as the data-plane thread only');
await run(parentPort, workerData as ThreadStart);
