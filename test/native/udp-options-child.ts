// What udp-options.test.ts runs on a kernel that lacks options: a receiver on `::`, or on every address of its arguments, and a registration.
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { monotonicNow } from '../../src/shared/clock.ts';
import { silentLogger } from '../../src/shared/logger.ts';
import { createSrtlaShell, DEFAULT_SRTLA_SETTINGS } from '../../src/srtla/index.ts';
import { reg1, SENDER_ID } from '../srtla/packets.ts';
import { until } from '../support/processes.ts';

const [transport, ...addresses] = process.argv.slice(2);
const warnings: object[] = [];
const shell = await createSrtlaShell({
  addresses,
  ports: [0],
  settings: DEFAULT_SRTLA_SETTINGS,
  bondHost: '127.0.0.1',
  bondPort: () => 9,
  random: (bytes) => new Uint8Array(bytes).fill(1),
  clock: monotonicNow,
  logger: {
    ...silentLogger,
    warn: (text, fields) => warnings.push({ text, ...fields, port: undefined, ports: undefined }),
  },
  onEvent: () => {},
  transport: transport as 'auto',
}).catch((error: Error & { code: string }) => error);

if (shell instanceof Error) console.log(JSON.stringify({ code: (shell as Error & { code: string }).code }));
else {
  const socket = createSocket('udp4');
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  let answer: string | undefined;
  socket.on('message', (bytes) => {
    answer = bytes.toString('hex').slice(0, 4);
  });
  const again = setInterval(() => socket.send(reg1(SENDER_ID), shell.ports[0]!, '127.0.0.1'), 50);
  await until('an answer', () => answer);
  clearInterval(again);
  socket.close();
  await shell.close();
  console.log(JSON.stringify({ transport: shell.transport, answer, warnings }));
}
