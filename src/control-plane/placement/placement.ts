import type { Millis } from '../../shared/clock.ts';
import { TRAFFIC_DRAIN_SHARE, type TrafficCount } from '../../shared/traffic-period.ts';
import type { Health } from '../nodes/node-health.ts';
import type { NodeStatus, Position } from '../protocol.ts';
import { AUTO, isSameContinent } from './regions.ts';

/** A node as placement sees it. */
export interface Candidate {
  readonly serverId: string;
  readonly region: string;
  readonly status: NodeStatus;
  readonly health: Health;
  /** 0 to 100. */
  readonly healthScore: number | undefined;
  /** It has said that no encoder should be sent to it. */
  readonly isRefusing: boolean;
  readonly position: Position | undefined;
  /** From the place of the wish, as streams from there have measured it often enough. */
  readonly rttMs: number | undefined;
  readonly maxSessions: number;
  /** Sessions that are open on it, and streams that go on for a while after theirs. */
  readonly sessions: number;
  readonly traffic: Traffic;
}

export interface Traffic {
  readonly monthlyCapBytes: number | undefined;
  /** Of the running period, counted as `count` says. */
  readonly usedBytes: number;
  /** Until the period is over. */
  readonly leftMs: Millis;
  readonly count: TrafficCount;
  /** What the provider tolerates for long. */
  readonly sustainedKbps: number | undefined;
  /** Each way. */
  readonly portKbps: number | undefined;
}

export interface Wish {
  /** The name of a region, or `auto`. */
  readonly region: string;
  /** Where the stream comes from, as far as that is known. */
  readonly place: Position | undefined;
  /** A node that has the stream's id already; whether the stream is sending there, and counts in its `sessions`. */
  readonly sticky: { readonly serverId: string; readonly isCounted: boolean } | undefined;
  /** Nodes that have just failed. */
  readonly excluded: readonly string[];
}

export type Reason =
  /** It had the stream's id. */
  | 'sticky'
  /** There was no other. */
  | 'only'
  /** The region that was asked for. */
  | 'preference'
  /** Nothing in the region that was asked for. */
  | 'fallback'
  /** `auto`, by where the stream comes from. */
  | 'geo'
  /** `auto`, and nothing known of where. */
  | 'load';

export interface Placement {
  readonly serverId: string;
  readonly region: string;
  readonly reason: Reason;
  /** 0 to 1. */
  readonly score: number;
}

/** `none`: no node could take it however empty; `full`: some could if they were not. */
export type PlacementResult = Placement | { readonly refused: 'none' | 'full' };

/** They need not add up to anything: each score is divided by the sum of those that count. */
export const WEIGHTS = { region: 50, distance: 30, load: 20, health: 10 } as const;

/** Further than the best one that could be: nothing is left of the weight of distance. */
const FAR_MS: Millis = 75;
/** There and back in fibre that goes no straight way: 5,000 km are 75 ms. */
const MS_PER_KM = 0.015;
/** What a mobile network adds at the most where it is a good one. */
const ACCESS_MS: Millis = 60;
const EARTH_KM = 6_371;
/** Taken for the average: received once and sent once, with headers. */
const STREAM_KBPS = 6_000;
const DAY_MS: Millis = 86_400_000;

/** Great-circle distance, km. */
export const distanceKm = (a: Position, b: Position): number => {
  const radians = (degrees: number): number => (degrees * Math.PI) / 180;
  const half =
    Math.sin(radians(b.latitude - a.latitude) / 2) ** 2 +
    Math.cos(radians(a.latitude)) *
      Math.cos(radians(b.latitude)) *
      Math.sin(radians(b.longitude - a.longitude) / 2) ** 2;
  return 2 * EARTH_KM * Math.asin(Math.min(1, Math.sqrt(half)));
};

/**
 * Sessions that a node may have: its limit, what its port and its provider's patience carry, and what is left of its traffic at an even pace until
 * the period is over: nothing from 95 % of the cap on.
 */
export const capacityOf = ({ maxSessions, traffic }: Candidate): number => {
  const { monthlyCapBytes, usedBytes, leftMs, count, sustainedKbps, portKbps } = traffic;
  const countedKbps = count === 'both' ? 2 * STREAM_KBPS : STREAM_KBPS;
  let capacity = maxSessions;
  if (portKbps !== undefined) capacity = Math.min(capacity, Math.floor(portKbps / STREAM_KBPS));
  if (sustainedKbps !== undefined) capacity = Math.min(capacity, Math.floor(sustainedKbps / countedKbps));
  if (monthlyCapBytes !== undefined) {
    const leftBytes = monthlyCapBytes * TRAFFIC_DRAIN_SHARE - usedBytes;
    // A day at least: on the last evening of the period what is left may be used up.
    const paceKbps = (leftBytes * 8) / Math.max(leftMs, DAY_MS);
    capacity = Math.min(capacity, Math.max(0, Math.ceil(paceKbps / countedKbps)));
  }
  return capacity;
};

const isWell = ({ health }: Candidate): boolean => health === 'healthy' || health === 'degraded';

const isUsable = (candidate: Candidate): boolean =>
  candidate.status === 'active' && !candidate.isRefusing && isWell(candidate);

interface Rated {
  readonly candidate: Candidate;
  readonly capacity: number;
  readonly score: number;
}

/** What the way to a node takes by its distance alone; undefined where that is not known. */
const fibreMs = ({ position }: Candidate, from: Position): Millis | undefined =>
  position && distanceKm(from, position) * MS_PER_KM;

/**
 * How much longer the way to each node is than the last mile alone: as measured where it was, else as the distance lets expect. Of what was measured
 * the last mile is taken off as the nodes that were measured show it. Undefined where the way to one of them is not known at all.
 */
const detours = (
  candidates: readonly Candidate[],
  from: Position | undefined,
): ReadonlyMap<string, Millis> | undefined => {
  if (!from) return undefined;
  // Among measured ones only what they differ in counts; beside what the map lets expect a last mile that is too long counts as a detour.
  const isAllMeasured = candidates.every(({ rttMs }) => rttMs !== undefined);
  const lastMileMs = candidates.reduce(
    (least, one) =>
      one.rttMs === undefined ? least : Math.min(least, Math.max(0, one.rttMs - (fibreMs(one, from) ?? 0))),
    isAllMeasured ? Number.POSITIVE_INFINITY : ACCESS_MS,
  );
  const ways = new Map<string, Millis>();
  for (const one of candidates) {
    const ms = one.rttMs === undefined ? fibreMs(one, from) : Math.max(0, one.rttMs - lastMileMs);
    if (ms === undefined) return undefined;
    ways.set(one.serverId, ms);
  }
  return ways;
};

const score = (
  candidate: Candidate,
  capacity: number,
  wish: Wish,
  ways: ReadonlyMap<string, Millis> | undefined,
): number => {
  const { region, sessions, healthScore } = candidate;
  const isAuto = wish.region === AUTO;
  const parts: [weight: number, factor: number][] = [
    [WEIGHTS.load, 1 - sessions / capacity],
    [WEIGHTS.health, (healthScore ?? 0) / 100],
  ];
  if (!isAuto)
    parts.push([WEIGHTS.region, region === wish.region ? 1 : isSameContinent(region, wish.region) ? 0.5 : 0]);
  const wayMs = ways?.get(candidate.serverId);
  if (wayMs !== undefined) parts.push([WEIGHTS.distance, Math.max(0, 1 - wayMs / FAR_MS)]);
  const sum = parts.reduce((total, [weight]) => total + weight, 0);
  return parts.reduce((total, [weight, factor]) => total + weight * factor, 0) / sum;
};

const reasonOf = (chosen: Candidate, usable: number, wish: Wish, isDistanceKnown: boolean): Reason => {
  if (usable === 1) return 'only';
  if (wish.region !== AUTO) return chosen.region === wish.region ? 'preference' : 'fallback';
  return isDistanceKnown ? 'geo' : 'load';
};

/**
 * The node for a stream: the best score among those that are active, well and not full. The region counts most, then distance, load and
 * health; distance is by measured round trips where there are enough; what is not known of every candidate (distance) or not asked for (region) does not count at all. Equal scores: the emptier one,
 * then by name.
 */
export const place = (candidates: readonly Candidate[], wish: Wish): PlacementResult => {
  const { sticky, excluded } = wish;
  const allowed = candidates.filter(({ serverId }) => !excluded.includes(serverId));
  const stay = ({ serverId, region }: Candidate): Placement => ({ serverId, region, reason: 'sticky', score: 1 });
  // A stream that sends there goes on there: it needs no room, and is nothing new to a node that takes nothing new.
  const sending = sticky?.isCounted ? allowed.find(({ serverId }) => serverId === sticky.serverId) : undefined;
  if (sending && sending.status !== 'inactive' && isWell(sending)) return stay(sending);
  const usable = allowed.filter(isUsable).map((candidate) => ({ candidate, capacity: capacityOf(candidate) }));
  const home = usable.find(({ candidate }) => candidate.serverId === sticky?.serverId);
  if (home && home.candidate.sessions < home.capacity) return stay(home.candidate);
  const free = usable.filter(({ candidate, capacity }) => candidate.sessions < capacity);
  if (free.length === 0) return { refused: usable.length === 0 ? 'none' : 'full' };
  const ways = detours(
    free.map(({ candidate }) => candidate),
    wish.place,
  );
  const rated: Rated[] = free.map(({ candidate, capacity }) => ({
    candidate,
    capacity,
    score: score(candidate, capacity, wish, ways),
  }));
  rated.sort(
    (a, b) =>
      b.score - a.score ||
      a.candidate.sessions / a.capacity - b.candidate.sessions / b.capacity ||
      (a.candidate.serverId < b.candidate.serverId ? -1 : 1),
  );
  const best = rated[0]!;
  const { serverId, region } = best.candidate;
  return {
    serverId,
    region,
    reason: reasonOf(best.candidate, free.length, wish, ways !== undefined),
    score: best.score,
  };
};
