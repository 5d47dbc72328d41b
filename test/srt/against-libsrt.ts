/**
 * Prints what libsrt's players get from this engine and from libsrt's own as the relay, from libsrt's publishers, over the same impaired
 * links at the same time: `.runtime/node_modules/.bin/node test/srt/against-libsrt.ts [seconds]`. Real time; about half a minute a line.
 */
import { numbered, numberOf, Peer, turn, until } from '../native/peer.ts';
import { ImpairedLink, type ImpairedLinkOptions } from '../support/impaired-link.ts';
import { DirectRelay } from './direct-relay.ts';

const PER_MS = 0.57;
const PUBLISHER_MS = 600;
const seconds = Number(process.argv[2] ?? 20);

interface Line {
  readonly name: string;
  readonly encoder: ImpairedLinkOptions;
  readonly player: ImpairedLinkOptions;
  readonly encoderLatencyMs: number;
  readonly playerLatencyMs: number;
}

interface Way {
  readonly publishPort: number;
  readonly playPort: number;
  resent(): number;
  close(): void;
}

const libsrtRelay = (): Way => {
  const node = new Peer();
  const publish = node.listen({ role: 'publish' });
  const play = node.listen({ role: 'play' });
  node.engine.allow('publish', 'publish', { maxSockets: 1 });
  node.engine.allow('play', 'play', { maxSockets: 20 });
  const dropped = new Float64Array(20);
  node.onRun = (_socket, first, count) => {
    const players = Int32Array.from(
      node.ofType('accepted').filter((event) => event.streamId === 'play'),
      (event) => event.socket,
    );
    node.engine.send(players, players.length, first, count, dropped);
  };
  return {
    publishPort: publish.port,
    playPort: play.port,
    resent: () => {
      const player = node.ofType('accepted').find((event) => event.streamId === 'play');
      return player === undefined ? 0 : (node.stat(player.socket, 'pktRetransTotal') ?? 0);
    },
    close: () => node.engine.dispose(),
  };
};

const directRelay = async (): Promise<Way> => {
  const relay = await DirectRelay.open();
  return {
    publishPort: relay.port,
    playPort: relay.port,
    resent: () => (relay.players[0] === undefined ? 0 : relay.stat(relay.players[0], 'pktRetransTotal')),
    close: () => relay.close(),
  };
};

interface Figures {
  lost: number;
  encoderResent: number;
  encoderMissed: number;
  playerResent: number;
  playerMissed: number;
  delayMs: number;
}

const run = async (way: Way, line: Line): Promise<Figures> => {
  const [encoder, viewer] = [new Peer(), new Peer()];
  const first = await ImpairedLink.open(way.publishPort, { seed: 11, ...line.encoder });
  const second = await ImpairedLink.open(way.playPort, { seed: 12, ...line.player });
  const joined = { connectTimeoutMs: 15_000 };
  await viewer.join(second.port, 'play', { reads: true, latencyMs: line.playerLatencyMs, ...joined });
  const socket = await encoder.join(first.port, 'publish', { latencyMs: line.encoderLatencyMs, ...joined });
  const sentMs: number[] = [];
  const delays: number[] = [];
  const seen = new Set<number>();
  viewer.onRun = (player, _first, count) => {
    const messages = viewer.messages(player);
    for (const message of messages.slice(-count)) {
      const number = numberOf(message);
      seen.add(number);
      delays.push(performance.now() - sentMs[number]!);
    }
    viewer.received.set(player, []);
  };
  const startMs = performance.now();
  const count = Math.floor(seconds * 1_000 * PER_MS);
  for (let i = 0; i < count; ) {
    for (const due = Math.min(count, (performance.now() - startMs) * PER_MS); i < due; i++) {
      sentMs.push(performance.now());
      encoder.engine.sendMessage(socket, numbered(i), 0);
    }
    await turn(2);
  }
  // What is lost last is not missed: something follows it.
  for (let i = 0; i < 25; i++) {
    sentMs.push(performance.now());
    encoder.engine.sendMessage(socket, numbered(count + i), 0);
    await turn(20);
  }
  await until('the end of the stream', () => seen.has(count + 5) || seen.has(count + 6), 20_000);
  let lost = 0;
  for (let i = 0; i < count; i++) if (!seen.has(i)) lost += 1;
  const figures: Figures = {
    lost,
    encoderResent: encoder.stat(socket, 'pktRetransTotal') ?? Number.NaN,
    encoderMissed: first.totals.forth.lost,
    playerResent: way.resent(),
    playerMissed: second.totals.back.lost,
    delayMs: delays.sort((a, b) => a - b)[delays.length >> 1]!,
  };
  way.close();
  for (const each of [encoder, viewer]) each.engine.dispose();
  await Promise.all([first.close(), second.close()]);
  return figures;
};

const CLEAN: ImpairedLinkOptions = { delayMs: 5 };
const onPlayer = (name: string, rttMs: number, latencyMs: number, conditions: ImpairedLinkOptions): Line => ({
  name: `player: ${name}, RTT ${rttMs}, latency ${latencyMs}`,
  encoder: CLEAN,
  player: { delayMs: rttMs / 2, ...conditions },
  encoderLatencyMs: 120,
  playerLatencyMs: latencyMs,
});
const onEncoder = (name: string, rttMs: number, latencyMs: number, conditions: ImpairedLinkOptions): Line => ({
  name: `encoder: ${name}, RTT ${rttMs}, latency ${latencyMs}`,
  encoder: { delayMs: rttMs / 2, ...conditions },
  player: CLEAN,
  encoderLatencyMs: latencyMs,
  playerLatencyMs: 120,
});
const BURST: ImpairedLinkOptions = { burst: { enterRate: 0.002, leaveRate: 0.2, lossRate: 1 } };

const LINES: readonly Line[] = [
  onPlayer('1 %', 20, 120, { lossRate: 0.01 }),
  onPlayer('5 %', 20, 120, { lossRate: 0.05 }),
  onPlayer('5 %', 50, 250, { lossRate: 0.05 }),
  onPlayer('5 %', 100, 400, { lossRate: 0.05 }),
  onPlayer('5 %', 250, 1_250, { lossRate: 0.05 }),
  onPlayer('5 %', 250, 4_000, { lossRate: 0.05 }),
  onPlayer('bursts', 50, 250, BURST),
  onPlayer('5 %, jitter 10', 50, 250, { lossRate: 0.05, jitterMs: 10 }),
  onEncoder('1 %', 20, 120, { lossRate: 0.01 }),
  onEncoder('5 %', 50, 250, { lossRate: 0.05 }),
  onEncoder('5 %', 100, 400, { lossRate: 0.05 }),
  onEncoder('5 %', 250, 1_250, { lossRate: 0.05 }),
  onEncoder('5 %, jitter 10', 50, 250, { lossRate: 0.05, jitterMs: 10 }),
  {
    name: 'both: 5 %, RTT 60 and 40, latency 600 and 400',
    encoder: { delayMs: 30, lossRate: 0.05 },
    player: { delayMs: 20, lossRate: 0.05 },
    encoderLatencyMs: PUBLISHER_MS,
    playerLatencyMs: 400,
  },
];

const ratio = (resent: number, missed: number): string =>
  missed === 0 ? String(resent) : (resent / missed).toFixed(2);
const HEAD = [
  'conditions',
  'engine',
  'lost',
  'by the encoder: resent ÷ lost',
  'to the player: resent ÷ lost',
  'delay, ms',
];
console.log(`| ${HEAD.join(' | ')} |\n|${HEAD.map(() => '---').join('|')}|`);
for (const line of LINES) {
  const [direct, libsrt] = await Promise.all([run(await directRelay(), line), run(libsrtRelay(), line)]);
  for (const [engine, it] of [
    ['direct', direct],
    ['libsrt', libsrt],
  ] as const) {
    const cells = [
      line.name,
      engine,
      it.lost,
      ratio(it.encoderResent, it.encoderMissed),
      ratio(it.playerResent, it.playerMissed),
      it.delayMs.toFixed(0),
    ];
    console.log(`| ${cells.join(' | ')} |`);
  }
}
process.exit(0);
