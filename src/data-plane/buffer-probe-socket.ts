import { createSocket } from 'node:dgram';

/** What the kernel grants to a socket that asks for so much, as libsrt's do: they cannot be asked. Undefined where no socket is to be had. */
export const grantedBytes = (askedBytes: number): Promise<number | undefined> =>
  new Promise((done) => {
    const socket = createSocket('udp4');
    socket.once('error', () => {
      socket.close();
      done(undefined);
    });
    socket.bind(0, '127.0.0.1', () => {
      socket.setRecvBufferSize(askedBytes);
      // Linux reports twice what it granted, its own book-keeping included.
      done(socket.getRecvBufferSize() / 2);
      socket.close();
    });
  });
