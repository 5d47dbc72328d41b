import { createSocket, type Socket } from 'node:dgram';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { sessionKeysOf } from '../../src/srt/access-keys.ts';
import { Cookies } from '../../src/srt/cookie.ts';
import { createCookieMac, createSrtCrypto } from '../../src/srt/crypto-shell.ts';
import { agreedLatencies, HANDSHAKE_BYTES, HANDSHAKE_TYPE, REJECT, readHandshake } from '../../src/srt/handshake.ts';
import { type Asking, DEFAULT_LISTENER_LIMITS, type ListenerLimits, SrtListener } from '../../src/srt/listener.ts';
import { KEY, keyOf } from '../../src/srt/packet.ts';
import type { SessionCipher } from '../../src/srt/session-cipher.ts';
import { Peer, until } from '../native/peer.ts';

const TERMS = { socketId: 0x1234567, receiveLatencyMs: 200, sendLatencyMs: 200, flowWindowPackets: 8_192 };
const ADDRESS = new Uint8Array([127, 0, 0, 1, 0x10, 0x20]);
const induction = (): Uint8Array => {
  const packet = new Uint8Array(
    Buffer.from(
      '8000000000000000000000960000000000000004000000022ac94b86000005dc000020000000000134f0a5eb000000000100007f000000000000000000000000',
      'hex',
    ),
  );
  return packet;
};
const conclusion = (cookie: number, sequence = 0x2ac94b86): Uint8Array => {
  const packet = new Uint8Array(
    Buffer.from(
      '8000000000000000000010de0000000000000005000000012ac94b86000005dc00002000ffffffff34f0a5eb6af0da140100007f0000000000000000000000000001000300010501000000bf00780000',
      'hex',
    ),
  );
  const view = new DataView(packet.buffer);
  view.setInt32(44, cookie);
  view.setUint32(24, sequence);
  return packet;
};

describe('a listener', () => {
  let now: number;
  let replies: { peer: number; packet: Uint8Array }[];
  let asked: Asking[];
  let listener: SrtListener;
  const make = (limits: Partial<ListenerLimits> = {}): void => {
    const out = {
      reply: (peer: number, packet: Uint8Array) => void replies.push({ peer, packet }),
      asks: (asking: Asking) => void asked.push(asking),
    };
    const cookies = new Cookies(createCookieMac((length) => new Uint8Array(length).fill(3)));
    listener = new SrtListener(cookies, out, { ...DEFAULT_LISTENER_LIMITS, ...limits });
  };
  beforeEach(() => {
    [now, replies, asked] = [1_000, [], []];
    make();
  });
  const receive = (packet: Uint8Array, peer = 1, address = ADDRESS): void =>
    listener.receive(packet, peer, address, now);
  const cookie = (peer = 1, address = ADDRESS): number => {
    receive(induction(), peer, address);
    return readHandshake(replies.pop()!.packet)!.cookie;
  };
  const types = (): number[] => replies.map(({ packet }) => readHandshake(packet)!.type);

  it('keeps nothing of whoever has not brought a cookie back, and does not answer a wrong one', () => {
    const good = cookie();
    for (let port = 0; port < 10_000; port++)
      receive(induction(), port, new Uint8Array([127, 0, 0, 1, port >> 8, port]));
    expect(new Set(replies.map(({ packet }) => packet.length))).toEqual(new Set([HANDSHAKE_BYTES]));
    replies = [];
    receive(conclusion(good + 1));
    receive(conclusion(good), 2, new Uint8Array([127, 0, 0, 1, 0x10, 0x21]));
    receive(conclusion(0));
    expect({ replies, asked, waiting: listener.waiting }).toEqual({ replies: [], asked: [], waiting: 0 });
  });

  it('asks once for a caller, however often it repeats itself, and answers when it is told to', () => {
    const good = cookie();
    for (let i = 0; i < 5; i++) receive(conclusion(good));
    expect(asked).toHaveLength(1);
    expect(replies).toEqual([]);
    now += 900;
    expect(listener.accept(asked[0]!, TERMS, now)).toBe(true);
    expect(types()).toEqual([HANDSHAKE_TYPE.conclusion]);
    expect(listener.accept(asked[0]!, TERMS, now)).toBe(false);
    // A repeat gets the same answer, with the time that has passed in it.
    now += 40;
    receive(conclusion(good));
    expect(asked).toHaveLength(1);
    expect(new DataView(replies[1]!.packet.buffer).getUint32(8)).toBe(40_000);
    expect(readHandshake(replies[1]!.packet)!.socketId).toBe(TERMS.socketId);
  });

  it('answers again by itself until something was heard: some never ask twice', () => {
    receive(conclusion(cookie()));
    listener.accept(asked[0]!, TERMS, now);
    for (let i = 0; i < 30; i++) {
      now += 50;
      listener.tick(now);
    }
    expect(replies).toHaveLength(5);
    receive(conclusion(cookie(), 7));
    replies = [];
    listener.accept(asked[1]!, { ...TERMS, socketId: 9 }, now);
    listener.heard(asked[1]!);
    now += 1_000;
    listener.tick(now);
    expect(replies).toHaveLength(1);
  });

  it('takes another session of the same caller for another one', () => {
    const good = cookie();
    receive(conclusion(good, 5));
    listener.accept(asked[0]!, TERMS, now);
    receive(conclusion(good, 6));
    expect(asked.map(({ request }) => request.initialSequence)).toEqual([5, 6]);
    listener.forget(asked[0]!, now);
    receive(conclusion(good, 7));
    expect(asked).toHaveLength(3);
  });

  it('takes what comes once more of a session that is over for a copy, for a while', () => {
    const good = cookie();
    receive(conclusion(good, 5));
    listener.accept(asked[0]!, TERMS, now);
    listener.forget(asked[0]!, now);
    replies = [];
    now += 2_900;
    // By another number: those of callers that nobody keeps are given to others.
    receive(conclusion(good, 5), 8);
    expect([replies.length, asked.length]).toEqual([0, 1]);
    // An encoder that begins with the same numbers each time.
    now += 200;
    receive(conclusion(good, 5));
    expect(asked).toHaveLength(2);
  });

  it('has bounds for who waits, for how long, and for answers', () => {
    make({ mostWaiting: 2, waitMs: 3_000 });
    for (let peer = 1; peer <= 3; peer++) {
      const address = new Uint8Array([127, 0, 0, peer, 1, 1]);
      receive(conclusion(cookie(peer, address)), peer, address);
    }
    expect(asked).toHaveLength(2);
    now += 3_001;
    listener.tick(now);
    expect(listener.waiting).toBe(0);
    expect(listener.reject(asked[0]!, 1_404)).toBe(false);
    make({ answersPerSecond: 10 });
    replies = [];
    for (let i = 0; i < 50; i++) receive(induction());
    expect(replies).toHaveLength(10);
    now += 1_000;
    receive(induction());
    expect(replies).toHaveLength(11);
  });

  it('turns away with the code that it is told', () => {
    receive(conclusion(cookie()));
    expect(listener.reject(asked[0]!, 1_404)).toBe(true);
    expect(types()).toEqual([2_404]);
    // A copy that was under way is told the same, whatever is true by now.
    receive(conclusion(cookie()), 8);
    expect([types(), asked.length]).toEqual([[2_404, 2_404], 1]);
    now += 3_000;
    receive(conclusion(cookie()));
    expect(asked).toHaveLength(2);
  });

  it('remembers so many of those that it has turned away, the newest', () => {
    const good = cookie();
    for (let sequence = 0; sequence < 2_000; sequence++) {
      receive(conclusion(good, sequence));
      listener.reject(asked.at(-1)!, 1_404);
    }
    receive(conclusion(good, 1_999));
    expect(asked).toHaveLength(2_000);
    receive(conclusion(good, 100));
    expect(asked).toHaveLength(2_001);
  });
});

/** A listener on a socket, for real callers. */
class Door {
  readonly socket: Socket;
  readonly sessions: { asking: Asking; cipher: SessionCipher | undefined; payloads: Uint8Array[]; clear: number }[] =
    [];
  passphrase: string | undefined;
  /** Undefined: everybody may come in. */
  refuse: number | undefined;
  /** Ids that callers had. */
  readonly streamIds: (string | undefined)[] = [];
  /** Answers so late. */
  answerAfterMs = 0;
  readonly #crypto = createSrtCrypto();
  readonly #peers: string[] = [];
  readonly #listener: SrtListener;
  readonly #timer: NodeJS.Timeout;

  private constructor(socket: Socket) {
    this.socket = socket;
    const cookies = new Cookies(createCookieMac((length) => new Uint8Array(length).fill(9)));
    this.#listener = new SrtListener(cookies, {
      reply: (peer, packet) => {
        const [host, port] = this.#peers[peer]!.split(' ');
        socket.send(packet, Number(port), host);
      },
      asks: (asking) => void setTimeout(() => this.#judge(asking), this.answerAfterMs),
    });
    socket.on('message', (packet, { address, port }) => {
      const name = `${address} ${port}`;
      let peer = this.#peers.indexOf(name);
      if (peer < 0) peer = this.#peers.push(name) - 1;
      const destination = packet.readInt32BE(12);
      if (destination === 0) this.#listener.receive(packet, peer, Buffer.from(name), performance.now());
      else this.#data(packet, destination);
    });
    this.#timer = setInterval(() => this.#listener.tick(performance.now()), 50);
  }

  static async open(): Promise<Door> {
    const socket = createSocket('udp4');
    await new Promise<void>((done) => socket.bind(0, '127.0.0.1', done));
    return new Door(socket);
  }

  get port(): number {
    return this.socket.address().port;
  }

  close(): void {
    clearInterval(this.#timer);
    this.socket.close();
  }

  #judge(asking: Asking): void {
    this.streamIds.push(asking.request.streamId);
    if (this.refuse !== undefined) return void this.#listener.reject(asking, this.refuse);
    const keys = sessionKeysOf(asking.request, this.passphrase, this.#crypto);
    if ('reject' in keys) return void this.#listener.reject(asking, keys.reject);
    this.sessions.push({ asking, cipher: keys.cipher, payloads: [], clear: 0 });
    const latencies = agreedLatencies(asking.request, { receiveLatencyMs: 300, sendLatencyMs: 20 });
    const terms = { ...latencies, socketId: this.sessions.length, flowWindowPackets: 8_192 };
    this.#listener.accept(asking, terms, performance.now());
  }

  #data(packet: Buffer, destination: number): void {
    const session = this.sessions[destination - 1];
    if (!session || packet[0]! >= 0x80) return;
    this.#listener.heard(session.asking);
    const payload = new Uint8Array(packet.subarray(16));
    const key = keyOf(packet);
    if (key === KEY.clear) session.clear++;
    else session.cipher?.decrypt(payload, 0, payload.length, packet.readUInt32BE(0), key);
    session.payloads.push(payload);
  }
}

describe('callers of libsrt', () => {
  let door: Door;
  let peer: Peer;
  beforeEach(async () => {
    door = await Door.open();
    peer = new Peer();
  });
  afterEach(() => {
    peer.engine.dispose();
    door.close();
  });
  const PASSPHRASE = 'a good passphrase';
  const message = new Uint8Array(1_316).map((_, i) => i * 3);

  it.each<[what: string, passphrase: string | undefined, answerAfterMs: number]>([
    ['in the clear', undefined, 0],
    ['in the clear, answered after a second', undefined, 1_000],
    ['encrypted', PASSPHRASE, 0],
  ])(
    'are let in, with the larger latency, and what they send is read: %s',
    async (_what, passphrase, answerAfterMs) => {
      door.passphrase = passphrase;
      door.answerAfterMs = answerAfterMs;
      const socket = peer.call(door.port, 'live_a', { latencyMs: 120, ...(passphrase ? { passphrase } : {}) });
      const outcome = await peer.outcome(socket);
      // Of the direction in which it sends: ours is larger.
      expect(outcome).toMatchObject({ type: 'connected', latencyMs: 300 });
      expect(door.streamIds).toEqual(['live_a']);
      for (let i = 0; i < 5; i++) expect(peer.engine.sendMessage(socket, message, 0)).toBe(message.length);
      const [session] = door.sessions;
      await until('what it sends', () => session!.payloads.length >= 5);
      for (const payload of session!.payloads) expect(payload).toEqual(message);
      expect(session!.clear === 0).toBe(passphrase !== undefined);
    },
  );

  it.each<[what: string, ours: string | undefined, theirs: string | undefined, code: number]>([
    ['another passphrase', PASSPHRASE, 'another passphrase', REJECT.badSecret],
    ['no passphrase where one is due', PASSPHRASE, undefined, REJECT.unsecure],
    ['a passphrase where none is', undefined, PASSPHRASE, REJECT.unsecure],
  ])('are turned away, and know why: %s', async (_what, ours, theirs, code) => {
    door.passphrase = ours;
    const socket = peer.call(door.port, 'live_a', theirs === undefined ? {} : { passphrase: theirs });
    expect(await peer.outcome(socket)).toMatchObject({ type: 'connect-failed', rejectReason: code });
  });

  it('are turned away with the code of whoever decides', async () => {
    door.refuse = 1_404;
    const socket = peer.call(door.port, 'live_x');
    expect(await peer.outcome(socket)).toMatchObject({ type: 'connect-failed', rejectReason: 1_404 });
  });
});
