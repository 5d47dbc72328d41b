// Holds a UDP port (as a plain socket or as an SRT listener) and prints it, until its input ends.
import { createSocket } from 'node:dgram';
import { Peer } from './peer.ts';

if (process.argv[2] === 'udp') {
  const socket = createSocket('udp4');
  socket.bind(0, '127.0.0.1', () => console.log(socket.address().port));
  process.stdin.on('end', () => socket.close());
} else {
  const peer = new Peer();
  console.log(peer.listen().port);
  process.stdin.on('end', () => peer.engine.dispose());
}
process.stdin.resume();
