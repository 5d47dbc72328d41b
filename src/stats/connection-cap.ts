import type { Server, Socket } from 'node:net';
import { normaliseAddress } from '../shared/address.ts';
import type { Networks } from './callers.ts';
import { sourceOf } from './request-budget.ts';

/** Connections of one source at once; more are closed. A proxy stands for many. */
export const MAX_CONNECTIONS_PER_SOURCE = 128;

/** Keeps one source from taking all the connections of a port. */
export const capConnections = (server: Server, proxies: Networks, most = MAX_CONNECTIONS_PER_SOURCE): void => {
  const open = new Map<string, number>();
  server.on('connection', (socket: Socket) => {
    const address = normaliseAddress(socket.remoteAddress ?? '');
    if (proxies.has(address)) return;
    const source = sourceOf(address);
    const count = (open.get(source) ?? 0) + 1;
    open.set(source, count);
    socket.once('close', () => {
      const left = (open.get(source) ?? 1) - 1;
      if (left > 0) open.set(source, left);
      else open.delete(source);
    });
    if (count > most) socket.destroy();
  });
};
