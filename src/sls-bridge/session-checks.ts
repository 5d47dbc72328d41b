import type { Millis } from '../shared/clock.ts';
import { type Player, Publisher } from './sessions.ts';
import type { SlowPolicy } from './slow-player.ts';
import { SRT_STATS_FIELDS } from './srt-engine.ts';
import type { LeaveReason, StreamHappening } from './stream-event.ts';

/** With less than four round trips of latency a lost packet can hardly be repaired twice. */
const LEAST_ROUND_TRIPS = 4;
/** The warning stays until there is clearly enough again. */
const ENOUGH_ROUND_TRIPS = 4.5;
/** libsrt has measured the round trip by then. */
const SETTLED_MS: Millis = 5_000;

const RTT = SRT_STATS_FIELDS.indexOf('rttMs');
const SND_BUF_MS = SRT_STATS_FIELDS.indexOf('sndBufMs');
const SND_BUF_PACKETS = SRT_STATS_FIELDS.indexOf('sndBufPackets');
const SND_DROP = SRT_STATS_FIELDS.indexOf('pktSndDropTotal');

export interface SessionChecksDeps {
  /** As it is at the time. */
  slowPolicy: () => SlowPolicy;
  /** `SRT_STATS_FIELDS` in order; false when the socket is gone. */
  stats: (of: Publisher | Player, out: Float64Array) => boolean;
  /** Of a publisher id, kbit/s; undefined = none. */
  ceilingKbps: (publisherId: string) => number | undefined;
  cut: (session: Publisher | Player, why: LeaveReason) => void;
  hold: (player: Player) => void;
  resume: (player: Player) => void;
  tell: (publisherId: string, happening: StreamHappening) => void;
}

/** What is looked at once a second in every session: bitrate, latency, and whether a player keeps up. */
export class SessionChecks {
  readonly #deps: SessionChecksDeps;
  readonly #stats = new Float64Array(SRT_STATS_FIELDS.length);

  constructor(deps: SessionChecksDeps) {
    this.#deps = deps;
  }

  publisher(publisher: Publisher, now: Millis): void {
    if (publisher.leaves !== undefined) return;
    this.#bitrate(publisher, now);
    if (this.#deps.stats(publisher, this.#stats)) this.#latency(publisher, now);
  }

  player(player: Player, now: Millis): void {
    if (player.leaves !== undefined || !this.#deps.stats(player, this.#stats)) return;
    this.#latency(player, now);
    const givenUpTotal = this.#stats[SND_DROP]!;
    player.givenUpMessages = givenUpTotal;
    const backlog = { bufferMs: this.#stats[SND_BUF_MS]!, bufferPackets: this.#stats[SND_BUF_PACKETS]!, givenUpTotal };
    const { missedMessages: missedTotal, isHeld, latencyMs } = player;
    const { action, tellMissed } = player.pace.judge(
      backlog,
      { missedTotal, isHeld, latencyMs },
      this.#deps.slowPolicy(),
      now,
    );
    if (tellMissed > 0) {
      const { publisherId, playerId, address, port } = player;
      this.#deps.tell(publisherId, { type: 'player-dropped', messages: tellMissed, playerId, address, port });
    }
    if (action === 'disconnect') this.#deps.cut(player, 'slow');
    else if (action === 'hold') this.#deps.hold(player);
    else if (action === 'resume') this.#deps.resume(player);
    else if (action === 'probe') player.isProbed = true;
  }

  #bitrate(publisher: Publisher, now: Millis): void {
    const { publisherId, ceiling } = publisher;
    const ceilingKbps = this.#deps.ceilingKbps(publisherId);
    const kbps = publisher.ceilingWindowKbps(now);
    const wasExceeded = ceiling.isExceeded;
    const verdict = ceiling.judge(kbps, ceilingKbps, now);
    if (verdict === 'within' || ceilingKbps === undefined) return;
    const words = { kbps: Math.round(kbps), ceilingKbps };
    if (!wasExceeded) this.#deps.tell(publisherId, { type: 'bitrate-exceeded', ...words });
    if (verdict !== 'close') return;
    this.#deps.tell(publisherId, { type: 'bitrate-closed', ...words });
    this.#deps.cut(publisher, 'bitrate');
  }

  #latency(session: Publisher | Player, now: Millis): void {
    if (now - session.sinceMs < SETTLED_MS) return;
    const rttMs = this.#stats[RTT]!;
    const { latencyMs, publisherId } = session;
    if (session.isLatencyShort) {
      session.isLatencyShort = latencyMs < ENOUGH_ROUND_TRIPS * rttMs;
      return;
    }
    if (latencyMs >= LEAST_ROUND_TRIPS * rttMs) return;
    session.isLatencyShort = true;
    const of = session instanceof Publisher ? {} : { playerId: session.playerId };
    this.#deps.tell(publisherId, { type: 'latency-short', latencyMs, rttMs: Math.round(rttMs), ...of });
  }
}
