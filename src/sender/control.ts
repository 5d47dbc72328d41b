import { chmodSync, unlinkSync } from 'node:fs';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { codeOf, messageOf, TributaryError } from '../shared/errors.ts';

/** What the control protocol steers. Methods that name a link throw a TributaryError where they cannot. */
export interface ControlTarget {
  readonly addresses: string[];
  addLink(address: string): void;
  removeLink(address: string): void;
  block(address: string): void;
  unblock(address: string): void;
  setPriority(address: string, priority: number): void;
  /** Another local port, as behind a NAT. */
  rebind(address: string): void;
  /** Other conditions on an emulated link. */
  impair(address: string, spec: string): void;
  /** Anything JSON can hold, as `status`. */
  impairment(): unknown;
  status(): unknown;
}

const MAX_LINE_BYTES = 1_024;
const VERBS =
  'add ADDR, remove ADDR, block ADDR, unblock ADDR, priority ADDR N, rebind ADDR, impair ADDR SPEC, list, status, impairment';
const MAX_PRIORITY = 10;

const say = (answer: object): string => JSON.stringify(answer);

/** One command line → one line of JSON: `{"ok":true,…}` or `{"ok":false,"error":…}`. Never throws. */
export const executeControlLine = (line: string, target: ControlTarget): string => {
  const [verb = '', address, ...rest] = line.trim().split(/\s+/);
  const one = (run: (address: string) => void): string => {
    if (address === undefined || rest.length > 0) return say({ ok: false, error: `${verb} takes one address` });
    run(address);
    return say({ ok: true });
  };
  try {
    switch (verb) {
      case 'add':
        return one((text) => target.addLink(text));
      case 'remove':
        return one((text) => target.removeLink(text));
      case 'block':
        return one((text) => target.block(text));
      case 'unblock':
        return one((text) => target.unblock(text));
      case 'priority': {
        const priority = Number(rest[0]);
        if (address === undefined || rest.length !== 1 || !(priority >= 1 && priority <= MAX_PRIORITY)) {
          return say({ ok: false, error: `priority takes an address and a number from 1 to ${MAX_PRIORITY}` });
        }
        target.setPriority(address, priority);
        return say({ ok: true });
      }
      case 'rebind':
        return one((text) => target.rebind(text));
      case 'impair':
        if (address === undefined || rest.length === 0)
          return say({ ok: false, error: 'impair takes address and SPEC' });
        target.impair(address, rest.join(''));
        return say({ ok: true });
      case 'impairment':
        return say({ ok: true, impairment: target.impairment() });
      case 'list':
        return say({ ok: true, links: target.addresses });
      case 'status':
        return say({ ok: true, status: target.status() });
      default:
        return say({ ok: false, error: `unknown command "${verb.slice(0, 40)}"; known: ${VERBS}` });
    }
  } catch (error) {
    return say({ ok: false, error: error instanceof TributaryError ? error.line : messageOf(error) });
  }
};

const serve = (socket: Socket, target: ControlTarget): void => {
  let pending = '';
  socket.setEncoding('utf8');
  socket.on('error', () => socket.destroy());
  socket.on('data', (text: string) => {
    const lines = (pending + text).split('\n');
    pending = lines.pop()!;
    for (const line of lines) if (line.trim() !== '') socket.write(`${executeControlLine(line, target)}\n`);
    if (pending.length <= MAX_LINE_BYTES) return;
    socket.end(`${say({ ok: false, error: 'line too long' })}\n`);
  });
};

/** True where nobody listens on the socket file that is there. */
const isStale = (path: string): Promise<boolean> =>
  new Promise((resolve) => {
    const probe = connect(path);
    probe.once('connect', () => {
      probe.destroy();
      resolve(false);
    });
    probe.once('error', (error) => resolve(codeOf(error) === 'ECONNREFUSED'));
  });

const listen = (server: Server, path: string): Promise<void> =>
  new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(path, () => {
      server.removeListener('error', reject);
      resolve();
    });
  });

/**
 * Listens on `unix:PATH` (or PATH) for lines of text, one answer line each. Only the user who started it may connect.
 * @returns what closes it again
 * @throws TributaryError TRIBUTARY_BAD_ARGUMENT
 */
export const openControl = async (where: string, target: ControlTarget): Promise<{ close(): void }> => {
  const path = where.startsWith('unix:') ? where.slice('unix:'.length) : where;
  if (path === '') throw new TributaryError('TRIBUTARY_BAD_ARGUMENT', '--control has no path', 'write unix:PATH');
  const open = new Set<Socket>();
  const server = createServer((socket) => {
    open.add(socket);
    socket.once('close', () => open.delete(socket));
    serve(socket, target);
  });
  try {
    try {
      await listen(server, path);
    } catch (error) {
      if (codeOf(error) !== 'EADDRINUSE' || !(await isStale(path))) throw error;
      unlinkSync(path);
      await listen(server, path);
    }
    chmodSync(path, 0o600);
  } catch (error) {
    throw new TributaryError(
      'TRIBUTARY_BAD_ARGUMENT',
      `cannot listen on --control unix:${path} (${codeOf(error) ?? messageOf(error)})`,
      codeOf(error) === 'EADDRINUSE' ? 'another sender has it: choose another path' : 'choose a path that is writable',
      error,
    );
  }
  return {
    close: () => {
      server.close();
      for (const socket of open) socket.destroy();
    },
  };
};
