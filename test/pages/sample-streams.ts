import type { StreamEvent, StreamHappening } from '../../src/data-plane/event-history.ts';
import type { LinkCarrier } from '../../src/stats/carrier.ts';
import type { SampleStream } from './sample-node.ts';

const CARRIERS: Readonly<Record<string, LinkCarrier>> = {
  '203.0.113.14': { label: 'Vodafone', kind: 'cellular', country: 'DE', asn: 3209, org: 'Vodafone GmbH' },
  '203.0.113.77': { label: 'Telekom', kind: 'cellular', country: 'DE', asn: 3320, org: 'Deutsche Telekom AG' },
  '203.0.113.201': { label: 'Starlink', kind: 'satellite', country: 'DE', asn: 14593, org: 'Space Exploration' },
  '198.51.100.9': { label: 'O2', kind: 'cellular', country: 'DE', asn: 6805, org: 'Telefonica Germany' },
  '198.51.100.61': { label: 'Telekom', kind: 'fixed', country: 'DE', asn: 3320, org: 'Deutsche Telekom AG' },
};

export const sampleCarriers = (address: string): LinkCarrier | undefined => CARRIERS[address];

export const SAMPLE_STREAMS: readonly SampleStream[] = [
  {
    publisher: 'live_8d1f4c02b7a94e56',
    player: 'play_2a77d0c1e58b4f39',
    label: 'Bike camera',
    latencyMs: 2_000,
    players: 2,
    links: [
      { address: '203.0.113.14', meanKbps: 2_650, rttMs: 46, lossPct: 0.7, swing: 9 },
      { address: '203.0.113.77', meanKbps: 2_050, rttMs: 58, lossPct: 1.1, swing: 14 },
      { address: '203.0.113.201', meanKbps: 1_450, rttMs: 71, lossPct: 2.2, swing: 6 },
    ],
  },
  {
    publisher: 'live_51c7e0aa93d24b18',
    player: 'play_90bb3e14d6fa4c7d',
    label: 'Harbour backpack',
    latencyMs: 3_000,
    players: 1,
    links: [
      { address: '198.51.100.9', meanKbps: 1_900, rttMs: 63, lossPct: 0.5, swing: 11 },
      { address: '198.51.100.61', meanKbps: 2_400, rttMs: 24, lossPct: 0.1, swing: 17 },
    ],
  },
];

/** What may have happened in the last quarter of an hour. */
export const sampleEvents = (unixNow: number): StreamEvent[] => {
  const [bike, harbour] = SAMPLE_STREAMS.map(({ publisher }) => publisher) as [string, string];
  const player = { playerId: 'play_2a77d0c1e58b4f39', address: '198.51.100.20', port: 51_000 };
  const events: (readonly [ageS: number, event: Pick<StreamEvent, 'publisherId'> & StreamHappening])[] = [
    [861, { publisherId: bike, type: 'link-joined', group: '0x1', address: '203.0.113.14', port: 40_000 }],
    [860, { publisherId: bike, type: 'link-joined', group: '0x1', address: '203.0.113.77', port: 40_001 }],
    [
      859,
      {
        publisherId: bike,
        type: 'publisher-up',
        source: 'srtla',
        address: '127.0.0.1',
        latencyMs: 2_000,
        encrypted: false,
      },
    ],
    [842, { publisherId: bike, type: 'player-up', ...player, latencyMs: 2_000 }],
    [611, { publisherId: bike, type: 'link-joined', group: '0x1', address: '203.0.113.201', port: 40_002 }],
    [
      433,
      {
        publisherId: harbour,
        type: 'publisher-refused',
        source: 'srt',
        address: '198.51.100.9',
        why: 'passphrase',
        code: 10,
        times: 3,
      },
    ],
    [
      402,
      {
        publisherId: harbour,
        type: 'publisher-up',
        source: 'srtla',
        address: '127.0.0.1',
        latencyMs: 3_000,
        encrypted: false,
      },
    ],
    [
      233,
      { publisherId: bike, type: 'link-left', group: '0x1', address: '203.0.113.201', port: 40_002, why: 'timeout' },
    ],
    [221, { publisherId: bike, type: 'link-joined', group: '0x1', address: '203.0.113.201', port: 40_002 }],
    [64, { publisherId: bike, type: 'player-dropped', ...player, messages: 3 }],
    [
      12,
      {
        publisherId: harbour,
        type: 'player-up',
        playerId: 'play_90bb3e14d6fa4c7d',
        address: '198.51.100.44',
        port: 52_110,
        latencyMs: 2_000,
      },
    ],
  ];
  return events.map(([ageS, event]) => ({ ...event, atMs: 0, wallMs: unixNow - ageS * 1_000 }));
};
