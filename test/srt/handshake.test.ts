import { createCipheriv } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Cookies } from '../../src/srt/cookie.ts';
import { createCookieMac, createSrtCrypto } from '../../src/srt/crypto-shell.ts';
import {
  agreedLatencies,
  conclusionResponse,
  FLAG,
  HANDSHAKE_BYTES,
  HANDSHAKE_TYPE,
  inductionResponse,
  REJECT,
  readConclusion,
  readHandshake,
  rejection,
} from '../../src/srt/handshake.ts';
import { openKeyMessage, readKeyMessage, type StreamKeys, sealKeyMessage } from '../../src/srt/key-material.ts';
import { KEY } from '../../src/srt/packet.ts';
import { SessionCipher } from '../../src/srt/session-cipher.ts';

const bytes = (hex: string): Uint8Array => new Uint8Array(Buffer.from(hex.replaceAll(' ', ''), 'hex'));
const hex = (of: Uint8Array | undefined): string => Buffer.from(of ?? []).toString('hex');
const crypto = createSrtCrypto();
const PASSPHRASE = 'correcthorse12';

/** Captured from libsrt 1.5.1 (spec: srt.md §8): what a caller sent, and what a listener answered. */
const V1 = {
  induction:
    '8000000000000000000000960000000000000004000000022ac94b86000005dc000020000000000134f0a5eb000000000100007f000000000000000000000000',
  inductionAnswer:
    '8000000000000000000a00bf34f0a5eb0000000500004a172ac94b86000005dc000020000000000134f0a5eb6af0da140100007f000000000000000000000000',
  conclusion:
    '8000000000000000000010de0000000000000005000000012ac94b86000005dc00002000ffffffff34f0a5eb6af0da140100007f0000000000000000000000000001000300010501000000bf00780000',
  answer:
    '80000000000000000000014a34f0a5eb00000005000000012ac94b86000005dc00002000ffffffff336638416af0da140100007f0000000000000000000000000002000300010501000000bf00780078',
};
const V2_CONCLUSION =
  '8000000000000000000001ef000000000000000500000005187af4d4000005dc00002000ffffffff20c1e43118fe9a270100007f0000000000000000000000000001000300010501000000bf01f401f4000500056c6275702f6873696576696c6565662f00003164';
const V3_CONCLUSION =
  '8000000000000000000005300000000000000005000400075b2ac77d000005dc00002000ffffffff0fa534632e08140d0100007f0000000000000000000000000001000300010501000000bf00c800c80005000264636261000000650003001212202901000000000200020000000408e4878719225c4a910ff1dca0d226d011cc5717c59c2c8945204ca3f0d6b9d7342de92aefc03682c3100c0e6d143a4a5d2a8ec51a9155a8f7';
const V3_ANSWER =
  '8000000000000000000005830fa5346300000005000000035b2ac77d000005dc00002000ffffffff1a6dbf402e08140d0100007f0000000000000000000000000002000300010501000000bf012c012c0004001212202901000000000200020000000408e4878719225c4a910ff1dca0d226d011cc5717c59c2c8945204ca3f0d6b9d7342de92aefc03682c3100c0e6d143a4a5d2a8ec51a9155a8f7';
const V4_CONCLUSION =
  '800000000000000000000b360000000000000005000000037bc9ba1b000005dc00002000ffffffff2c03ce53c4f5a6360100007f0000000000000000000000000001000300010501000000bf007800000003000e12202901000000000200020000000404dbee8f6d319301bc8e108dce5806e62deb513be66e3b59f519104e0ca0c7adc1e903d0370a4838c7';
const V5_CONCLUSION =
  '800000000000000000003b400000000000000005000000011715a2c2000005dc00002000ffffffff3203dccec037838d0100007f0000000000000000000000000001000300010501000000bf00780000';

/** Of the fixed part: how ours differs from libsrt's, but for what is told of itself. */
const requestOf = (text: string) => {
  const packet = bytes(text);
  const judged = readConclusion(packet, readHandshake(packet)!);
  if ('reject' in judged) throw new Error(`rejected: ${judged.reject}`);
  return { packet, request: judged.request };
};
const rejectionOf = (packet: Uint8Array): number | undefined => {
  const judged = readConclusion(packet, readHandshake(packet)!);
  return 'reject' in judged ? judged.reject : undefined;
};
/** libsrt tells of itself what we do not: its version and its flags. */
const asOurs = (answer: string): string => answer.replace(/(0002000300010)501000000bf/, '$1503' + '0000003f');

describe('handshakes as captured', () => {
  it('an induction is answered as libsrt answers it', () => {
    const request = bytes(V1.induction);
    expect(readHandshake(request)).toMatchObject({ version: 4, type: HANDSHAKE_TYPE.induction, socketId: 0x34f0a5eb });
    expect(hex(inductionResponse(request, 0x6af0da14, 0xa00bf))).toBe(V1.inductionAnswer);
    expect(inductionResponse(new Uint8Array([...request, ...request]), 1, 0)).toHaveLength(HANDSHAKE_BYTES);
  });

  it('a conclusion without a stream id', () => {
    const { packet, request } = requestOf(V1.conclusion);
    expect(request).toMatchObject({
      ...{ receiveLatencyMs: 120, sendLatencyMs: 0, flags: 0xbf, libraryVersion: 0x10501 },
      ...{ streamId: undefined, keyMaterial: undefined, initialSequence: 0x2ac94b86, flowWindowPackets: 8_192 },
    });
    const latencies = agreedLatencies(request, { receiveLatencyMs: 120, sendLatencyMs: 120 });
    const terms = { ...latencies, socketId: 0x33663841, flowWindowPackets: 0x2000 };
    expect(hex(conclusionResponse(packet, request, terms, 0x14a))).toBe(asOurs(V1.answer));
  });

  it('a conclusion with a stream id: the larger latency counts', () => {
    const { request } = requestOf(V2_CONCLUSION);
    expect(request.streamId).toBe('publish/live/feed1');
    expect(agreedLatencies(request, { receiveLatencyMs: 120, sendLatencyMs: 800 })).toEqual({
      ...{ receiveLatencyMs: 500, sendLatencyMs: 800 },
    });
    expect(agreedLatencies({ ...request, flags: 0 }, { receiveLatencyMs: 1, sendLatencyMs: 2 })).toEqual({
      ...{ receiveLatencyMs: 1, sendLatencyMs: 2 },
    });
  });

  it('a conclusion with keys: they open with the passphrase and no other, and the answer carries them back', () => {
    const { packet, request } = requestOf(V3_CONCLUSION);
    expect(request.streamId).toBe('abcde');
    const message = readKeyMessage(request.keyMaterial!);
    if (message === 'unknown') throw new Error('no key message');
    const kek = crypto.derive(PASSPHRASE, message.salt.subarray(8), 32);
    expect(hex(kek)).toBe('39fe4affba7cc84248fe61db1f77f25a63f539b42e53c323e91e092a773369ef');
    const keys = openKeyMessage(message, PASSPHRASE, crypto);
    expect(hex(keys?.even)).toBe('951bb6197377ddc883c3c267b336c95ad7e991a1b628e153f5fb3240ece87ed2');
    expect(keys?.odd).toBeUndefined();
    expect(openKeyMessage(message, 'another passphrase', crypto)).toBeUndefined();
    const terms = { socketId: 0x1a6dbf40, receiveLatencyMs: 300, sendLatencyMs: 300, flowWindowPackets: 0x2000 };
    expect(hex(conclusionResponse(packet, request, terms, 0x583))).toBe(asOurs(V3_ANSWER));
    expect(hex(sealKeyMessage(keys!, PASSPHRASE, crypto))).toBe(hex(request.keyMaterial));
  });

  it('payloads under these keys', () => {
    const { request } = requestOf(V3_CONCLUSION);
    const message = readKeyMessage(request.keyMaterial!);
    const keys = message === 'unknown' ? undefined : openKeyMessage(message, PASSPHRASE, crypto);
    const cipher = new SessionCipher(keys!, PASSPHRASE, crypto);
    for (const [sequence, sent, clear] of [
      [
        0x5b2ac77d,
        'b6bb2d1d123bca9d8d85a393974d3e398fde563e804af35d',
        '474011100042f0250001c10000ff01ff0001fc8014481201',
      ],
      [
        0x5b2ac77e,
        '555a7fa1548dfb03bc70de66364ca77f1037598c744db39f',
        '4701001430298a2100dd09fce4b6fd3c66ea4a5775c0c134',
      ],
    ] as const) {
      const packet = bytes(`00000000${sent}`);
      expect(cipher.decrypt(packet, 4, 24, sequence, KEY.even)).toBe(true);
      expect(hex(packet.subarray(4))).toBe(clear);
      const into = new Uint8Array(24);
      cipher.encrypt(bytes(clear), into, sequence);
      expect(hex(into)).toBe(sent);
    }
    expect(cipher.decrypt(new Uint8Array(24), 0, 24, 1, KEY.odd)).toBe(false);
    expect(cipher.decrypt(new Uint8Array(24), 0, 24, 1, KEY.clear)).toBe(false);
  });

  it('a wrong passphrase, and none: told with their codes', () => {
    const wrong = requestOf(V4_CONCLUSION);
    const message = readKeyMessage(wrong.request.keyMaterial!);
    expect(message === 'unknown' ? message : openKeyMessage(message, PASSPHRASE, crypto)).toBeUndefined();
    const told = rejection(wrong.packet, REJECT.badSecret, 0);
    expect(told).toHaveLength(HANDSHAKE_BYTES);
    expect(readHandshake(told)).toMatchObject({ type: 0x3f2, extension: 3, cookie: wrong.request.cookie });
    expect(hex(told.subarray(12, 16))).toBe('2c03ce53');
    const without = requestOf(V5_CONCLUSION);
    expect(without.request.keyMaterial).toBeUndefined();
    expect(readHandshake(rejection(without.packet, REJECT.unsecure, 0))!.type).toBe(0x3f3);
    expect(readHandshake(rejection(without.packet, 1_404, 0))!.type).toBe(2_404);
  });
});

describe('further keys', () => {
  const FIRST =
    '1220290300000000020002000000040461138813feacfb1f1eb629c3addae8561b51db10eb5aec4221806345a68421af89222b9d8f0fe5d341eb6953fff7137a3e180412ff24017f';
  const SECOND =
    '1220290300000000020002000000040461138813feacfb1f1eb629c3addae8563ddc163af0c32accb68db3c97e35a82c563e5263293a54d8840211dcacffc972d4ea9f7222e05dd2';
  const SALT = bytes('61138813feacfb1f1eb629c3addae856');
  const EVEN = bytes('2a85889d4c993d9c7f98cf7f30ecb057');
  const ODD = bytes('b4d6fdf867083588f2fdc261922ef9cd');
  const initial: StreamKeys = { lengthBytes: 16, salt: SALT, even: EVEN, odd: undefined };
  const make = () => new SessionCipher(initial, PASSPHRASE, crypto);
  /** What this key makes of a packet, by Node's own CTR. */
  const sealed = (keys: Partial<StreamKeys>, clear: Uint8Array, sequence: number): Uint8Array => {
    const into = new Uint8Array(clear.length);
    new SessionCipher({ ...initial, even: undefined, ...keys }, PASSPHRASE, crypto).encrypt(clear, into, sequence);
    return into;
  };
  const clear = new Uint8Array(1_316).map((_, i) => i * 7);
  const opens = (cipher: SessionCipher, packet: Uint8Array, sequence: number, key: number): boolean => {
    const copy = packet.slice();
    return cipher.decrypt(copy, 0, copy.length, sequence, key) && hex(copy) === hex(clear);
  };

  it('are announced before they are used, as captured, and what was sent before still opens', () => {
    const cipher = make();
    expect(opens(cipher, sealed({ even: EVEN }, clear, 5), 5, KEY.even)).toBe(true);
    expect(opens(cipher, sealed({ odd: ODD }, clear, 6), 6, KEY.odd)).toBe(false);
    expect(hex(cipher.rekey(bytes(FIRST)))).toBe(FIRST);
    expect(hex(cipher.rekey(bytes(FIRST)))).toBe(FIRST);
    expect(opens(cipher, sealed({ odd: ODD }, clear, 7), 7, KEY.odd)).toBe(true);
    expect(opens(cipher, sealed({ even: EVEN }, clear, 4), 4, KEY.even)).toBe(true);
    // Odd is in use again: the next ones replace the even one.
    expect(opens(cipher, sealed({ odd: ODD }, clear, 8), 8, KEY.odd)).toBe(true);
    expect(hex(cipher.rekey(bytes(SECOND)))).toBe(SECOND);
    const next = bytes('a8b201494a54622917a6ec5df5195669');
    expect(opens(cipher, sealed({ even: next }, clear, 9), 9, KEY.even)).toBe(true);
    expect(opens(cipher, sealed({ odd: ODD }, clear, 10), 10, KEY.odd)).toBe(true);
  });

  it('that do not open with the passphrase, or are of another kind, change nothing', () => {
    const cipher = make();
    const other = (changes: Partial<StreamKeys>, passphrase = PASSPHRASE): Uint8Array =>
      sealKeyMessage({ ...initial, odd: ODD, ...changes }, passphrase, crypto);
    expect(opens(cipher, sealed({ even: EVEN }, clear, 1), 1, KEY.even)).toBe(true);
    for (const message of [
      other({}, 'somebody-else'),
      other({ lengthBytes: 32, even: new Uint8Array(32), odd: new Uint8Array(32) }),
      other({ salt: new Uint8Array(16) }),
      bytes(FIRST).subarray(1),
      new Uint8Array([...bytes(FIRST), 0, 0, 0, 0]),
      new Uint8Array(0),
    ])
      expect(cipher.rekey(message)).toBeUndefined();
    expect(opens(cipher, sealed({ even: EVEN }, clear, 2), 2, KEY.even)).toBe(true);
    expect(opens(cipher, sealed({ odd: ODD }, clear, 3), 3, KEY.odd)).toBe(false);
  });

  it('open packets in any order: late, sent again, longer than before, or gone on elsewhere', () => {
    const cipher = make();
    const ctr = (payload: Uint8Array, sequence: number): Uint8Array => {
      const iv = new Uint8Array(16);
      iv.set(SALT.subarray(0, 14));
      const view = new DataView(iv.buffer);
      view.setUint32(10, view.getUint32(10) ^ sequence);
      return new Uint8Array(createCipheriv('aes-128-ctr', EVEN, iv).update(payload));
    };
    const jumps = [0, 1, 2, 15, 16, 3, 70, 69, 20, 4, 5, 6, 200, 201, 0x7fffffff - 0x1000, 0x7fffffff, 0, 1, 17, 16];
    for (const [i, at] of jumps.entries()) {
      for (const length of [1_316, 188, i % 2 === 0 ? 1_316 : 1_456, 3]) {
        const payload = new Uint8Array(length).map((_, byte) => byte * 5 + i);
        const into = ctr(payload, at);
        expect(cipher.decrypt(into, 0, length, at, KEY.even)).toBe(true);
        expect(hex(into)).toBe(hex(payload));
        const sealedHere = new Uint8Array(length);
        make().encrypt(payload, sealedHere, at);
        expect(hex(sealedHere)).toBe(hex(ctr(payload, at)));
      }
    }
  });

  it('never take a key away that is in use', () => {
    const cipher = make();
    expect(opens(cipher, sealed({ even: EVEN }, clear, 1), 1, KEY.even)).toBe(true);
    cipher.rekey(sealKeyMessage({ ...initial, even: new Uint8Array(16), odd: ODD }, PASSPHRASE, crypto));
    expect(opens(cipher, sealed({ even: EVEN }, clear, 2), 2, KEY.even)).toBe(true);
    expect(opens(cipher, sealed({ odd: ODD }, clear, 3), 3, KEY.odd)).toBe(true);
  });

  it.each([16, 24, 32] as const)('of %i bytes open what they have sealed', (lengthBytes) => {
    fc.assert(
      fc.property(
        fc.uint8Array({ minLength: lengthBytes, maxLength: lengthBytes }),
        fc.uint8Array({ minLength: 16, maxLength: 16 }),
        fc.uint8Array({ minLength: 1, maxLength: 1_456 }),
        fc.nat(0x7fffffff),
        (key, salt, payload, sequence) => {
          const keys: StreamKeys = { lengthBytes, salt, even: undefined, odd: key };
          const message = readKeyMessage(sealKeyMessage(keys, PASSPHRASE, crypto));
          const opened = message === 'unknown' ? undefined : openKeyMessage(message, PASSPHRASE, crypto);
          expect(opened).toEqual(keys);
          const cipher = new SessionCipher(opened!, PASSPHRASE, crypto);
          const into = new Uint8Array(payload.length);
          cipher.encrypt(payload, into, sequence);
          expect(cipher.decrypt(into, 0, into.length, sequence, KEY.odd)).toBe(true);
          expect(hex(into)).toBe(hex(payload));
        },
      ),
      { numRuns: 30 },
    );
  });
});

describe('a conclusion that is not right', () => {
  const with32 = (at: number, value: number): Uint8Array => {
    const packet = bytes(V2_CONCLUSION);
    new DataView(packet.buffer).setUint32(at, value);
    return packet;
  };
  const block = (type: number, content: string, announced = 5): Uint8Array => {
    const packet = bytes(
      `${V1.conclusion}${type.toString(16).padStart(4, '0')}${(content.length / 8).toString(16).padStart(4, '0')}${content}`,
    );
    new DataView(packet.buffer).setUint16(22, announced);
    return packet;
  };
  it.each<[what: string, packet: Uint8Array, code: number]>([
    ['of an older protocol', with32(16, 4), REJECT.version],
    ['without extensions', with32(20, 0), REJECT.rogue],
    ['with nothing behind the fixed part', bytes(V2_CONCLUSION).subarray(0, HANDSHAKE_BYTES), REJECT.rogue],
    ['of an absurd MTU', with32(28, 100), REJECT.rogue],
    ['from socket 0', with32(40, 0), REJECT.rogue],
    ['with a sequence number of 32 bits', with32(24, 0x80000000), REJECT.rogue],
    ['of a version that never spoke this', with32(HANDSHAKE_BYTES + 4, 0x00010200), REJECT.rogue],
    ['that wants a stream of bytes', with32(HANDSHAKE_BYTES + 8, 0xbf | FLAG.stream), REJECT.messageApi],
    ['with a block that runs over its end', bytes(V2_CONCLUSION).subarray(0, -4), REJECT.rogue],
    ['with a short HSREQ', with32(HANDSHAKE_BYTES, 0x00010002), REJECT.rogue],
    ['with an empty stream id', block(5, ''), REJECT.rogue],
    ['with a stream id that is no text', block(5, 'ffffffff'), REJECT.rogue],
    ['with another congestion control', block(6, '656c6966'), REJECT.congestion],
    ['with a packet filter', block(7, '63656600'), REJECT.filter],
    ['of a bonding group', block(8, '4000000101000000'), REJECT.group],
    ['that announces keys and has none', block(9, '00000000', 7), REJECT.rogue],
  ])('%s is turned away', (_what, packet, code) => {
    expect(rejectionOf(packet)).toBe(code);
  });

  it('congestion control that is called live is the usual one; blocks that were not announced do not count', () => {
    expect(rejectionOf(block(6, '6576696c'))).toBeUndefined();
    expect(rejectionOf(block(7, '63656600', 1))).toBeUndefined();
  });

  it('whatever comes, nothing throws', () => {
    const seeds = [V1.conclusion, V2_CONCLUSION, V3_CONCLUSION, V4_CONCLUSION].map(bytes);
    fc.assert(
      fc.property(
        fc.constantFrom(...seeds),
        fc.array(fc.tuple(fc.nat(300), fc.nat(255))),
        fc.nat(300),
        (seed, edits, cut) => {
          const packet = seed.slice(0, Math.max(0, seed.length - (cut % 90)));
          for (const [at, value] of edits) packet[at % packet.length] = value;
          const handshake = readHandshake(packet);
          if (!handshake) return;
          inductionResponse(packet, 1, 0);
          const judged = readConclusion(packet, handshake);
          if ('reject' in judged) return;
          const { request } = judged;
          const message = request.keyMaterial && readKeyMessage(request.keyMaterial);
          if (message && message !== 'unknown') openKeyMessage(message, PASSPHRASE, crypto);
          conclusionResponse(
            packet,
            request,
            { socketId: 1, receiveLatencyMs: 1, sendLatencyMs: 1, flowWindowPackets: 1 },
            0,
          );
        },
      ),
      { numRuns: 2_000 },
    );
  });
});

describe('a cookie', () => {
  const cookies = new Cookies(createCookieMac((length) => new Uint8Array(length).fill(7)));
  const peer = bytes('7f000001c350');
  it('is good for its caller, for one to two minutes', () => {
    const cookie = cookies.make(peer, 119_000);
    expect(cookie).not.toBe(0);
    expect(cookies.isGood(cookie, peer, 119_999)).toBe(true);
    expect(cookies.isGood(cookie, peer, 179_999)).toBe(true);
    expect(cookies.isGood(cookie, peer, 180_000)).toBe(false);
    expect(cookies.isGood(cookie, bytes('7f000001c351'), 119_999)).toBe(false);
    expect(cookies.isGood(0, peer, 119_999)).toBe(false);
  });
  it('is another one under another key, and never 0', () => {
    const other = new Cookies(createCookieMac((length) => new Uint8Array(length).fill(8)));
    expect(other.make(peer, 0)).not.toBe(cookies.make(peer, 0));
    expect(new Cookies(() => new Uint8Array(32)).make(peer, 0)).toBe(1);
  });
});
