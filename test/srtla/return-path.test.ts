import { describe, expect, it } from 'vitest';
import { ack, data, ENCODER, fromHex, inductionAnswer, keepalive, nak, reg2, SERVER, shutdown } from './packets.ts';
import { receivers, World } from './world.ts';

const live = (peers = [1, 2, 3]): { world: World; session: number } => {
  const world = new World({ lossDetection: 'plain' });
  world.register(peers);
  return { world, session: world.connect(peers[0]!) };
};
const KEEPALIVE = Uint8Array.of(0x90, 0x00);
const km = fromHex('ffff0004000000000000000011223344aabbccdd');

describe('ACK and SHUTDOWN', () => {
  it('go to the links that were heard in the last 2 s', () => {
    const { world, session } = live();
    expect(receivers(world.server(session, ack(ENCODER, 5)))).toEqual([1, 2, 3]);
    world.advanceAlive(2_500, 1, 3);
    expect(receivers(world.server(session, ack(ENCODER, 6)))).toEqual([1, 3]);
    expect(receivers(world.server(session, shutdown(ENCODER)))).toEqual([1, 3]);
  });

  it('go to the link that was heard last where none was heard lately', () => {
    const { world, session } = live();
    world.advance(500);
    world.receive(2, KEEPALIVE);
    world.advance(3_000);
    expect(receivers(world.server(session, ack(ENCODER, 6)))).toEqual([2]);
  });
});

describe('NAK', () => {
  it('goes on the freshest link, its repeats round the others, a new loss on the freshest again', () => {
    const { world, session } = live();
    world.receive(2, data(10));
    expect(receivers(world.server(session, nak(ENCODER, 5)))).toEqual([2]);
    expect(receivers(world.server(session, nak(ENCODER, 5)))).toEqual([3]);
    expect(receivers(world.server(session, nak(ENCODER, 5)))).toEqual([1]);
    expect(receivers(world.server(session, nak(ENCODER, 5)))).toEqual([2]);
    expect(receivers(world.server(session, nak(ENCODER, 0x80000007, 9)))).toEqual([2]);
    expect(receivers(world.server(session, nak(ENCODER, 5, 8)))).toEqual([3]);
    world.receive(1, data(20));
    expect(receivers(world.server(session, nak(ENCODER, 15)))).toEqual([1]);
  });

  it('is new across the wrap of sequence numbers', () => {
    const { world, session } = live();
    world.receive(2, data(1));
    world.server(session, nak(ENCODER, 0x7ffffffe));
    world.server(session, nak(ENCODER, 0x7ffffffe));
    expect(receivers(world.server(session, nak(ENCODER, 0)))).toEqual([2]);
  });

  it('passes over links that are quiet', () => {
    const { world, session } = live();
    world.advanceAlive(2_500, 1, 2);
    world.receive(1, data(10));
    expect(receivers(world.server(session, nak(ENCODER, 5)))).toEqual([1]);
    expect(receivers(world.server(session, nak(ENCODER, 5)))).toEqual([2]);
    expect(receivers(world.server(session, nak(ENCODER, 5)))).toEqual([1]);
  });
});

describe('everything else', () => {
  it('goes once, on the link with the last data', () => {
    const { world, session } = live();
    world.receive(2, data(1));
    world.receive(3, KEEPALIVE);
    world.receive(1, keepalive(SERVER));
    expect(receivers(world.server(session, keepalive(ENCODER)))).toEqual([2]);
    expect(receivers(world.server(session, km))).toEqual([2]);
    expect(receivers(world.server(session, data(1, { to: ENCODER })))).toEqual([2]);
  });

  it('leaves a link that has been silent for more than 1 s for a fresher one', () => {
    const { world, session } = live();
    world.receive(2, data(1));
    world.advance(900);
    world.receive(3, KEEPALIVE);
    expect(receivers(world.server(session, km))).toEqual([2]);
    world.advance(200);
    expect(receivers(world.server(session, km))).toEqual([3]);
    world.receive(2, KEEPALIVE);
    expect(receivers(world.server(session, km))).toEqual([2]);
  });

  it('handshake answers go where the handshake came from, data or not', () => {
    const { world, session } = live();
    world.receive(2, data(1));
    expect(receivers(world.server(session, inductionAnswer()))).toEqual([1]);
  });

  it('survives the end of the link it used', () => {
    const { world, session } = live();
    world.receive(2, data(1));
    world.server(session, nak(ENCODER, 5));
    world.advanceAlive(16_000, 3);
    for (const packet of [inductionAnswer(), km, nak(ENCODER, 5), ack(ENCODER, 1)]) {
      expect(receivers(world.server(session, packet))).toEqual([3]);
    }
    world.advance(16_000);
    expect(receivers(world.server(session, km))).toEqual([]);
    expect(world.counter('serverNoLink')).toBe(1);
  });
});

describe('a link that has only registered', () => {
  it('takes over nothing, however fresh it is', () => {
    const world = new World({ lossDetection: 'plain' });
    const id = world.register([1]);
    const session = world.connect(1);
    world.receive(1, data(1));
    world.advance(1_500);
    world.receive(2, reg2(id));
    for (const packet of [km, nak(ENCODER, 5), nak(ENCODER, 5), nak(ENCODER, 5), ack(ENCODER, 5)]) {
      expect(receivers(world.server(session, packet))).toEqual([1]);
    }
    world.receive(2, KEEPALIVE);
    expect(receivers(world.server(session, km))).toEqual([2]);
  });
});

describe('from the server, dropped and counted', () => {
  it.each([
    ['serverTooShort', ''],
    ['serverTooShort', '8002'.padEnd(30, '0')],
    ['serverTooLong', '00'.repeat(1501)],
    ['serverUnknownType', '9000'.padEnd(64, '0')],
    ['serverUnknownType', '8009'.padEnd(40, '0')],
  ])('%s', (counter, hex) => {
    const { world, session } = live();
    expect(world.server(session, fromHex(hex))).toEqual([]);
    expect(world.counter(counter)).toBe(1);
    expect(receivers(world.server(session, km))).toEqual([1]);
  });

  it('for a session that is not there', () => {
    const { world } = live();
    expect(world.server(99, ack(ENCODER, 1))).toEqual([]);
    expect(world.counter('serverUnknownSession')).toBe(1);
  });
});
