import type { Millis } from '../shared/clock.ts';
import { messageOf } from '../shared/errors.ts';
import type { Logger } from '../shared/logger.ts';
import type { AccessRow } from '../sls-bridge/access.ts';
import type { AccessQuestion } from '../sls-bridge/held-callers.ts';
import { commonNow } from './common-clock.ts';
import { EventHistory } from './event-history.ts';
import { KernelDrops } from './kernel-drops.ts';
import type { ThreadFacts, ThreadFault } from './messages.ts';
import type { DataPlaneSettings } from './settings.ts';
import type { DataPlaneSnapshot } from './snapshot.ts';
import { DataPlaneThread } from './thread.ts';

export interface DataPlaneHostOptions {
  settings: DataPlaneSettings;
  logger: Logger;
  /** `fault` may be called: for tests. */
  testHooks?: boolean;
  /** With `asksAccess`; `answer` may be called later, once. Without it everybody is turned away. */
  onQuestion?: (question: AccessQuestion, answer: (isAllowed: boolean) => void) => void;
  /** What the thread runs; for tests. */
  threadEntry?: URL;
  /** The thread hangs in native code and cannot be replaced: only the end of the process helps. */
  onStuck: () => void;
}

/** What `DataPlane.stop` may take, and a little; and what is then left of 5 s. */
const STOP_LIMIT_MS: Millis = 4_400;
const STOP_END_LIMIT_MS: Millis = 600;
/** A thread that has lived for so long has not died of how it was started. */
const SETTLED_MS: Millis = 5_000;
const FIRST_PAUSE_MS: Millis = 100;
const LONGEST_PAUSE_MS: Millis = 5_000;

const NOTHING_LIVE = { srtla: { groups: [], counters: {} }, publishers: [], players: [], lastRefusal: undefined };

/**
 * The data plane on a thread of its own, as the rest of the node uses it. A thread that dies or hangs is replaced by another one on the
 * same ports with the same rows; sessions end with it, and senders and players connect anew.
 */
export class DataPlaneHost {
  /** What has happened to each stream. */
  readonly events: EventHistory;
  readonly #options: DataPlaneHostOptions;
  readonly #startedMs = commonNow();
  readonly #srtDrops: KernelDrops;
  /** By player id; what a new thread starts with. */
  readonly #rows = new Map<string, AccessRow>();
  #thread: DataPlaneThread | undefined;
  #facts: ThreadFacts | undefined;
  #isUp = false;
  #restarts = 0;
  /** Before the next try; 0 = at once. */
  #pauseMs: Millis = 0;
  /** Ends the pause before another try. */
  #hurry: () => void = () => {};
  #stopping = false;
  #draining = false;
  #settings: DataPlaneSettings;
  #reviving: Promise<void> | undefined;

  constructor(options: DataPlaneHostOptions) {
    this.#options = options;
    this.#settings = options.settings;
    this.events = new EventHistory(options.logger);
    this.#srtDrops = new KernelDrops({
      ports: () => this.#srtPorts(),
      askedBytes: options.settings.bridge.udpBufferBytes,
      logger: options.logger,
      clock: commonNow,
    });
  }

  /**
   * @throws TributaryError TRIBUTARY_PORT_IN_USE, TRIBUTARY_BIND_FAILED, TRIBUTARY_ADDON_MISSING, TRIBUTARY_LIBSRT_MISSING; nothing stays
   * open then.
   */
  async start(rows: readonly AccessRow[]): Promise<void> {
    for (const row of rows) this.#rows.set(row.player, row);
    await this.#spawn();
  }

  /** Other settings, for this thread and those that may come after it; see `DataPlane.configure`. */
  configure(settings: DataPlaneSettings): void {
    this.#settings = settings;
    this.#thread?.post({ type: 'settings', settings });
  }

  addRow(row: AccessRow): void {
    this.#rows.set(row.player, row);
    this.#thread?.post({ type: 'add-row', row });
  }

  /** New limits for a player id that is there already; a live session goes on, with the limits that can change under it. */
  updateRow(row: AccessRow): void {
    this.#rows.set(row.player, row);
    this.#thread?.post({ type: 'update-row', row });
  }

  /** Refused from now on, and cut: the players of the player id and, with the last row of its publisher id, the publisher. */
  removeRow(row: AccessRow): void {
    this.#rows.delete(row.player);
    this.#thread?.post({ type: 'remove-row', row });
  }

  /**
   * Resolves once all that was commanded before is in effect, so that a handshake that comes from now on is answered by it: true. A thread
   * that dies meanwhile is waited for, since the next one begins with the rows. False: the node stops.
   */
  async settled(): Promise<boolean> {
    while (!this.#stopping) {
      const thread = this.#thread;
      if (thread && (await thread.synced())) return true;
      await this.#reviving;
      // What the end of the thread sets off comes first.
      await new Promise((done) => setImmediate(done));
    }
    return false;
  }

  /** Ends the session of this publisher id, if there is one. It may come back. */
  kickPublisher(publisherId: string): void {
    this.#thread?.post({ type: 'kick-publisher', publisherId });
  }

  kickPlayers(playerId: string): void {
    this.#thread?.post({ type: 'kick-players', playerId });
  }

  /** @param key of a `PlayerSnapshot`; one that is gone is passed over */
  kickSocket(key: string): void {
    this.#thread?.post({ type: 'kick-socket', key });
  }

  /** While on, no publisher is admitted, not even one that connects anew; players still are, and whoever is there stays. */
  drain(on: boolean): void {
    this.#draining = on;
    this.#thread?.post({ type: 'drain', on });
  }

  get draining(): boolean {
    return this.#draining;
  }

  /** From the shared counters, as of this moment: it costs the data plane nothing. */
  snapshot(): DataPlaneSnapshot {
    const live = this.#isUp && this.#thread ? this.#thread.snapshot() : { ...NOTHING_LIVE, counters: {} };
    return {
      srtVersion: this.#facts?.srtVersion ?? '',
      uptimeMs: commonNow() - this.#startedMs,
      ports: this.#facts?.ports ?? { srtla: [], publish: 0, bond: 0, play: 0 },
      srtla: live.srtla,
      publishers: live.publishers,
      players: live.players,
      lastRefusal: live.lastRefusal,
      counters: {
        ...live.counters,
        dataPlaneRestarts: this.#restarts,
        dataPlaneUp: Number(this.#isUp),
        srtKernelDrops: this.#srtDrops.total,
      },
    };
  }

  /** Admit nobody, tell encoders, let players play out, then end the thread; within 5 s. Safe twice. */
  async stop(): Promise<void> {
    const first = !this.#stopping;
    this.#stopping = true;
    this.#srtDrops.stop();
    this.#hurry();
    const thread = this.#thread;
    if (thread && this.#isUp && first) {
      thread.post({ type: 'stop' });
      await Promise.race([thread.ended, elapsed(STOP_LIMIT_MS)]);
    }
    await thread?.terminate('the node stops', STOP_END_LIMIT_MS);
    await this.#reviving;
  }

  /** For tests: makes the thread fail. */
  fault(fault: ThreadFault): void {
    this.#thread?.post({ type: 'hook', fault });
  }

  #srtPorts(): number[] {
    const { publish, bond, play } = this.#facts?.ports ?? {};
    return [publish, bond, play].filter((port) => port !== undefined);
  }

  async #spawn(): Promise<void> {
    const { logger, testHooks = false, threadEntry, onStuck } = this.#options;
    const settings = this.#facts ? onPorts(this.#settings, this.#facts.ports) : this.#settings;
    const rows = [...this.#rows.values()];
    const entry = threadEntry ? { entry: threadEntry } : {};
    const thread = new DataPlaneThread({
      ...{ settings, rows, draining: this.#draining, logger, testHooks, ...entry, onStuck },
      onEvents: (events) => {
        for (const event of events) this.events.add(event);
      },
      onQuestion: (question) => {
        // To the thread that has asked: another one knows nothing of the caller.
        const answer = (isAllowed: boolean): void =>
          thread.post({ type: 'answer', socket: question.socket, isAllowed });
        if (this.#options.onQuestion) this.#options.onQuestion(question, answer);
        else answer(false);
      },
    });
    this.#thread = thread;
    try {
      this.#facts = await thread.started;
    } catch (error) {
      this.#thread = undefined;
      throw error;
    }
    this.#isUp = true;
    const sinceMs = commonNow();
    void thread.ended.then((reason) => this.#died(thread, reason, commonNow() - sinceMs));
  }

  #died(thread: DataPlaneThread, reason: string, livedMs: Millis): void {
    this.#isUp = false;
    this.#thread = undefined;
    if (this.#stopping) return;
    this.#tellOfTheLost(thread.snapshot());
    this.#reviving = this.#revive(reason, livedMs < SETTLED_MS).finally(() => {
      this.#reviving = undefined;
    });
  }

  /** At once where it has been running well, after longer and longer pauses where it does not come to that. */
  async #revive(reason: string, again: boolean): Promise<void> {
    const { logger } = this.#options;
    const diedMs = commonNow();
    this.#restarts++;
    logger.error('the data plane has died and is started anew: every stream is interrupted', {
      reason,
      restarts: this.#restarts,
    });
    this.#pauseMs = again ? this.#longerPauseMs() : 0;
    while (!this.#stopping) {
      await this.#pause();
      if (this.#stopping) return;
      try {
        await this.#spawn();
        logger.warn('the data plane is up again', { afterMs: Math.round(commonNow() - diedMs) });
        return;
      } catch (error) {
        this.#pauseMs = this.#longerPauseMs();
        logger.error('the data plane does not start', { error: messageOf(error), nextTryMs: this.#pauseMs });
      }
    }
  }

  /** The thread can no longer say that its sessions are gone. */
  #tellOfTheLost({ publishers, players }: Pick<DataPlaneSnapshot, 'publishers' | 'players'>): void {
    const moment = { atMs: commonNow(), wallMs: Date.now(), why: 'data-plane' } as const;
    for (const { publisherId, source, address, uptimeMs, messages } of publishers)
      this.events.add({
        ...moment,
        ...{ type: 'publisher-down', publisherId, source, address, messages },
        seconds: Math.round(uptimeMs / 1000),
      });
    for (const { publisherId, playerId, address, port, uptimeMs, sentMessages, droppedMessages } of players)
      this.events.add({
        ...moment,
        ...{ type: 'player-down', publisherId, playerId, address, port },
        ...{ messages: sentMessages, dropped: droppedMessages },
        seconds: Math.round(uptimeMs / 1000),
      });
  }

  #longerPauseMs(): Millis {
    return Math.min(LONGEST_PAUSE_MS, this.#pauseMs * 2 || FIRST_PAUSE_MS);
  }

  #pause(): Promise<void> {
    if (this.#pauseMs === 0) return Promise.resolve();
    return new Promise((done) => {
      const timer = setTimeout(done, this.#pauseMs);
      this.#hurry = () => {
        clearTimeout(timer);
        done();
      };
    });
  }
}

/** The ports that were free at the first start are everybody's addresses by now. */
const onPorts = (settings: DataPlaneSettings, ports: DataPlaneSnapshot['ports']): DataPlaneSettings => ({
  ...settings,
  srtla: { ...settings.srtla, ports: ports.srtla },
  bridge: { ...settings.bridge, publishPort: ports.publish, bondPort: ports.bond, playPort: ports.play },
});

const elapsed = (ms: Millis): Promise<void> => new Promise((done) => setTimeout(done, ms).unref());
