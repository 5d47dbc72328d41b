import type { Millis } from '../shared/clock.ts';

/** Best first. */
export const QUALITY_LEVELS = ['HIGH', 'MEDIUM', 'LOW', 'VERY_LOW'] as const;
export type QualityLevel = (typeof QUALITY_LEVELS)[number];
/** `RECOVERY`: a step up, or the way back from no link, is on trial. `ERROR`: no link is heard. */
export const QUALITY_STATES = [...QUALITY_LEVELS, 'RECOVERY', 'ERROR'] as const;
export type QualityState = (typeof QUALITY_STATES)[number];

/** `observe` for encoders that steer themselves: what arrives gets a name. `advise` for those that listen: what they should send. */
export const QUALITY_MODES = ['observe', 'advise'] as const;
export type QualityMode = (typeof QUALITY_MODES)[number];

/** What a stream is like now, each from a window of 5 to 10 s unless it says otherwise. */
export interface QualityInput {
  /** Links with a valid packet in the last 3 s; 1 or 0 where there is no bond. */
  readonly linksHeard: number;
  readonly deliveredKbps: number;
  /**
   * Of all links together, from the sender's telemetry; undefined where it has none, and where the links are used so little that it can't be
   * told how much more they would carry.
   */
  readonly capacityKbps: number | undefined;
  /** Packets that were certainly lost on the way, of those expected. */
  readonly lossPct: number;
  /** Packets that came too late or never, of those expected: what a viewer sees. */
  readonly playerLossPct: number;
  /** Of the slowest link that carries a tenth or more; undefined where nothing has told it. */
  readonly rttMs: Millis | undefined;
  /** What waits at the node for its time; undefined where nothing waits there. */
  readonly bufferMs: Millis | undefined;
  readonly latencyMs: Millis;
}

export interface QualityLevelRule {
  /** What an encoder sends at this level. */
  readonly rateKbps: number;
  /** More loss than this is too much for the level. */
  readonly downLossPct: number;
}

export interface QualityRules {
  readonly levels: Readonly<Record<QualityLevel, QualityLevelRule>>;
  /** What is wrong has to be so for this long. */
  readonly downAfterMs: Millis;
  /** … and for this long where it is very wrong. */
  readonly downFastAfterMs: Millis;
  readonly fastLossPct: number;
  /** A viewer sees more than this. */
  readonly playerLossPct: number;
  /** A round trip of more than this share of the latency leaves no time to send again. */
  readonly downRttShare: number;
  readonly fastRttShare: number;
  /** Less than this share of the latency waiting: what is missing now will soon be seen. */
  readonly downBufferShare: number;
  /** Capacity below this many times the rate of the level is too little. */
  readonly downCapacityFactor: number;
  /** The level that is gone to takes at most this share of the capacity. */
  readonly fitShare: number;
  /** Capacity above this many times the next level's rate is enough for it. */
  readonly upCapacityFactor: number;
  readonly upLossPct: number;
  readonly upRttShare: number;
  readonly upAfterMs: Millis;
  /** Without telemetry: less than this share of the rate of the level arrives. */
  readonly downDeliveredShare: number;
  readonly fastDeliveredShare: number;
  readonly upDeliveredShare: number;
  /** Without telemetry a step up is a try. */
  readonly probeAfterMs: Millis;
  /** A step up that falls back within this doubles what the next one has to wait, up to `upAfterMostMs`. */
  readonly trialMs: Millis;
  readonly upAfterMostMs: Millis;
  /** No link for so long is an error, and links for so long are its end. */
  readonly errorAfterMs: Millis;
  readonly errorEndsAfterMs: Millis;
  /** `observe`: the rate has to pass that of another level by this share. */
  readonly observeHysteresis: number;
}

export const QUALITY_RULES: QualityRules = {
  levels: {
    HIGH: { rateKbps: 4_500, downLossPct: 2 },
    MEDIUM: { rateKbps: 2_500, downLossPct: 3 },
    LOW: { rateKbps: 1_200, downLossPct: 5 },
    VERY_LOW: { rateKbps: 600, downLossPct: 5 },
  },
  downAfterMs: 4_000,
  downFastAfterMs: 1_000,
  fastLossPct: 10,
  playerLossPct: 0.1,
  downRttShare: 0.33,
  fastRttShare: 0.495,
  downBufferShare: 1 / 4,
  downCapacityFactor: 1.1,
  fitShare: 0.85,
  upCapacityFactor: 1.4,
  upLossPct: 0.5,
  upRttShare: 0.198,
  upAfterMs: 30_000,
  downDeliveredShare: 0.8,
  fastDeliveredShare: 0.5,
  upDeliveredShare: 0.9,
  probeAfterMs: 20_000,
  trialMs: 60_000,
  upAfterMostMs: 300_000,
  errorAfterMs: 3_000,
  errorEndsAfterMs: 3_000,
  observeHysteresis: 0.15,
};

/** Why a state is what it is. */
export const QUALITY_REASONS = [
  'start',
  'loss',
  'player-loss',
  'round-trip',
  'buffer',
  'capacity',
  'rate',
  'clean',
  'no-links',
  'links-back',
] as const;
export type QualityReason = (typeof QUALITY_REASONS)[number];

export interface Quality {
  readonly state: QualityState;
  /** What fits: the one of before an error while it lasts. */
  readonly level: QualityLevel;
  readonly reason: QualityReason;
  /** When the state began. */
  readonly sinceMs: Millis;
}

/** What is told of a stream. */
export interface StreamQuality {
  readonly mode: QualityMode;
  /** The name of what arrives; undefined in the first seconds. */
  readonly level: QualityLevel | undefined;
  /** What the encoder should send; undefined where it is only observed. */
  readonly advice: QualityLevel | undefined;
  /** Of the mode: of what arrives, or of the advice; undefined in the first seconds. */
  readonly state: QualityState | undefined;
  readonly reason: QualityReason;
  /** When the state began. */
  readonly sinceMs: Millis;
}
