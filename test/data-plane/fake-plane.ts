import { counterLayout, HEADER } from '../../src/data-plane/counter-layout.ts';
import { CounterRecorder, type RecordedPlane } from '../../src/data-plane/counter-recorder.ts';
import { type RosterMessage, RosterOutlet } from '../../src/data-plane/roster.ts';
import { type LiveSnapshot, SnapshotView } from '../../src/data-plane/snapshot-view.ts';
import { SRT_STATS_FIELDS } from '../../src/shared/addon.ts';
import type { Refusal } from '../../src/sls-bridge/bridge.ts';
import { Player, Publisher } from '../../src/sls-bridge/sessions.ts';
import type { GroupSnapshot } from '../../src/srtla/types.ts';

export const publisher = (publisherId: string, sinceMs: number, socket = 1): Publisher =>
  new Publisher({
    socket,
    publisherId,
    source: 'srtla',
    address: '127.0.0.1',
    port: 40_000 + socket,
    latencyMs: 1_000,
    encrypted: true,
    sinceMs,
  });

export const player = (playerId: string, publisherId: string, sinceMs: number): Player =>
  new Player({ socket: 9, playerId, publisherId, address: '198.51.100.4', port: 5_123, latencyMs: 900, sinceMs });

/** A data plane whose state a test sets, recorded into shared memory and read back, as main does. */
export class RecordedWorld {
  now = 1_000_000;
  groups: GroupSnapshot[] = [];
  srtlaCounters: Record<string, number> = {};
  readonly publishers = new Set<Publisher>();
  readonly players = new Set<Player>();
  readonly groupNames = new Map<Publisher, string>();
  refusal: Refusal | undefined;
  /** What libsrt answers, in every field; undefined = the socket is gone. */
  srtFigure: number | undefined = 7;
  /** Messages on their way to main. */
  readonly queue: RosterMessage[] = [];
  readonly recorder: CounterRecorder;
  readonly view: SnapshotView;
  readonly header: Int32Array;

  constructor(limits = { maxGroups: 4, maxLinksPerGroup: 2 }) {
    const layout = counterLayout(limits);
    const memory = new SharedArrayBuffer(layout.byteLength);
    this.header = new Int32Array(memory);
    const world = this;
    const plane: RecordedPlane = {
      srtla: () => ({ groups: world.groups, counters: world.srtlaCounters }),
      publishers: () => world.publishers,
      players: () => world.players,
      groupOf: (of) => world.groupNames.get(of),
      readStats: (_of, out) => {
        if (world.srtFigure === undefined) return false;
        for (let i = 0; i < SRT_STATS_FIELDS.length; i++) out[i] = world.srtFigure + i;
        return out.length === SRT_STATS_FIELDS.length;
      },
      counters: { accepted: 3 },
      get lastRefusal() {
        return world.refusal;
      },
    };
    const roster = new RosterOutlet(
      (message) => this.queue.push(structuredClone(message)),
      () => this.header[HEADER.rosterSeen]!,
    );
    this.recorder = new CounterRecorder(plane, memory, layout, roster);
    this.view = new SnapshotView(memory, layout);
  }

  pass(): void {
    this.recorder.pass(this.now, { logLinesLost: 0 });
  }

  /** Main takes every message that waits. */
  take(): void {
    for (const message of this.queue.splice(0)) {
      this.view.apply(message.changes);
      this.header[HEADER.rosterSeen] = message.sequence;
    }
  }

  /** Passes until all is told: what takes a freed slot does so one pass later, and one message at a time is on its way. */
  settle(): void {
    for (let i = 0; i < 3; i++) {
      this.pass();
      this.take();
    }
  }

  /** As main sees it, with every message taken. */
  seen(): LiveSnapshot {
    this.take();
    return this.view.snapshot(this.now);
  }
}
