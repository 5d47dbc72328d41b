import { describe, expect, it } from 'vitest';
import { data } from './packets.ts';
import { toPeer, toServer, World } from './world.ts';

const SECOND_MS = 1_000;

/** A group with a session, and settings that change under it. */
const live = () => {
  const world = new World({ lossDetection: 'plain' });
  const { settings } = world;
  world.register([1, 2]);
  world.connect(1);
  world.advanceAlive(2 * SECOND_MS, 1, 2);
  let sequence = 0;
  const sent = (count: number, bytes = 40): number => {
    let forwarded = 0;
    for (let i = 0; i < count; i++) forwarded += toServer(world.receive(1, data(sequence++, { bytes }))).length;
    return forwarded;
  };
  return { world, settings, sent };
};

describe('settings of the core that change while it runs', () => {
  it('hold for the ceilings of a group that is there, from the next packet on', () => {
    const { world, settings, sent } = live();
    expect(sent(3_000)).toBe(3_000);
    settings.maxGroupPacketsPerSecond = 1_000;
    world.advanceAlive(SECOND_MS, 1, 2);
    expect(sent(1_500)).toBe(1_000);
    settings.maxGroupPacketsPerSecond = 15_000;
    settings.maxGroupKbps = 1_000;
    world.advanceAlive(SECOND_MS, 1, 2);
    // 125,000 bytes.
    expect(sent(200, 1_250)).toBe(100);
  });

  it('hold for acknowledgements', () => {
    const { world, settings, sent } = live();
    const acknowledged = (afterMs: number): boolean => {
      sent(1);
      return toPeer(world.advance(afterMs), 1).some((hex) => hex.startsWith('9100'));
    };
    expect(acknowledged(20)).toBe(false);
    world.advance(100);
    settings.ackFlushMs = 20;
    expect(acknowledged(20)).toBe(true);
  });
});
