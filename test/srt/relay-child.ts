/**
 * A relay in a process of its own, so that its CPU can be told. `direct`: this engine; `gathered`: the same with each player's packets of
 * 10 ms together, segmented by the kernel; `libsrt`: the addon's. Answers whatever comes on its channel with its usage.
 */
import { Peer } from '../native/peer.ts';
import { DirectRelay } from './direct-relay.ts';
import { BatchedPort } from './udp-port.ts';

const [engine, streams] = process.argv.slice(2);

const direct = (): { publishPort: number; playPort: number } => {
  const isGathered = engine === 'gathered';
  const { port } = new DirectRelay(new BatchedPort(isGathered), { gatherMs: isGathered ? 9 : 0 });
  return { publishPort: port, playPort: port };
};

const libsrt = (): { publishPort: number; playPort: number } => {
  const node = new Peer();
  const publish = node.listen({ role: 'publish' });
  const play = node.listen({ role: 'play' });
  for (let i = 0; i < Number(streams); i++) {
    node.engine.allow('publish', `publish${i}`, { maxSockets: 1 });
    node.engine.allow('play', `play${i}`, { maxSockets: 1_000 });
  }
  const dropped = new Float64Array(1_000);
  const ids = new Map<number, string>();
  const players = new Map<string, Int32Array>();
  let seen = 0;
  const look = (): void => {
    const accepted = node.ofType('accepted');
    for (; seen < accepted.length; seen++) {
      const { socket, streamId } = accepted[seen]!;
      const stream = streamId.replace(/^publish|^play/, '');
      if (streamId.startsWith('publish')) ids.set(socket, stream);
      else players.set(stream, Int32Array.of(...(players.get(stream) ?? []), socket));
    }
  };
  setInterval(look, 20);
  node.onRun = (socket, first, count) => {
    // Nothing is kept: this is about passing on.
    node.received.clear();
    const sockets = players.get(ids.get(socket) ?? '');
    if (sockets !== undefined) node.engine.send(sockets, sockets.length, first, count, dropped);
  };
  return { publishPort: publish.port, playPort: play.port };
};

const ports = engine === 'libsrt' ? libsrt() : direct();
process.send!(ports);
process.on('message', () => process.send!({ ...process.cpuUsage(), rss: process.memoryUsage().rss }));
process.on('disconnect', () => process.exit(0));
