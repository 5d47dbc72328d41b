/** Prints the engine's CPU for a packet, without a network or ciphers: `.runtime/node_modules/.bin/node test/srt/bench.ts`. */
import { Load } from './load.ts';

const ROUNDS = 5;

/** ns of CPU for one packet that came from the publisher, its share of everything else included: the best of some rounds. */
const cost = (players: number, datagrams: number): { perPacketNs: number; perSentNs: number } => {
  const load = new Load(players);
  load.run(datagrams);
  let best = { perPacketNs: Number.POSITIVE_INFINITY, perSentNs: 0 };
  for (let round = 0; round < ROUNDS; round++) {
    const { delivered, sent } = load;
    const start = process.cpuUsage();
    load.run(datagrams);
    const { user, system } = process.cpuUsage(start);
    const ns = (user + system) * 1_000;
    const perPacketNs = ns / (load.delivered - delivered);
    if (perPacketNs < best.perPacketNs) best = { perPacketNs, perSentNs: ns / (load.sent - sent) };
  }
  return best;
};

for (const players of [0, 1, 3, 10, 100]) {
  const { perPacketNs, perSentNs } = cost(players, players > 10 ? 2_000_000 : 1_000_000);
  const sent = players === 0 ? '' : `, ${perSentNs.toFixed(0)} ns for each that was sent`;
  console.log(`${players} players: ${perPacketNs.toFixed(0)} ns for each packet that came${sent}`);
}
