import { createServer } from 'node:net';

/** A TCP port of loopback that was free a moment ago, for programs that cannot pick one and say which. */
export const freePort = async (): Promise<number> => {
  const server = createServer();
  await new Promise<void>((done, fail) => {
    server.once('error', fail);
    server.listen(0, '127.0.0.1', done);
  });
  const { port } = server.address() as { port: number };
  await new Promise((done) => server.close(done));
  return port;
};
