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
  /** `ring`: the last 256 numbers; one that a NAK names stays in flight until the next SRT ACK. `set`: all; it leaves at once. */
  readonly inFlight: 'ring' | 'set';
}

/** How a group comes about (§6.2). */
export interface RegistrationRules {
  /** REG1 goes out on the link whose REG_NGP comes first, or waits for those of all links and takes the one with the lowest RTT. */
  readonly reg1On: 'first' | 'lowest-rtt';
  /** How long it waits for them. */
  readonly collectMs: Millis;
  /** An unanswered REG1 is repeated so often; infinite = never. */
  readonly reg1RetryMs: Millis;
  /** An unanswered REG1 is given up after this long, and probing starts again. */
  readonly reg1TimeoutMs: Millis;
  /** REG1 does not carry the id of the probes, but one drawn for it. */
  readonly freshId: boolean;
  /** With its own REG2 the whole group goes out at once, or when house is kept next. */
  readonly reg2AtOnce: boolean;
  /** REG_NGP on a group that was registered once: ask for a new group, or ignore it. */
  readonly asksAgain: boolean;
}

export interface KeepaliveRules {
  readonly bytes: 2 | 10 | 38 | 42;
  /** `idle`: only after so long without SRT traffic on the link; `always`: from registration on. */
  readonly when: 'idle' | 'always';
  readonly idleMs: Millis;
  readonly intervalMs: Millis;
  /** One more while the newest round trip is older than this; infinite = never. */
  readonly staleRttMs: Millis;
}

/** What waits on a link to go out together. */
export interface BatchRules {
  readonly maxMs: Millis;
  /** The largest batch at up to this rate of the link; the last entry has no limit. */
  readonly sizes: readonly { readonly upToKbps: number; readonly packets: number }[];
  /** SRT control does not wait, and may overtake data. */
  readonly controlOvertakes: boolean;
}

/** How a sender behaves on the wire: registration, timers, keepalives, window, choice of links (§6). */
export interface Profile {
  readonly name: 'bel' | 'moblin' | 'snd';
  readonly registration: RegistrationRules;
  /** Timers are looked at this often; 0 = at each tick. */
  readonly houseKeepingMs: Millis;
  /** Repetition of REG2 on links that are not up: before any link was up, and afterwards. */
  readonly probeIntervalMs: Millis;
  readonly reconnectIntervalMs: Millis;
  readonly keepalive: KeepaliveRules;
  /** A link that has heard nothing for this long is out of use. */
  readonly linkTimeoutMs: Millis;
  /** Each attempt to get a link back has a new socket: the receiver sees another address. */
  readonly newSockets: boolean;
  /** With no link up for so long everything begins anew, with another id; infinite = never. */
  readonly restartMs: Millis;
  /** An answer of REG_ERR keeps a link out of use for so long. */
  readonly refusedMs: Millis;
  readonly batch: BatchRules | undefined;
  /** `enhanced`: §6.4. */
  readonly choice: 'classic' | 'enhanced';
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
  inFlight: 'ring',
};
const NEVER_MS = Number.POSITIVE_INFINITY;

/** The behaviour of the BELABOX sender, which the Android senders built on it share. */
export const BEL: Profile = {
  name: 'bel',
  registration: {
    reg1On: 'first',
    collectMs: 0,
    reg1RetryMs: 1_000,
    reg1TimeoutMs: 4_000,
    freshId: false,
    reg2AtOnce: true,
    asksAgain: true,
  },
  houseKeepingMs: 0,
  probeIntervalMs: 1_000,
  reconnectIntervalMs: 1_000,
  keepalive: { bytes: 2, when: 'idle', idleMs: 2_000, intervalMs: 1_000, staleRttMs: NEVER_MS },
  linkTimeoutMs: 4_000,
  newSockets: false,
  restartMs: NEVER_MS,
  refusedMs: 0,
  batch: undefined,
  choice: 'classic',
  window: CLASSIC_WINDOW,
};

/** Moblin on iOS (§6.3). */
export const MOBLIN: Profile = {
  name: 'moblin',
  registration: {
    reg1On: 'first',
    collectMs: 0,
    reg1RetryMs: NEVER_MS,
    reg1TimeoutMs: 5_000,
    freshId: true,
    reg2AtOnce: true,
    asksAgain: false,
  },
  houseKeepingMs: 0,
  probeIntervalMs: 5_000,
  reconnectIntervalMs: 5_000,
  keepalive: { bytes: 10, when: 'always', idleMs: 0, intervalMs: 1_000, staleRttMs: NEVER_MS },
  linkTimeoutMs: 5_000,
  newSockets: true,
  // Its SRT client gives up 5 s after the last packet and begins anew 5 s later.
  restartMs: 5_000,
  refusedMs: 0,
  batch: { maxMs: 15, sizes: [{ upToKbps: NEVER_MS, packets: 15 }], controlOvertakes: true },
  choice: 'classic',
  window: { ...CLASSIC_WINDOW, afterTimeout: 20_000, inFlight: 'set' },
};

/** The Rust sender for single-board encoders, in its enhanced mode (§6.4). */
export const SND: Profile = {
  name: 'snd',
  registration: {
    reg1On: 'lowest-rtt',
    collectMs: 2_000,
    reg1RetryMs: NEVER_MS,
    reg1TimeoutMs: 4_000,
    freshId: false,
    reg2AtOnce: false,
    asksAgain: true,
  },
  houseKeepingMs: 1_000,
  probeIntervalMs: 1_000,
  reconnectIntervalMs: 5_000,
  keepalive: { bytes: 38, when: 'always', idleMs: 0, intervalMs: 1_000, staleRttMs: 3_000 },
  linkTimeoutMs: 5_000,
  newSockets: true,
  restartMs: NEVER_MS,
  refusedMs: 4_000,
  batch: {
    maxMs: 15,
    sizes: [
      { upToKbps: 500, packets: 4 },
      { upToKbps: 5_000, packets: 16 },
      { upToKbps: NEVER_MS, packets: 32 },
    ],
    controlOvertakes: false,
  },
  choice: 'enhanced',
  window: { ...CLASSIC_WINDOW, afterTimeout: 20_000 },
};

/** By the name that `--profile` takes. */
export const PROFILES: ReadonlyMap<string, Profile> = new Map(
  [BEL, MOBLIN, SND].map((profile) => [profile.name, profile]),
);

/** The same sender with keepalives of another length: some builds of `snd` send 42 bytes (§1.5). */
export const withKeepalive = (profile: Profile, bytes: KeepaliveRules['bytes']): Profile => ({
  ...profile,
  keepalive: { ...profile.keepalive, bytes },
});
