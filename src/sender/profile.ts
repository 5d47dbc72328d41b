import type { Millis } from '../shared/clock.ts';

/** Window arithmetic in thousandths of a packet (SRTLA specification §6.1). */
export interface WindowRules {
  readonly initial: number;
  readonly min: number;
  readonly max: number;
  /** What a link falls back to when it times out. */
  readonly afterTimeout: number;
  /** Off the link that lost a packet, for each number of an SRT NAK. */
  readonly nakStep: number;
  /** For the link whose packet an SRTLA ACK lists, while it is busier than its window. */
  readonly ackBusyStep: number;
  /** For every link that has been heard from, for each number an SRTLA ACK lists. */
  readonly ackStep: number;
}

/** How a sender behaves on the wire: its timers, its keepalives, its window (§6.2). */
export interface Profile {
  readonly name: 'bel';
  /** Repetition of REG2 on links that are not up. */
  readonly probeIntervalMs: Millis;
  readonly reg1RetryMs: Millis;
  /** An unanswered REG1 is given up after this long, and probing starts again. */
  readonly reg1TimeoutMs: Millis;
  /** `idle`: only after so long without SRT traffic on the link; `always`: from registration on. */
  readonly keepalive: { readonly when: 'idle' | 'always'; readonly idleMs: Millis; readonly intervalMs: Millis };
  /** A link that has heard nothing for this long is out of use. */
  readonly linkTimeoutMs: Millis;
  readonly window: WindowRules;
}

const CLASSIC_WINDOW: WindowRules = {
  initial: 20_000,
  min: 1_000,
  max: 60_000,
  afterTimeout: 1_000,
  nakStep: 100,
  ackBusyStep: 29,
  ackStep: 1,
};

/** The behaviour of the BELABOX sender, which the Android senders built on it share. */
export const BEL: Profile = {
  name: 'bel',
  probeIntervalMs: 1_000,
  reg1RetryMs: 1_000,
  reg1TimeoutMs: 4_000,
  keepalive: { when: 'idle', idleMs: 2_000, intervalMs: 1_000 },
  linkTimeoutMs: 4_000,
  window: CLASSIC_WINDOW,
};

/** By the name that `--profile` takes. */
export const PROFILES: ReadonlyMap<string, Profile> = new Map([[BEL.name, BEL]]);
