import { sessionKeysOf } from '../../src/srt/access-keys.ts';
import { Cookies } from '../../src/srt/cookie.ts';
import { createSrtCrypto } from '../../src/srt/crypto-shell.ts';
import { PacketStore } from '../../src/srt/packet-store.ts';
import { SrtServer } from '../../src/srt/server.ts';
import { SRT_TYPE } from '../../src/srtla/constants.ts';
import { control, data } from '../srt/packets.ts';
import { asDatagrams, datagrams } from './datagrams.ts';
import type { FuzzTarget } from './fuzz-target.ts';

const must = (holds: boolean, what: string): void => {
  if (!holds) throw new Error(`does not hold: ${what}`);
};
const COOKIE = 0x01010101;
const SESSION = 77;
const PASSPHRASE = 'correcthorse12';
const STORE_PACKETS = 1_024;
const crypto = createSrtCrypto();

const packet = (text: string, destination = 0): Uint8Array => {
  const bytes = Buffer.from(text, 'hex');
  if (destination !== 0) bytes.writeInt32BE(destination, 12);
  else if (bytes.readUInt32BE(36) !== 1) bytes.writeInt32BE(COOKIE, 44);
  return new Uint8Array(bytes);
};
const to = (session: number, bytes: Uint8Array): Uint8Array => {
  const copy = bytes.slice();
  new DataView(copy.buffer).setInt32(12, session);
  return copy;
};
/** As libsrt sends them (spec: srt.md §8). */
const INDUCTION = packet(
  '8000000000000000000000960000000000000004000000022ac94b86000005dc000020000000000134f0a5eb000000000100007f000000000000000000000000',
);
const CLEAR = packet(
  '8000000000000000000001ef000000000000000500000005187af4d4000005dc00002000ffffffff20c1e43118fe9a270100007f0000000000000000000000000001000300010501000000bf01f401f4000500056c6275702f6873696576696c6565662f00003164',
);
const KEYED = packet(
  '8000000000000000000005300000000000000005000400075b2ac77d000005dc00002000ffffffff0fa534632e08140d0100007f0000000000000000000000000001000300010501000000bf00c800c80005000264636261000000650003001212202901000000000200020000000408e4878719225c4a910ff1dca0d226d011cc5717c59c2c8945204ca3f0d6b9d7342de92aefc03682c3100c0e6d143a4a5d2a8ec51a9155a8f7',
);
const REKEY = packet(
  'ffff000300000000000f36f2109aec2b1220290300000000020002000000040461138813feacfb1f1eb629c3addae8561b51db10eb5aec4221806345a68421af89222b9d8f0fe5d341eb6953fff7137a3e180412ff24017f',
  SESSION,
);

export const SRT_SERVER_TARGET: FuzzTarget = {
  name: 'srt-server',
  seeds: [
    asDatagrams(
      INDUCTION,
      CLEAR,
      CLEAR,
      to(SESSION, data(0x187af4d4)),
      to(SESSION, data(0x187af4d6)),
      to(SESSION, control(SRT_TYPE.shutdown, 0)),
    ),
    asDatagrams(
      INDUCTION,
      KEYED,
      to(SESSION, data(0x5b2ac77d)),
      REKEY,
      to(SESSION, control(SRT_TYPE.ack, 1, 0x5b2ac77d, 0, 0, 0)),
    ),
    asDatagrams(
      KEYED,
      to(SESSION, control(SRT_TYPE.dropRequest, 0, 0, 0x7fffffff)),
      to(SESSION, control(SRT_TYPE.nak, 0, 0x80000000, 0x7fffffff)),
    ),
  ],
  maxBytes: 8_000,
  run: (input) => {
    let [ids, replies, delivered, ended] = [SESSION, 0, 0, 0];
    const store = new PacketStore(STORE_PACKETS);
    const isPlayer = (input[0] ?? 0) % 3 === 0;
    const server: SrtServer = new SrtServer(
      { cookies: new Cookies(() => Uint8Array.of(1, 1, 1, 1)), store, random: () => ids++ },
      {
        send: (_peer, header, _payload, _offset, length) => {
          must(header.length + length <= 1_472, 'nothing is longer than a datagram');
          replies++;
        },
        asks: (asking) => {
          const keys = sessionKeysOf(asking.request, asking.request.keyMaterial ? PASSPHRASE : undefined, crypto);
          if ('reject' in keys) server.reject(asking, keys.reject);
          else if (isPlayer) server.admitPlayer(asking, { latencyMs: 200, cipher: keys.cipher }, 1_000);
          else
            server.admitPublisher(
              asking,
              {
                latencyMs: 200,
                cipher: keys.cipher,
                releaseAtArrival: true,
                lossReports: 'own',
                mostReorderPackets: 8,
                windowPackets: 512,
              },
              1_000,
            );
        },
        deliver: (_session, slot) => {
          delivered++;
          store.release(slot);
        },
        ended: () => ended++,
      },
    );
    const all = datagrams(input);
    let now = 1_000;
    for (const datagram of all) {
      server.receive(datagram, 1, Uint8Array.of(1), now);
      now += 10;
      server.tick(now);
    }
    must(server.sessions <= all.length && delivered <= all.length, 'nothing is made up');
    for (let i = 0; i < 700; i++) {
      now += 10;
      server.tick(now);
    }
    must(server.sessions === 0, 'nobody stays who says nothing');
    must(store.usedCount === 0, 'nothing is kept');
    must(replies <= 200 * (all.length + 10), 'little is answered');
  },
};
