// Registrations over budget between datagrams that pass, in batches, from thousands of addresses: for the sanitizers.
import { idOf, reg1, reg2 } from '../srtla/packets.ts';
import { until } from './peer.ts';
import { pattern, UdpEnd } from './udp-end.ts';

const ROUNDS = 400;
const rates = {
  sourceBurst: 2,
  sourcePerSecond: 1,
  everybodyBurst: 500,
  everybodyPerSecond: 500,
  joinSourceBurst: 3,
  joinSourcePerSecond: 1,
};
const [node, other] = [new UdpEnd({ registrations: rates, paces: true }), new UdpEnd()];
const { port } = node.bind();
const { socket } = other.bind('0.0.0.0', { device: 'lo' });
const id = new Uint8Array(256).fill(9);
for (let round = 0; round < ROUNDS; round++) {
  if (round % 3 === 0) node.udp.knowGroup(id);
  else node.udp.forgetGroup(id);
  const peer = other.udp.peer(socket, '127.0.0.1', port, `127.5.${round >> 3}.${round & 255}`);
  for (const bytes of [
    reg1(),
    pattern(round, 1 + (round % 1500)),
    reg2(idOf(9)),
    reg1(idOf(round & 255)),
    pattern(round, 258),
  ]) {
    other.put(peer, bytes);
  }
  other.flush();
  other.udp.release(peer);
  while (node.take() > 0);
}
await until('everything', () => {
  while (node.take() > 0);
  return node.counter('receivedDatagrams') === 5 * ROUNDS;
});
const dropped = node.counter('reg1Dropped') + node.counter('reg2Dropped');
if (dropped === 0 || node.received.length + dropped !== 5 * ROUNDS) throw new Error(`${dropped} dropped`);
for (const end of [node, other]) end.udp.dispose();
