import { describe, expect, it } from 'vitest';
import { AuthFailures } from '../../src/srtla/auth-failures.ts';
import { Counters } from '../../src/srtla/counters.ts';
import { Group } from '../../src/srtla/group.ts';
import { Link } from '../../src/srtla/link.ts';
import { AckWriter } from '../../src/srtla/packet-build.ts';
import { Feedback } from '../../src/srtla/repair/feedback.ts';
import { ReturnPath } from '../../src/srtla/return-path.ts';
import type { Session } from '../../src/srtla/session.ts';
import { Sessions } from '../../src/srtla/sessions.ts';
import { Uplink } from '../../src/srtla/uplink.ts';
import { conclusion, conclusionAnswer, ENCODER, induction, rejection, withFields } from './packets.ts';
import { World } from './world.ts';

/** A link, a session and a server; the world only writes down what goes out. */
const handshaking = () => {
  const out = new World();
  const counters = new Counters();
  const failures = new AuthFailures(1);
  const sessions = new Sessions(counters, failures);
  const feedback = new Feedback(counters);
  const uplink = new Uplink(sessions, counters, new AckWriter(), feedback, failures);
  const returnPath = new ReturnPath(sessions, counters, feedback, true, false);
  const group = new Group(new Uint8Array(256), 0, 0);
  const link = new Link(1, '192.0.2.1', 5_000, group, 0);
  group.addLink(link);
  uplink.control(induction(), link, 0, out);
  const session: Session = group.current!;
  return {
    session,
    conclude: (now: number, guess = 0): void =>
      uplink.control(withFields(conclusion(ENCODER, 'live_x'), { guess, timestampUs: now * 1_000 }), link, now, out),
    answer: (now: number, packet = conclusionAnswer()): void => returnPath.fromServer(session.id, packet, now, out),
  };
};

describe('the round trip to the server', () => {
  it('is from the conclusion to its acceptance, whatever copies were sent meanwhile', () => {
    const { session, conclude, answer } = handshaking();
    expect(session.hopRoundTripMs).toBeNaN();
    conclude(1_000);
    conclude(1_250);
    answer(1_300);
    expect(session.hopRoundTripMs).toBe(300);
    // The answer to the copy.
    answer(1_550);
    expect(session.hopRoundTripMs).toBe(300);
  });

  it('is that of the last conclusion', () => {
    const { session, conclude, answer } = handshaking();
    conclude(1_000);
    answer(1_200, rejection(2409));
    expect(session.hopRoundTripMs).toBeNaN();
    conclude(9_000, 7);
    answer(9_150);
    expect(session.hopRoundTripMs).toBe(150);
  });

  it('is that of a copy where the server was not there before', () => {
    const { session, conclude, answer } = handshaking();
    for (let now = 1_000; now <= 3_000; now += 250) conclude(now);
    answer(3_020);
    expect(session.hopRoundTripMs).toBeLessThanOrEqual(1_020);
  });

  it('is unknown where nothing was asked', () => {
    const { session, answer } = handshaking();
    answer(100);
    expect(session.hopRoundTripMs).toBeNaN();
  });
});
