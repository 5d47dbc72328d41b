import { randomBytes, randomInt } from 'node:crypto';
import { createSocket, type Socket } from 'node:dgram';
import { request } from 'node:http';
import { connect } from 'node:net';
import { WebSocket } from 'ws';
import { loadAddon } from '../src/shared/addon.ts';

/** What is attacked, all on 127.0.0.1. */
export interface AttackTarget {
  readonly srtla: number;
  readonly publish: number;
  readonly play: number;
  readonly stats: number;
  readonly links: number;
  /** An id that opens statistics. */
  readonly player: string;
}

const HOST = '127.0.0.1';
const BATCH = 64;
const OPEN_CALLS = 4;
const SOURCES = 500;
const LORIS_CONNECTIONS = 600;
const WEBSOCKETS = 500;
const BODY_BYTES = 100 * 2 ** 20;

let count = 0;

const socketOn = (address = HOST): Promise<Socket> =>
  new Promise((done) => {
    const socket = createSocket('udp4');
    socket.on('error', () => {});
    socket.bind(0, address, () => done(socket));
  });

/** As fast as this process can. */
const flood = async (sockets: readonly Socket[], ports: readonly number[], make: () => Uint8Array): Promise<void> => {
  for (let n = 0; ; n++) {
    for (let i = 0; i < BATCH; i++, count++)
      sockets[(n * BATCH + i) % sockets.length]!.send(make(), ports[i % ports.length]!, HOST);
    await new Promise((done) => setImmediate(done));
  }
};

const srtlaPacket = (type: number): Uint8Array => Buffer.concat([Buffer.of(type >> 8, type & 255), randomBytes(256)]);

/** SRT handshake, version 4 or 5, with a cookie that nobody has given. */
const handshake = (): Uint8Array => {
  const bytes = Buffer.alloc(64);
  bytes.writeUInt32BE(0x80000000, 0);
  const isConclusion = randomInt(2) === 1;
  bytes.writeUInt32BE(isConclusion ? 5 : 4, 16);
  bytes.writeUInt32BE(isConclusion ? 5 : 2, 20);
  bytes.writeUInt32BE(randomInt(2 ** 31), 24);
  bytes.writeUInt32BE(1_500, 28);
  bytes.writeUInt32BE(8_192, 32);
  bytes.writeUInt32BE(isConclusion ? 0xffffffff : 1, 36);
  bytes.writeUInt32BE(randomInt(1, 2 ** 31), 40);
  bytes.writeUInt32BE(isConclusion ? randomInt(2 ** 31) : 0, 44);
  return bytes;
};

const guess = async ({ publish, play }: AttackTarget): Promise<void> => {
  const engine = loadAddon().createSrtEngine({ tickMs: 5, slots: 64, takeoverSilenceMs: 1_000, onWake: () => {} });
  let open = 0;
  for (;;) {
    for (; open < OPEN_CALLS; open++)
      engine.connect({
        ...{ host: HOST, port: count % 2 === 0 ? publish : play, streamId: `live_${randomBytes(8).toString('hex')}` },
        ...{ latencyMs: 200, connectTimeoutMs: 3_000, reads: false },
      });
    for (const event of engine.takeEvents()) {
      if (event.type === 'connected') engine.close(event.socket);
      if (event.type !== 'ended' && event.type !== 'connect-failed') continue;
      open--;
      count++;
    }
    engine.rearm();
    await new Promise((done) => setTimeout(done, 2));
  }
};

/** A listener that turns everybody away, in this process. */
const ownListener = (): number => {
  const engine = loadAddon().createSrtEngine({ tickMs: 5, slots: 64, takeoverSilenceMs: 1_000, onWake: () => {} });
  const listener = engine.listen({
    ...{ host: HOST, port: 0, role: 'publish', refuse: 'reject', closesPerMinute: 0, latencyFloorMs: 0, backlog: 100 },
    ...{ reorderTolerancePackets: 0, peerIdleTimeoutMs: 5_000, bufferBytes: 2 ** 25, flowWindowPackets: 25_600 },
    udpBufferBytes: 2 ** 20,
  });
  return engine.listenerPort(listener);
};

const slowLoris = async ({ stats, links }: AttackTarget): Promise<void> => {
  const begin = (port: number): void => {
    count++;
    const socket = connect(port, HOST);
    socket.on('error', () => {});
    socket.write('GET /stats/x HTTP/1.1\r\nHost: x\r\nX-A: ');
    const drip = setInterval(() => socket.write('a'), 500);
    socket.on('close', () => {
      clearInterval(drip);
      setTimeout(begin, 100, port);
    });
  };
  for (let n = 0; n < LORIS_CONNECTIONS; n++) begin(n % 2 === 0 ? stats : links);
};

const webSockets = async ({ stats, player }: AttackTarget): Promise<void> => {
  const begin = (): void => {
    count++;
    const socket = new WebSocket(`ws://${HOST}:${stats}/ws/stats/${player}`);
    socket.on('error', () => {});
    socket.on('close', () => setTimeout(begin, 200));
  };
  for (let n = 0; n < WEBSOCKETS; n++) begin();
};

const bodies = async ({ stats }: AttackTarget): Promise<void> => {
  const piece = Buffer.alloc(64 * 1024, 0x20);
  const send = (): void => {
    count++;
    const asked = request({
      host: HOST,
      port: stats,
      method: 'POST',
      path: '/api/stream-ids',
      headers: { 'content-length': BODY_BYTES },
    });
    let left = BODY_BYTES / piece.length;
    const fill = (): void => {
      while (left > 0 && !asked.destroyed && left-- > 0 && asked.write(piece));
      if (left === 0) asked.end();
    };
    asked
      .on('drain', fill)
      .on('error', () => {})
      .on('response', () => asked.destroy());
    asked.on('close', () => setTimeout(send, 10));
    fill();
  };
  for (let n = 0; n < 8; n++) send();
};

const statsStorm = async ({ stats, links, player }: AttackTarget): Promise<void> => {
  const ask = (): void => {
    count++;
    const [port, path] = count % 2 === 0 ? [stats, `/stats/${player}`] : [links, '/stats'];
    request({ host: HOST, port, path }, (answer) => answer.resume().on('end', ask))
      .on('error', () => setTimeout(ask, 10))
      .end();
  };
  for (let n = 0; n < 32; n++) ask();
};

const manySources = (): Promise<Socket[]> =>
  Promise.all(Array.from({ length: SOURCES }, (_, n) => socketOn(`127.7.${n >> 8}.${n & 255 || 1}`)));

const GUESSES = 'guessed stream ids';
const GUESSES_ELSEWHERE = 'control: guesses elsewhere';
/** Attacks with a control, by name. */
export const CONTROLS: Readonly<Record<string, string>> = { [GUESSES]: GUESSES_ELSEWHERE };

export const ATTACKS: Readonly<Record<string, (target: AttackTarget) => Promise<void>>> = {
  'REG2 of unknown groups': async ({ srtla }) => flood([await socketOn()], [srtla], () => srtlaPacket(0x9201)),
  REG_NGP: async ({ srtla }) => flood([await socketOn()], [srtla], () => srtlaPacket(0x9211).subarray(0, 2)),
  'REG1 from 500 addresses of 127/8': async ({ srtla }) =>
    flood(await manySources(), [srtla], () => srtlaPacket(0x9200)),
  'garbage on every UDP port': async ({ srtla, publish, play }) => {
    const noise = randomBytes(4_096);
    flood([await socketOn()], [srtla, publish, play], () => noise.subarray(randomInt(2_000), 2_000 + randomInt(1_400)));
  },
  'SRT handshakes on both SRT ports': async ({ publish, play }) =>
    flood(await manySources(), [publish, play], handshake),
  [GUESSES_ELSEWHERE]: async (target) => {
    const port = ownListener();
    await guess({ ...target, publish: port, play: port });
  },
  [GUESSES]: guess,
  'datagrams of 9,000 bytes': async ({ srtla, publish, play }) => {
    const large = randomBytes(9_000);
    return flood([await socketOn()], [srtla, publish, play], () => large);
  },
  'slow-loris, 600 connections': slowLoris,
  '500 WebSocket clients': webSockets,
  'bodies of 100 MB': bodies,
  'statistics without a pause': statsStorm,
};

if (process.argv[2] !== undefined && import.meta.main) {
  process.on('message', () => process.send!({ count }));
  await ATTACKS[process.argv[2]]!(JSON.parse(process.argv[3]!) as AttackTarget);
}
