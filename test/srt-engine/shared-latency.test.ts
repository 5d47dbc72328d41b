import { afterAll, expect, it } from 'vitest';
import { commonNow } from '../../src/data-plane/common-clock.ts';
import { enoughForPlayerMs } from '../../src/shared/latency-budget.ts';
import { silentLogger } from '../../src/shared/logger.ts';
import { SlsBridge } from '../../src/sls-bridge/bridge.ts';
import { directEngine } from '../../src/srt-engine/create.ts';
import { freeSettings } from '../data-plane/host-harness.ts';
import { numberOf, Peer, stream, until } from '../native/peer.ts';

const ENCODER_MS = 900;
const PLAYER_MS = 120;

const caller = new Peer();
const bridge = new SlsBridge({
  engine: directEngine({ latencyMode: 'shared', bondLossReports: 'own', clock: commonNow }),
  settings: {
    ...freeSettings().bridge,
    ...{ latencyFloorMs: 50, sharesLatency: { srt: true, srtla: true, pull: false } },
    engine: { publish: 'direct', bond: 'direct', play: 'direct' },
  },
  logger: silentLogger,
  clock: commonNow,
  wallClock: Date.now,
  onEvent: () => {},
});
afterAll(() => {
  bridge.close();
  caller.engine.dispose();
});

it('players with less latency than their encoder play all of it at one distance, whenever they have come', async () => {
  bridge.addRow({ publisher: 'live', player: 'play' });
  bridge.open(['127.0.0.1']);
  const join = () => caller.join(bridge.port('play'), 'play', { reads: true, latencyMs: PLAYER_MS });
  const waiting = await join();
  const encoder = await caller.join(bridge.port('publish'), 'live', { latencyMs: ENCODER_MS });
  const sentMs: number[] = [];
  const sending = stream(caller, encoder, 0, 600, { perMs: 0.5 });
  const startMs = commonNow();
  await until('the stream', () => caller.messages(waiting).length > 0);
  const late = await join();
  await sending;
  for (const player of [waiting, late])
    await until('the end of it', () => caller.messages(player).some((message) => numberOf(message) === 599));
  sentMs.push(...Array.from({ length: 600 }, (_, i) => startMs + 2 * i));
  // By agreement where there was an encoder to agree on, by stamps where there was none yet.
  const negotiated = [...bridge.players()].map(({ latencyMs }) => latencyMs).sort((a, b) => a - b);
  expect(negotiated).toEqual([PLAYER_MS, enoughForPlayerMs(ENCODER_MS)]);
  expect(caller.messages(waiting).map(numberOf)).toEqual(Array.from({ length: 600 }, (_, i) => i));
  for (const player of [waiting, late])
    for (const message of caller.messages(player)) {
      const distanceMs = message.sourceTimeUs / 1_000 - sentMs[numberOf(message)]!;
      expect(distanceMs).toBeGreaterThan(enoughForPlayerMs(ENCODER_MS) - 60);
      expect(distanceMs).toBeLessThan(enoughForPlayerMs(ENCODER_MS) + 250);
    }
});
