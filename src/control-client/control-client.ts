import {
  type AppliedRequest,
  DESIRED_WAIT_MS,
  type Desired,
  desiredSchema,
  HEARTBEAT_EVERY_MS,
  type HeartbeatRequest,
  heartbeatReplySchema,
  LINKS_EVERY_MS,
  type LinksRequest,
  type NodeStatus,
  PROTOCOL_VERSION,
  type RegisterRequest,
  registerReplySchema,
} from '../control-plane/protocol.ts';
import type { Millis } from '../shared/clock.ts';
import type { Logger } from '../shared/logger.ts';
import type { ControlStatus } from '../stats/control-status.ts';
import { Backoff } from './backoff.ts';
import type { PlaneAnswer, PlaneHttp } from './plane-http.ts';
import type { PlaneRows } from './plane-rows.ts';
import { LinkReporter } from './report.ts';
import { type Call, ControlSession, type SessionState } from './session.ts';
import { Sleeper } from './sleeper.ts';

export interface ControlClientDeps {
  http: Pick<PlaneHttp, 'ask' | 'serverId'>;
  rows: PlaneRows;
  instance: string;
  /** What the node says of itself. */
  facts: () => Omit<RegisterRequest, 'protocol' | 'serverId' | 'instance' | 'planeId' | 'generation'>;
  /** How it is doing. */
  vitals: () => Omit<HeartbeatRequest, 'planeId' | 'generation' | 'held'>;
  /** The bonded streams that are alive. */
  linkStreams: () => LinksRequest['streams'];
  clock: () => Millis;
  /** 0 to 1. */
  random: () => number;
  logger: Logger;
  heartbeatMs?: Millis;
  linksMs?: Millis;
}

const ANSWER_WITHIN_MS: Millis = 10_000;
/** The plane answers after `DESIRED_WAIT_MS` at the latest. */
const DESIRED_WITHIN_MS: Millis = DESIRED_WAIT_MS + ANSWER_WITHIN_MS;
const POLL_RETRY = { firstMs: 500, mostMs: 15_000 };

/**
 * The node's voice to its control plane, on the main thread. Nothing here ends or delays a stream: while the plane is away, the rows stay as
 * they are, and the plane is asked again and again.
 */
export class ControlClient {
  readonly #deps: ControlClientDeps;
  readonly #session: ControlSession;
  readonly #pollRetry: Backoff;
  readonly #links = new LinkReporter();
  readonly #stopped = new AbortController();
  readonly #stopping = Promise.withResolvers<undefined>();
  readonly #sessionSleep = new Sleeper();
  readonly #pollSleep = new Sleeper();
  #linksTimer: NodeJS.Timeout | undefined;
  #reportsLinks = false;
  /** Rows that were not taken over are told first: the next question, whose generation acknowledges the list, would call them admitted. */
  #telling: Promise<unknown> = Promise.resolve();
  #loops: Promise<unknown> = Promise.resolve();
  #told: SessionState | undefined;
  #problem: string | undefined;
  #nodeStatus: NodeStatus | undefined;

  /** As it is told to the plane. */
  #clock = { aheadMs: 0, roundTripMs: 0 };

  constructor(deps: ControlClientDeps) {
    this.#deps = deps;
    const { clock, random, heartbeatMs = HEARTBEAT_EVERY_MS } = deps;
    this.#session = new ControlSession(clock(), heartbeatMs, random);
    this.#pollRetry = new Backoff({ ...POLL_RETRY, random });
  }

  start(): void {
    this.#loops = Promise.all([this.#keepSession(), this.#keepPolling()]);
    this.#linksTimer = setInterval(() => void this.#reportLinks(), this.#deps.linksMs ?? LINKS_EVERY_MS).unref();
  }

  /** Asks nothing any more; what is being asked is given up. What is in effect is on disk when this resolves. */
  async stop(): Promise<void> {
    clearInterval(this.#linksTimer);
    this.#stopped.abort();
    this.#stopping.resolve(undefined);
    this.#sessionSleep.wake();
    this.#pollSleep.wake();
    await this.#loops;
    await this.#deps.rows.stored();
  }

  /** There is a reason to think that the plane is there. */
  hurry(): void {
    this.#askNow();
    this.#pollNow();
  }

  /** What `facts` says has changed. */
  factsChanged(): void {
    this.#session.tellAnew(this.#deps.clock());
    this.#sessionSleep.wake();
  }

  get status(): ControlStatus {
    const { rows, clock } = this.#deps;
    const now = clock();
    return {
      state: this.#session.state(now),
      problem: this.#problem,
      planeId: rows.planeId,
      generation: rows.generation,
      nodeStatus: this.#nodeStatus,
      held: rows.held,
      refusedRemovals: rows.refusedRemovals,
      appliedLists: rows.appliedLists,
      ignoredLists: rows.ignoredLists,
      silentMs: this.#session.silentMs(now),
    };
  }

  get #isStopped(): boolean {
    return this.#stopped.signal.aborted;
  }

  async #keepSession(): Promise<void> {
    while (!this.#isStopped) {
      const { call, inMs } = this.#session.next(this.#deps.clock());
      if (inMs > 0) await this.#sessionSleep.sleep(inMs);
      else if (call === 'register') await this.#register();
      else await this.#heartbeat();
      // Also when nothing was heard: time alone makes `degraded` into `offline`.
      this.#tell();
    }
  }

  async #register(): Promise<void> {
    const { http, rows, instance, facts } = this.#deps;
    const { planeId, generation } = rows;
    this.#session.tells();
    const answer = await http.ask({
      ...this.#limits(ANSWER_WITHIN_MS),
      method: 'POST',
      path: '/register',
      schema: registerReplySchema,
      body: {
        ...{ protocol: PROTOCOL_VERSION, serverId: http.serverId, instance, ...facts() },
        ...(planeId === undefined ? {} : { planeId }),
        ...(generation === undefined ? {} : { generation }),
      } satisfies RegisterRequest,
    });
    if (this.#isStopped) return;
    // Before the polls begin: they ask for what comes after the generation of this plane.
    const reply = answer.ok ? answer.value : undefined;
    if (reply) {
      rows.adopt(reply.planeId);
      this.#nodeStatus = reply.status;
      if (reply.desired) void this.#apply(reply.desired);
    }
    if (this.#heard('register', answer)) this.#pollNow();
  }

  async #heartbeat(): Promise<void> {
    const { http, rows, vitals } = this.#deps;
    await this.#orStop(this.#telling);
    if (this.#isStopped) return;
    const { planeId, generation, held } = rows;
    const said = vitals();
    const askedMs = this.#deps.clock();
    const answer = await http.ask({
      ...this.#limits(ANSWER_WITHIN_MS),
      method: 'POST',
      path: `/${http.serverId}/heartbeat`,
      schema: heartbeatReplySchema,
      body: {
        ...said,
        ...{ held, clock: this.#clock },
        ...(planeId === undefined ? {} : { planeId }),
        ...(generation === undefined ? {} : { generation }),
      } satisfies HeartbeatRequest,
    });
    if (this.#isStopped || !this.#heard('heartbeat', answer) || !answer.value) return;
    this.#nodeStatus = answer.value.status;
    this.#noteClock(said.unixMs, answer.value.unixMs, this.#deps.clock() - askedMs);
    if (answer.value.planeId !== rows.planeId) {
      // Somebody has put another plane in its place: it has to take the node in first.
      this.#session.failed('heartbeat', 'unknown', this.#deps.clock());
      return;
    }
    if (answer.value.desired) void this.#apply(answer.value.desired);
  }

  /** The plane has looked at its clock between question and answer. */
  #noteClock(unixMs: number, planeUnixMs: number | undefined, roundTripMs: Millis): void {
    if (planeUnixMs === undefined) return;
    this.#clock = {
      aheadMs: Math.round(unixMs + roundTripMs / 2 - planeUnixMs),
      roundTripMs: Math.max(0, Math.ceil(roundTripMs)),
    };
  }

  async #keepPolling(): Promise<void> {
    const { http, rows } = this.#deps;
    while (!this.#isStopped) {
      if (!this.#session.isRegistered) {
        await this.#pollSleep.sleep();
        continue;
      }
      await this.#orStop(rows.quiet());
      await this.#orStop(this.#telling);
      if (this.#isStopped) return;
      this.#session.waits(this.#deps.clock());
      const answer = await http.ask({
        ...this.#limits(DESIRED_WITHIN_MS),
        method: 'GET',
        path: `/${http.serverId}/desired?after=${rows.generation ?? 0}`,
        schema: desiredSchema,
      });
      if (this.#isStopped) return;
      // A list that is not applied would be sent again at once, too.
      if (this.#heard('desired', answer) && (!answer.value || (await this.#orStop(this.#apply(answer.value)))))
        this.#pollRetry.reset();
      else await this.#pollSleep.sleep(this.#pollRetry.next());
    }
  }

  /** @returns true where it was applied; the plane is told, whether it can be reached or not */
  async #apply(desired: Desired): Promise<boolean> {
    const applied = await this.#deps.rows.apply(desired);
    if (!applied) return false;
    const telling = this.#acknowledge(applied);
    if (applied.conflicts.length > 0) this.#telling = telling;
    return true;
  }

  /** Once: the next question for desired ids says it again. */
  async #acknowledge(body: AppliedRequest): Promise<void> {
    const { http } = this.#deps;
    const limits = this.#limits(ANSWER_WITHIN_MS);
    const answer = await http.ask({ ...limits, method: 'POST', path: `/${http.serverId}/applied`, body });
    if (!this.#isStopped) this.#heard('applied', answer);
  }

  async #reportLinks(): Promise<void> {
    if (this.#reportsLinks || !this.#session.isRegistered) return;
    const { http, linkStreams } = this.#deps;
    const body = this.#links.next(linkStreams());
    if (!body) {
      this.#session.isDone('links');
      return;
    }
    // One at a time: a slow plane gets fewer of them, not a queue.
    this.#reportsLinks = true;
    const limits = this.#limits(ANSWER_WITHIN_MS);
    const answer = await http.ask({ ...limits, method: 'POST', path: `/${http.serverId}/links`, body });
    this.#reportsLinks = false;
    if (!this.#isStopped) this.#heard('links', answer);
  }

  /** Notes what came of a call. */
  #heard<T>(call: Call, answer: PlaneAnswer<T>): answer is PlaneAnswer<T> & { ok: true } {
    const now = this.#deps.clock();
    if (answer.ok) {
      const isBack = this.#session.succeeded(call, now);
      if (isBack && (call === 'register' || call === 'heartbeat')) this.#pollNow();
      else if (isBack) this.#askNow();
    } else {
      this.#problem = answer.message;
      if (this.#session.failed(call, answer.failure, now)) this.#sessionSleep.wake();
    }
    this.#tell();
    return answer.ok;
  }

  #askNow(): void {
    this.#session.hurry(this.#deps.clock());
    this.#sessionSleep.wake();
  }

  #pollNow(): void {
    this.#pollRetry.reset();
    this.#pollSleep.wake();
  }

  /** One line for each change. */
  #tell(): void {
    const { logger, rows, clock } = this.#deps;
    const state = this.#session.state(clock());
    if (state === 'online') this.#problem = undefined;
    if (state === this.#told) return;
    const isFirst = this.#told === undefined;
    this.#told = state;
    const fields = { state, planeId: rows.planeId, generation: rows.generation, problem: this.#problem };
    if (state === 'online') logger.info('the control plane governs this node', fields);
    else if (state === 'offline')
      logger.error('the control plane is away: the node goes on with the stream ids that it has', fields);
    else if (state === 'degraded') logger.warn('the control plane did not answer', fields);
    else if (!isFirst || this.#problem !== undefined)
      logger.error('the control plane does not take this node in: check SERVER_ID, NODE_KEY and CONTROL_URL', fields);
  }

  /** What may take as long as the data plane is away must not hold the end up. */
  #orStop<T>(work: Promise<T>): Promise<T | undefined> {
    return Promise.race([work, this.#stopping.promise]);
  }

  #limits(timeoutMs: Millis): { timeoutMs: Millis; signal: AbortSignal } {
    return { timeoutMs, signal: this.#stopped.signal };
  }
}
