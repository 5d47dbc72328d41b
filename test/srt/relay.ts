import { randomBytes } from 'node:crypto';
import { sessionKeysOf } from '../../src/srt/access-keys.ts';
import { Cookies } from '../../src/srt/cookie.ts';
import { createCookieMac, createSrtCrypto } from '../../src/srt/crypto-shell.ts';
import { agreedLatencies } from '../../src/srt/handshake.ts';
import type { Asking } from '../../src/srt/listener.ts';
import { PacketStore } from '../../src/srt/packet-store.ts';
import { type EndReason, type ServerOutbox, SrtServer } from '../../src/srt/server.ts';
import { DgramPort } from './udp-port.ts';

const TICK_MS = 5;

export interface RelayOptions {
  readonly latencyMs?: number;
  readonly shared?: boolean;
  /** By stream id: what is due there. */
  readonly passphrases?: Readonly<Record<string, string>>;
}

/** A relay of one `SrtServer` on a UDP socket: `publish…` is what `play…` of the same rest plays. */
export class ServerRelay {
  readonly server: SrtServer;
  readonly store = new PacketStore(65_536);
  readonly ended: { session: number; why: EndReason }[] = [];
  /** Sessions by stream id. */
  readonly publishers = new Map<string, number>();
  readonly players = new Map<number, string>();
  readonly #udp: DgramPort;
  readonly #options: RelayOptions;
  readonly #crypto = createSrtCrypto();
  readonly #timer: NodeJS.Timeout;

  private constructor(udp: DgramPort, options: RelayOptions) {
    this.#udp = udp;
    this.#options = options;
    const out: ServerOutbox = {
      send: (peer, header, payload, offset, length) => udp.send(peer, header, payload, offset, length),
      asks: (asking) => this.#judge(asking),
      deliver: (session, slot) => this.#deliver(session, slot),
      ended: (session, why) => {
        this.ended.push({ session, why });
        this.players.delete(session);
        for (const [name, id] of this.publishers) if (id === session) this.publishers.delete(name);
      },
    };
    const cookies = new Cookies(createCookieMac(randomBytes));
    this.server = new SrtServer({ cookies, store: this.store, random: () => randomBytes(4).readInt32BE() }, out);
    udp.onPacket = (packet, peer) => {
      this.server.receive(packet, peer, new Uint8Array([peer >> 8, peer]), performance.now());
    };
    this.#timer = setInterval(() => this.server.tick(performance.now()), TICK_MS);
  }

  static async open(options: RelayOptions = {}): Promise<ServerRelay> {
    return new ServerRelay(await DgramPort.open(), options);
  }

  get port(): number {
    return this.#udp.port;
  }

  close(): void {
    clearInterval(this.#timer);
    this.#udp.close();
  }

  #judge(asking: Asking): void {
    const { latencyMs = 20, shared = false, passphrases = {} } = this.#options;
    const now = performance.now();
    const id = asking.request.streamId ?? '';
    const keys = sessionKeysOf(asking.request, passphrases[id], this.#crypto);
    if ('reject' in keys) {
      this.server.reject(asking, keys.reject);
      return;
    }
    const { receiveLatencyMs, sendLatencyMs } = agreedLatencies(asking.request, {
      ...{ receiveLatencyMs: latencyMs, sendLatencyMs: latencyMs },
    });
    const { cipher } = keys;
    if (id.startsWith('publish')) {
      const terms = {
        releaseAtArrival: shared,
        lossReports: 'own' as const,
        mostReorderPackets: 32,
        windowPackets: 8_192,
      };
      const session = this.server.admitPublisher(asking, { ...terms, cipher, latencyMs: receiveLatencyMs }, now);
      if (session !== undefined) this.publishers.set(id, session);
    } else if (id.startsWith('play')) {
      const session = this.server.admitPlayer(asking, { cipher, latencyMs: sendLatencyMs }, now);
      if (session !== undefined) this.players.set(session, id);
    } else this.server.reject(asking, 1_404);
  }

  #deliver(session: number, slot: number): void {
    const now = performance.now();
    const name = [...this.publishers].find(([, id]) => id === session)?.[0] ?? '';
    for (const [player, id] of this.players)
      if (id.slice('play'.length) === name.slice('publish'.length)) this.server.offer(player, slot, now);
    this.store.release(slot);
  }
}
