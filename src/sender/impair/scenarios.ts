import type { LinkConditions } from './link-conditions.ts';

/** Both directions of a link: the way back has the same conditions unless `back` says otherwise. */
export interface LinkScenario extends Partial<LinkConditions> {
  readonly back?: Partial<LinkConditions>;
}

/** A bonded way to a receiver, by which senders and receivers are compared. */
export interface BondScenario {
  readonly name: string;
  readonly title: string;
  readonly latencyMs: number;
  readonly links: readonly LinkScenario[];
}

const mbit = (count: number): Partial<LinkConditions> => ({ rateKbps: count * 1000 });

const THREE: readonly LinkScenario[] = [
  { delayMs: 30, jitterMs: 10, lossRate: 0.005, ...mbit(4) },
  { delayMs: 60, jitterMs: 20, lossRate: 0.01, ...mbit(4) },
  { delayMs: 90, jitterMs: 40, lossRate: 0.02, ...mbit(4) },
];

const FAR_APART: readonly LinkScenario[] = [
  { delayMs: 30, jitterMs: 5, lossRate: 0.03, ...mbit(8) },
  { delayMs: 250, jitterMs: 40, lossRate: 0.03, ...mbit(8) },
];

const scenarios: readonly BondScenario[] = [
  {
    name: 'three-links',
    title: 'three links 30±10/60±20/90±40 ms, 0.5/1/2 %, 4 Mbit/s',
    latencyMs: 2_000,
    links: THREE,
  },
  {
    name: 'two-links',
    title: 'two links 40/120 ms, 1 %, 8 Mbit/s',
    latencyMs: 2_000,
    links: [
      { delayMs: 40, lossRate: 0.01, ...mbit(8) },
      { delayMs: 120, lossRate: 0.01, ...mbit(8) },
    ],
  },
  { name: 'far-apart', title: 'two links 30±5/250±40 ms, 3 %, 8 Mbit/s', latencyMs: 2_000, links: FAR_APART },
  {
    name: 'blackout',
    title: 'three links, the first out for 600 ms every 4 s',
    latencyMs: 2_000,
    links: THREE.map((link, index) => (index === 0 ? { ...link, blackout: { everyMs: 4_000, forMs: 600 } } : link)),
  },
  {
    name: 'flapping',
    title: 'four links, one 3 s up and 1 s down at 40 ms',
    latencyMs: 2_000,
    links: [
      ...THREE,
      { delayMs: 40, jitterMs: 10, lossRate: 0.005, ...mbit(4), blackout: { everyMs: 4_000, forMs: 1_000 } },
    ],
  },
  {
    name: 'reordering',
    title: 'three links, 0.5 % of packets 5–30 ms late within their link',
    latencyMs: 2_000,
    links: THREE.map((link) => ({ ...link, reorderRate: 0.005, reorderMinMs: 5, reorderMaxMs: 30 })),
  },
  { name: 'short-latency', title: 'two links 30±5/250±40 ms, 3 %, latency 800 ms', latencyMs: 800, links: FAR_APART },
];

/** The bonded ways of the bench and the simulator, by name. */
export const BOND_SCENARIOS: ReadonlyMap<string, BondScenario> = new Map(
  scenarios.map((scenario) => [scenario.name, scenario]),
);
