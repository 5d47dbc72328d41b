/** Bursty loss with two states (Gilbert–Elliott); the chances are per datagram. */
export interface BurstLoss {
  /** From the good state to the bad one. */
  readonly enterRate: number;
  /** Back again: bursts last 1 / leaveRate datagrams on average. */
  readonly leaveRate: number;
  /** Loss while the state is bad. */
  readonly lossRate: number;
}

/** The link swallows what enters it during `forMs` of each `everyMs`. */
export interface Blackout {
  readonly everyMs: number;
  readonly forMs: number;
  /** Start of the first one, from the model's first datagram on. Default: `everyMs` - `forMs`. */
  readonly fromMs?: number;
}

/** What one direction of a link does to datagrams. Every field may change while it runs. */
export interface LinkConditions {
  /** One way, mean. */
  delayMs: number;
  /** `delayMs` ± this: normal, two standard deviations, truncated there and at 0. The link stays in order all the same. */
  jitterMs: number;
  /** 0 … 1, each datagram by itself. */
  lossRate: number;
  burst: BurstLoss | undefined;
  /** 0 … 1: the datagram arrives twice. */
  duplicateRate: number;
  /** 0 … 1: the datagram is late by `reorderMinMs` to `reorderMaxMs`, evenly, and later ones overtake it. */
  reorderRate: number;
  reorderMinMs: number;
  reorderMaxMs: number;
  /** 0 = no limit. */
  rateKbps: number;
  /** What may wait for its turn at `rateKbps`; more is dropped at the tail. */
  queueBytes: number;
  /** The same limit as time; 0 = only `queueBytes` counts. */
  queueMs: number;
  blackout: Blackout | undefined;
  /** False = an unplugged cable: nothing enters. */
  up: boolean;
}

export const PERFECT_LINK: LinkConditions = {
  delayMs: 0,
  jitterMs: 0,
  lossRate: 0,
  burst: undefined,
  duplicateRate: 0,
  reorderRate: 0,
  reorderMinMs: 0,
  reorderMaxMs: 0,
  rateKbps: 0,
  queueBytes: 256 * 1024,
  queueMs: 0,
  blackout: undefined,
  up: true,
};
