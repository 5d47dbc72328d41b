import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { SRTLA_TYPE } from '../../src/srtla/constants.ts';
import {
  classify,
  KIND,
  parseTelemetry,
  registrationId,
  srtlaAckCount,
  srtlaAckEntry,
} from '../../src/srtla/packet.ts';
import { AckWriter, buildRegistration } from '../../src/srtla/packet-build.ts';
import { firstLost, lastLost, sequenceAfter, streamIdOf } from '../../src/srtla/srt-header.ts';
import { DEFAULT_SRTLA_SETTINGS } from '../../src/srtla/types.ts';
import {
  ack,
  conclusion,
  conclusionAnswer,
  data,
  idOf,
  induction,
  nak,
  reg1,
  reg2,
  rejection,
  shutdown,
} from '../srtla/packets.ts';
import { type Effect, toPeer, World } from '../srtla/world.ts';

const bytes = fc.uint8Array({ maxLength: 1600 });
const sequence = fc.integer({ min: 0, max: 0x7fffffff });

describe('parsers', () => {
  it('take any bytes', () => {
    fc.assert(
      fc.property(bytes, (packet) => {
        expect(Object.values(KIND)).toContain(classify(packet));
        const telemetry = {
          connectionId: 0,
          windowPackets: 0,
          inFlightPackets: 0,
          rttMs: 0,
          nakCount: 0,
          bitrateKbps: 0,
          inMicroseconds: false,
        };
        parseTelemetry(packet, telemetry);
        for (const value of Object.values(telemetry)) expect(Number.isFinite(Number(value))).toBe(true);
        for (let i = 0; i < srtlaAckCount(packet); i++) expect(Number.isInteger(srtlaAckEntry(packet, i))).toBe(true);
        for (const lost of [firstLost(packet), lastLost(packet)]) expect(lost).toBeGreaterThanOrEqual(-1);
      }),
    );
  });

  it('take any handshake extensions', () => {
    fc.assert(
      fc.property(bytes, (extensions) => {
        const packet = new Uint8Array(64 + extensions.length);
        packet.set(extensions, 64);
        const streamId = streamIdOf(packet);
        expect(streamId === undefined || streamId.length <= 512).toBe(true);
      }),
    );
  });
});

describe('builders', () => {
  it('make what the parsers read', () => {
    const writer = new AckWriter();
    fc.assert(
      fc.property(fc.array(sequence, { minLength: 1, maxLength: 10 }), (sequences) => {
        const packet = writer.write(Uint32Array.from(sequences), sequences.length);
        expect(srtlaAckCount(packet)).toBe(sequences.length);
        expect(sequences.map((_, i) => srtlaAckEntry(packet, i))).toEqual(sequences);
      }),
    );
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 256, maxLength: 256 }), (id) => {
        const packet = buildRegistration(SRTLA_TYPE.reg2, id);
        expect(classify(packet)).toBe(KIND.reg2);
        expect(registrationId(packet)).toEqual(id);
      }),
    );
  });

  it('keep stream ids of any script, up to 512 bytes', () => {
    const text = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 60 }).filter((id) => {
      // What ends at the first zero byte, and a byte order mark, cannot come back.
      return !id.includes('\0') && !id.startsWith('\ufeff') && new TextEncoder().encode(id).length <= 512;
    });
    fc.assert(
      fc.property(text, (id) => {
        expect(streamIdOf(conclusion(1, id))).toBe(id);
      }),
    );
  });

  it('order sequence numbers across the wrap', () => {
    fc.assert(
      fc.property(sequence, fc.integer({ min: 1, max: 0x3ffffffe }), (from, distance) => {
        const later = (from + distance) % 2 ** 31;
        expect(sequenceAfter(later, from)).toBe(true);
        expect(sequenceAfter(from, later)).toBe(false);
        expect(sequenceAfter(from, from)).toBe(false);
      }),
    );
  });
});

const PEERS = 12;
const SETTINGS = { ...DEFAULT_SRTLA_SETTINGS, maxGroups: 3, maxLinksPerGroup: 4 };
const small = fc.integer({ min: 0, max: 3 });

type Step =
  | { do: 'send'; peer: number; packet: Uint8Array }
  | { do: 'register'; peer: number; as: number }
  | { do: 'join'; peer: number; group: number }
  | { do: 'server'; session: number; packet: Uint8Array }
  | { do: 'wait'; ms: number };

const sensible = fc.oneof(
  fc
    .tuple(sequence, small, fc.boolean(), fc.integer())
    .map(([number, to, retransmitted, timestampUs]) => data(number, { to, retransmitted, timestampUs })),
  small.map((id) => induction(id)),
  fc
    .tuple(small, fc.option(fc.string({ maxLength: 20 }), { nil: undefined }))
    .map(([id, streamId]) => conclusion(id, streamId)),
  small.map((id) => shutdown(id)),
  fc.constant(Uint8Array.of(0x90, 0)),
  small.map((id) => reg1(idOf(id))),
  bytes,
  fc
    .tuple(fc.constantFrom(0x80, 0x90, 0x91, 0x92, 0x93, 0x9f, 0xa0, 0xff), bytes)
    .map(([type, rest]) => Uint8Array.of(type, ...rest)),
);
const fromServer = fc.oneof(
  fc.tuple(small, small).map(([encoder, server]) => conclusionAnswer(encoder, server)),
  small.map((id) => induction(id)),
  fc.integer({ min: 1000, max: 3000 }).map((code) => rejection(code)),
  fc.tuple(small, sequence).map(([id, next]) => ack(id, next)),
  fc.tuple(small, fc.array(fc.integer(), { maxLength: 5 })).map(([id, lost]) => nak(id, ...lost)),
  small.map((id) => shutdown(id)),
  bytes,
);
const peer = fc.integer({ min: 1, max: PEERS });
const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.oneof(
    { weight: 6, arbitrary: fc.record({ do: fc.constant('send' as const), peer, packet: sensible }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constant('register' as const), peer, as: small }) },
    { weight: 3, arbitrary: fc.record({ do: fc.constant('join' as const), peer, group: small }) },
    {
      weight: 3,
      arbitrary: fc.record({ do: fc.constant('server' as const), session: fc.nat({ max: 12 }), packet: fromServer }),
    },
    {
      weight: 2,
      arbitrary: fc.record({
        do: fc.constant('wait' as const),
        ms: fc.constantFrom(0, 10, 60, 300, 1_500, 6_000, 40_000),
      }),
    },
  ),
  { maxLength: 80 },
);

describe('the core', () => {
  it('takes any datagrams from anybody, keeps its limits, and uses only what is open', () => {
    fc.assert(
      fc.property(steps, (script) => {
        const world = new World(SETTINGS);
        const ids: string[] = [];
        const open = new Set<number>();
        const registered = new Set<number>();
        const check = (effects: readonly Effect[], from: number | undefined): void => {
          for (const effect of effects) {
            if (effect.do === 'open') open.add(effect.session);
            else if (effect.do === 'close') expect(open.delete(effect.session)).toBe(true);
            else if (effect.do === 'server') {
              expect(open).toContain(effect.session);
              // Never an SRTLA packet.
              expect(/^[0-7]|^800|^ffff/.test(effect.hex)).toBe(true);
            } else if (effect.do === 'link') {
              expect(effect.peer === from || registered.has(effect.peer)).toBe(true);
              if (effect.hex.startsWith('9201')) ids.push(effect.hex.slice(4));
            }
          }
          registered.clear();
          for (const held of world.peers.held) registered.add(held);
          const { groups } = world.core.snapshot(world.now);
          expect(groups.length).toBeLessThanOrEqual(SETTINGS.maxGroups);
          for (const group of groups) expect(group.links.length).toBeLessThanOrEqual(SETTINGS.maxLinksPerGroup);
          expect(world.peers.held.size).toBe(groups.reduce((sum, group) => sum + group.links.length, 0));
          expect(open.size).toBeLessThanOrEqual(5 * SETTINGS.maxGroups + 5);
        };
        for (const step of script) {
          if (step.do === 'send') check(world.receive(step.peer, step.packet), step.peer);
          else if (step.do === 'register') check(world.receive(step.peer, reg1(idOf(step.as))), step.peer);
          else if (step.do === 'join') {
            check(world.receive(step.peer, reg2(ids[step.group % ids.length] ?? idOf(9))), step.peer);
          } else if (step.do === 'server') check(world.server(step.session, step.packet), undefined);
          else check(world.advance(step.ms), undefined);
        }
        world.effects = [];
        world.core.stop(world.now, world);
        check(world.effects, undefined);
        expect(open.size).toBe(0);
        expect(world.peers.held.size).toBe(0);
      }),
      { numRuns: 300 },
    );
  });

  it('answers nobody with more bytes than he has sent', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(peer, sensible), { maxLength: 60 }), (script) => {
        const world = new World(SETTINGS);
        for (const [from, packet] of script) {
          const sent = world.receive(from, packet).flatMap((effect) => (effect.do === 'link' ? [effect] : []));
          // Strangers: nobody has joined here.
          for (const effect of sent) {
            expect(effect.peer).toBe(from);
            expect(effect.hex.length / 2).toBeLessThanOrEqual(packet.length);
          }
        }
      }),
    );
  });

  it('forgets a flood of registrations', () => {
    const world = new World({ maxGroups: 50 });
    for (let i = 0; i < 5_000; i++) world.receive(i, reg1(idOf(i & 0xff)));
    expect(world.core.snapshot(world.now).groups).toEqual([]);
    // Whole registrations, once the budgets are full again.
    world.advance(3_000);
    for (let i = 0; i < 200; i++) {
      const [answer] = toPeer(world.receive(i, reg1(idOf(i))), i);
      world.receive(i, reg2(answer!.slice(4)));
      world.advance(10);
    }
    expect(world.core.snapshot(world.now).groups.length).toBe(50);
    expect(world.peers.held.size).toBe(50);
    world.advance(10_200);
    expect(world.core.snapshot(world.now).groups).toEqual([]);
    expect(world.core.nextTickMs()).toBe(250);
  });
});
