import { PERFECT_LINK } from '../src/sender/impair/link-conditions.ts';
import { seededRandom, truncatedNormal } from '../src/sender/impair/random.ts';
import type { BondScenario } from '../src/sender/impair/scenarios.ts';

export interface IdealQuestion {
  scenario: BondScenario;
  /** Of each packet whose first copy was lost: from its sending to when it would have arrived. */
  lossDelaysMs: readonly number[];
  /** Of each link, what it carried of the stream: where a retransmission goes. */
  shares: readonly number[];
  rttMs: number;
}

export interface IdealLoss {
  mean: number;
  /** Ninety-five of a hundred runs lose no more. */
  p95: number;
}

const RUNS = 400;
const SEED = 20;

/**
 * How many payloads a receiver would lose that nobody can build: it asks at the moment at which the lost packet would have arrived, on the
 * fastest link, again after each round trip, and holds nothing. Drawn at random, with the real run's losses, and links without queues.
 */
export const idealLoss = ({ scenario, lossDelaysMs, shares, rttMs }: IdealQuestion): IdealLoss => {
  const random = seededRandom(SEED);
  const links = scenario.links.map((link) => ({ ...PERFECT_LINK, ...link }));
  const fastest = links.toSorted((a, b) => a.delayMs - b.delayMs)[0]!;
  const total = shares.reduce((sum, share) => sum + share, 0);
  const draw = (): (typeof links)[number] => {
    let at = random() * total;
    return (
      links.find((_, i) => {
        at -= shares[i]!;
        return at < 0;
      }) ?? links.at(-1)!
    );
  };
  // The session's clock began with a handshake that had come over the fastest link, at the earliest.
  const playMs = fastest.delayMs + scenario.latencyMs;
  const delayOf = (link: (typeof links)[number]): number =>
    Math.max(0, link.delayMs + (link.jitterMs > 0 ? truncatedNormal(random, link.jitterMs) : 0));

  const isLost = (delayMs: number): boolean => {
    for (let askMs = delayMs; askMs < playMs; askMs += Math.max(1, rttMs)) {
      const askedMs = askMs + delayOf(fastest);
      if (random() < fastest.lossRate) continue;
      const link = draw();
      const backMs = askedMs + delayOf(link);
      if (random() >= link.lossRate && backMs <= playMs) return false;
    }
    return true;
  };
  const runs = Array.from({ length: RUNS }, () => lossDelaysMs.filter(isLost).length).sort((a, b) => a - b);
  return { mean: runs.reduce((sum, lost) => sum + lost, 0) / RUNS, p95: runs[Math.floor(RUNS * 0.95)]! };
};
