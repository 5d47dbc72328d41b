export const HEALTHS = ['unknown', 'healthy', 'degraded', 'unhealthy'] as const;
export type Health = (typeof HEALTHS)[number];

/** What is known of a node's health, and what leans the other way. */
export interface HealthState {
  readonly health: Health;
  /** Of the last look that was answered, 0 to 100. */
  readonly score: number | undefined;
  /** Looks in a row whose level is not the present one: more than one is needed to change it. */
  readonly leaning: number;
  /** Looks in a row that were not answered. */
  readonly missed: number;
}

/** A look at a node: the score that it answered, 0 to 100, or nothing. */
export type Look = number | 'missed';

export const UNKNOWN_HEALTH: HealthState = { health: 'unknown', score: undefined, leaning: 0, missed: 0 };

const HEALTHY = 60;
const DEGRADED = 30;
/** Answered looks in a row that change the level, either way. */
const CHANGE = 2;
/** Missed looks in a row after which a node is unhealthy. */
export const MISSES = 3;

const levelOf = (score: number): Health =>
  score >= HEALTHY ? 'healthy' : score >= DEGRADED ? 'degraded' : 'unhealthy';

/**
 * The state after another look. One look never changes the level of a node, but that of one which is not known yet: it may be used at once.
 * A missed look says nothing of the score, and breaks no row.
 */
export const nextHealth = (state: HealthState, look: Look): HealthState => {
  if (look === 'missed') {
    const missed = state.missed + 1;
    const isGone = missed >= MISSES && state.health !== 'unknown';
    return { ...state, missed, ...(isGone ? { health: 'unhealthy', leaning: 0 } : {}) };
  }
  const level = levelOf(look);
  const leaning = level === state.health ? 0 : state.leaning + 1;
  if (state.health === 'unknown' || leaning >= CHANGE) return { health: level, score: look, leaning: 0, missed: 0 };
  return { health: state.health, score: look, leaning, missed: 0 };
};
