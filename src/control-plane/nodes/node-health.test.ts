import { describe, expect, it } from 'vitest';
import { type Health, type Look, nextHealth, UNKNOWN_HEALTH } from './node-health.ts';

const after = (...looks: Look[]): Health => looks.reduce(nextHealth, UNKNOWN_HEALTH).health;

describe('the health of a node', () => {
  it.each<[Look[], Health]>([
    [[], 'unknown'],
    [[100], 'healthy'],
    [[60], 'healthy'],
    [[59], 'degraded'],
    [[30], 'degraded'],
    [[29], 'unhealthy'],
    [['missed', 'missed', 'missed'], 'unknown'],
    [[90, 10], 'healthy'],
    [[90, 10, 90, 10], 'healthy'],
    [[90, 10, 10], 'unhealthy'],
    [[90, 45, 10], 'unhealthy'],
    [[90, 10, 'missed', 10], 'unhealthy'],
    [[90, 'missed', 'missed'], 'healthy'],
    [[90, 'missed', 'missed', 90, 'missed', 'missed'], 'healthy'],
    [[90, 'missed', 'missed', 'missed'], 'unhealthy'],
    [[90, 'missed', 'missed', 'missed', 90], 'unhealthy'],
    [[90, 'missed', 'missed', 'missed', 90, 90], 'healthy'],
    [[90, 'missed', 'missed', 'missed', 90, 'missed', 90], 'healthy'],
    [[10, 90], 'unhealthy'],
    [[10, 90, 90], 'healthy'],
  ])('%j → %s', (looks, health) => {
    expect(after(...looks)).toBe(health);
  });

  it('tells the last score, also while the level does not follow it', () => {
    expect([90, 10].reduce(nextHealth, UNKNOWN_HEALTH)).toMatchObject({ score: 10, health: 'healthy' });
  });
});
