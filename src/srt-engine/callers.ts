import { SRT_REJECT, type SrtAccess, type SrtEvent } from '../shared/addon.ts';
import type { Millis } from '../shared/clock.ts';
import { sessionKeysOf } from '../srt/access-keys.ts';
import { agreedLatencies, REJECT } from '../srt/handshake.ts';
import type { Asking } from '../srt/listener.ts';
import type { SrtServer } from '../srt/server.ts';
import type { CipherCrypto, SessionCipher } from '../srt/session-cipher.ts';
import type { Admission } from './admission.ts';
import type { Listening } from './listening.ts';

/** What libsrt asks for where nobody says anything. */
const DEFAULT_LATENCY_MS: Millis = 120;
/** Packets that come late need not be asked for: the tolerance follows what is seen, up to here. */
const LEAST_MOST_REORDER_PACKETS = 32;
const SLOT_BYTES = 1_500;
const LEAST_PACKETS = 512;

export interface CallersOptions {
  readonly server: SrtServer;
  readonly admission: Admission;
  readonly crypto: CipherCrypto;
  /** Publishers' packets go out at arrival instead of their play time. */
  readonly releaseAtArrival: boolean;
  /** Whoever hands bonded packets in asks for the missing ones. */
  readonly bondLossReports: 'own' | 'upstream';
  readonly clock: () => Millis;
  readonly tell: (event: SrtEvent) => void;
  /** A caller that has come in only to be closed, once it has noticed the one. */
  readonly closeSoon: (session: number) => void;
  readonly entered: (socket: number, listening: Listening, asking: Asking, latencyMs: Millis) => void;
}

/** Where a caller is. */
export interface Endpoint {
  readonly address: string;
  readonly port: number;
}

interface Terms {
  readonly id: string;
  readonly access: SrtAccess;
  readonly cipher: SessionCipher | undefined;
  readonly latencyMs: Millis;
}

const powerOfTwo = (least: number): number => 2 ** Math.ceil(Math.log2(Math.max(LEAST_PACKETS, least)));

/** Judges who calls: lets them in, turns them away in the handshake, or lets them in to close them. */
export class Callers {
  readonly #options: CallersOptions;

  constructor(options: CallersOptions) {
    this.#options = options;
  }

  judge(asking: Asking, listening: Listening, from: Endpoint, now: Millis): void {
    const { admission, crypto, server } = this.#options;
    const { request } = asking;
    const { role, latencyFloorMs } = listening.options;
    const streamId = request.streamId ?? '';
    const verdict = admission.request(role, streamId, now);
    if ('code' in verdict) {
      this.#refuse(asking, listening, from, streamId, verdict.code, now);
      return;
    }
    const { id, access } = verdict;
    // Before it is tried: that costs time.
    if (access.passphrase !== undefined && !listening.mayTry(from.address, streamId, now)) {
      this.#reject(asking, listening, from, streamId, SRT_REJECT.overload);
      return;
    }
    const keys = sessionKeysOf(request, access.passphrase, crypto);
    if ('reject' in keys) {
      const code = access.passphrase === undefined ? REJECT.unsecure : REJECT.badSecret;
      server.reject(asking, keys.reject);
      this.#tellRefused(listening, from, id, code, 'rejected');
      return;
    }
    const floorMs = access.latencyMs ?? latencyFloorMs;
    const agreed = agreedLatencies(request, {
      receiveLatencyMs: (role === 'publish' && floorMs) || DEFAULT_LATENCY_MS,
      sendLatencyMs: role === 'play' ? floorMs : 0,
    });
    const latencyMs = role === 'publish' ? agreed.receiveLatencyMs : agreed.sendLatencyMs;
    if (access.latencyCeilingMs !== undefined && latencyMs > access.latencyCeilingMs) {
      this.#refuse(asking, listening, from, id, SRT_REJECT.latency, now);
      return;
    }
    this.#enter(asking, listening, from, { id, access, cipher: keys.cipher, latencyMs }, now);
  }

  #enter(asking: Asking, listening: Listening, from: Endpoint, { id, access, ...terms }: Terms, now: Millis): void {
    const { admission, tell, entered } = this.#options;
    const socket = this.#admit(asking, listening, { id, access, ...terms });
    if (socket === undefined) return;
    const { role } = listening.options;
    const replaces = admission.enter(role, id, socket, now);
    entered(socket, listening, asking, terms.latencyMs);
    tell({
      ...{ type: 'accepted', socket, listener: listening.number, streamId: id, replaces },
      ...{ address: from.address, port: from.port, latencyMs: terms.latencyMs },
      encrypted: terms.cipher !== undefined,
    });
  }

  #admit(asking: Asking, { options }: Listening, { access, cipher, latencyMs }: Terms): number | undefined {
    const { server, releaseAtArrival, bondLossReports, clock } = this.#options;
    // Keys take their time, and the caller counts from the moment of the answer.
    const now = clock();
    const session = { latencyMs, cipher, idleMs: options.peerIdleTimeoutMs };
    if (options.role === 'play') {
      const bufferPackets = Math.ceil((access.bufferBytes ?? options.bufferBytes) / SLOT_BYTES);
      return server.admitPlayer(asking, { ...session, bufferPackets }, now);
    }
    return server.admitPublisher(
      asking,
      {
        ...session,
        releaseAtArrival,
        lossReports: options.isInside === true ? bondLossReports : 'own',
        mostReorderPackets: Math.max(LEAST_MOST_REORDER_PACKETS, options.reorderTolerancePackets),
        windowPackets: powerOfTwo(access.flowWindowPackets ?? options.flowWindowPackets),
      },
      now,
    );
  }

  #refuse(asking: Asking, listening: Listening, from: Endpoint, streamId: string, code: number, now: Millis): void {
    const { server, crypto } = this.#options;
    if (listening.options.refuse === 'reject' || !listening.mayClose(from.address, streamId, now)) {
      this.#reject(asking, listening, from, streamId, code);
      return;
    }
    // Whoever encrypts cannot be let in without a secret.
    const keys = sessionKeysOf(asking.request, undefined, crypto);
    if ('reject' in keys) {
      server.reject(asking, keys.reject);
      this.#tellRefused(listening, from, streamId, code, 'rejected');
      return;
    }
    const session = server.admitPlayer(asking, { latencyMs: DEFAULT_LATENCY_MS, cipher: undefined }, now);
    if (session !== undefined) this.#options.closeSoon(session);
    this.#tellRefused(listening, from, streamId, code, 'closed');
  }

  #reject(asking: Asking, listening: Listening, from: Endpoint, streamId: string, code: number): void {
    this.#options.server.reject(asking, code);
    this.#tellRefused(listening, from, streamId, code, 'rejected');
  }

  #tellRefused(listening: Listening, from: Endpoint, streamId: string, code: number, how: 'closed' | 'rejected'): void {
    const { address, port } = from;
    this.#options.tell({ type: 'refused', listener: listening.number, streamId, address, port, code, how });
  }
}
