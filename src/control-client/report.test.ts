import { describe, expect, it } from 'vitest';
import { sessionBytesOf } from './report.ts';

type Input = Parameters<typeof sessionBytesOf>[0];

/** Bytes of an input that has only what counts. */
const sums = (input: object): { receivedBytes: number; sentBytes: number } => {
  const base = { uptimeMs: 1_000, counters: {}, srtla: { groups: [] }, publishers: [], players: [] };
  return sessionBytesOf({ ...base, ...input } as unknown as Input).reduce(
    (sum, one) => ({
      receivedBytes: sum.receivedBytes + one.receivedBytes,
      sentBytes: sum.sentBytes + one.sentBytes,
    }),
    { receivedBytes: 0, sentBytes: 0 },
  );
};

describe('bytes on the wire', () => {
  it('have the headers of UDP and IP in them, those of IPv6 are longer', () => {
    const link = (address: string) => ({ address, port: 1, uptimeMs: 1, bytes: 1_000, packets: 10 });
    const links = [link('192.0.2.1'), link('2001:db8::1')];
    expect(sums({ srtla: { groups: [{ id: 'g', links }] } }).receivedBytes).toBe(1_000 + 280 + 1_000 + 480);
  });

  it("are SRT's own count, which has the headers of IPv4 in it", () => {
    const stats = { byteRecvTotal: 5_000, pktRecvTotal: 4, byteSentTotal: 7_000, pktSentTotal: 6 };
    const plain = { publisherId: 'live_a', source: 'srt', uptimeMs: 1, stats };
    const bonded = { ...plain, source: 'srtla' };
    expect(
      sums({
        publishers: [
          { ...plain, address: '192.0.2.1' },
          { ...bonded, address: '::1' },
        ],
      }).receivedBytes,
    ).toBe(5_000);
    expect(sums({ publishers: [{ ...plain, address: '2001:db8::1' }] }).receivedBytes).toBe(5_080);
    expect(sums({ players: [{ key: 'p', address: '2001:db8::1', uptimeMs: 1, stats }] }).sentBytes).toBe(7_120);
  });

  it('go back over links too', () => {
    expect(sums({ counters: { toLinks: 100 } })).toEqual({ receivedBytes: 0, sentBytes: 7_200 });
  });
});
