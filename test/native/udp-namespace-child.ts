// What udp-namespace.test.ts runs in a network of its own: `echo`; `ask ADDRESS…`; `segments`; `bind ADDRESS`.
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { until } from './peer.ts';
import { pattern, UdpEnd } from './udp-end.ts';

const PORT = 5_999;
const [what, ...addresses] = process.argv.slice(2);

if (what === 'echo') {
  const end = new UdpEnd();
  end.bind('::', { port: PORT });
  end.onDatagram = ({ peer, bytes }) => end.send(peer, bytes);
}

if (what === 'ask') {
  for (const address of addresses) {
    const socket = createSocket(address.includes(':') ? 'udp6' : 'udp4');
    // Not connected: it hears answers from anywhere.
    socket.bind(0);
    await once(socket, 'listening');
    let from: string | undefined;
    socket.on('message', (_bytes, remote) => {
      from ??= remote.address;
    });
    const again = setInterval(() => socket.send('x', PORT, address), 50);
    console.log(await until(`an answer of ${address}`, () => from));
    clearInterval(again);
    socket.close();
  }
}

if (what === 'segments') {
  const [sink, end] = [new UdpEnd(), new UdpEnd()];
  const socket = end.connect(sink.bind().port);
  const before = end.udp.segments();
  for (let i = 0; i < 60; i++) {
    end.put(-1 - socket, pattern(i, 1332));
    if (i % 20 === 19) end.flush();
  }
  const all = await sink.got(60);
  const inOrder = all.every(({ bytes }, i) => Buffer.from(bytes).equals(pattern(i, 1332)));
  const [runs, errors] = [end.counter('segmentedRuns'), end.counter('serverErrors')];
  console.log(JSON.stringify({ before, received: all.length, inOrder, after: end.udp.segments(), runs, errors }));
  for (const one of [sink, end]) one.udp.dispose();
}

if (what === 'bind') {
  const end = new UdpEnd();
  try {
    end.bind(addresses[0]);
    console.log('bound');
  } catch (error) {
    console.log((error as { code?: string }).code);
  }
  end.udp.dispose();
}
