import { QUALITY_RULES, type QualityMode, type QualityRules } from './types.ts';

/** The `quality` block of the settings: rates in kbit/s, shares in percent, times in seconds. */
export interface QualitySettings {
  readonly mode: QualityMode | 'off';
  readonly highKbps: number;
  readonly highLossPct: number;
  readonly mediumKbps: number;
  readonly mediumLossPct: number;
  readonly lowKbps: number;
  readonly lowLossPct: number;
  readonly veryLowKbps: number;
  readonly veryLowLossPct: number;
  readonly viewerLossPct: number;
  readonly rttPct: number;
  readonly bufferPct: number;
  readonly downAfterSeconds: number;
  readonly downFastAfterSeconds: number;
  readonly upAfterSeconds: number;
  readonly probeAfterSeconds: number;
  readonly trialSeconds: number;
  readonly upAfterMostSeconds: number;
  readonly errorAfterSeconds: number;
  readonly errorEndsAfterSeconds: number;
}

/** The rules that these settings make; what they do not name is as it always is. */
export const qualityRulesOf = (settings: QualitySettings): QualityRules => ({
  ...QUALITY_RULES,
  levels: {
    HIGH: { rateKbps: settings.highKbps, downLossPct: settings.highLossPct },
    MEDIUM: { rateKbps: settings.mediumKbps, downLossPct: settings.mediumLossPct },
    LOW: { rateKbps: settings.lowKbps, downLossPct: settings.lowLossPct },
    VERY_LOW: { rateKbps: settings.veryLowKbps, downLossPct: settings.veryLowLossPct },
  },
  playerLossPct: settings.viewerLossPct,
  downRttShare: settings.rttPct / 100,
  // Half as much again is very wrong, and what is to climb needs three fifths of it.
  fastRttShare: (settings.rttPct / 100) * 1.5,
  upRttShare: (settings.rttPct / 100) * 0.6,
  downBufferShare: settings.bufferPct / 100,
  downAfterMs: settings.downAfterSeconds * 1_000,
  downFastAfterMs: settings.downFastAfterSeconds * 1_000,
  upAfterMs: settings.upAfterSeconds * 1_000,
  probeAfterMs: settings.probeAfterSeconds * 1_000,
  trialMs: settings.trialSeconds * 1_000,
  upAfterMostMs: settings.upAfterMostSeconds * 1_000,
  errorAfterMs: settings.errorAfterSeconds * 1_000,
  errorEndsAfterMs: settings.errorEndsAfterSeconds * 1_000,
});
