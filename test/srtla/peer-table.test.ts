import { describe, expect, it } from 'vitest';
import { PeerTable } from '../../src/srtla/peer-table.ts';

describe('the peer table', () => {
  it('gives a registered address its own number, on its own socket', () => {
    const table = new PeerTable();
    const peer = table.peerOf(0, '192.0.2.1', 5000);
    table.hold(peer);
    table.hold(peer);
    expect(table.peerOf(0, '192.0.2.1', 5000)).toBe(peer);
    expect(table.peerOf(1, '192.0.2.1', 5000)).not.toBe(peer);
    expect(table.peerOf(0, '192.0.2.1', 5001)).not.toBe(peer);
    expect([table.address(peer), table.port(peer), table.entry(peer).socket]).toEqual(['192.0.2.1', 5000, 0]);
    expect(table.heldCount).toBe(1);
  });

  it('shows IPv4-mapped addresses as IPv4, and sends to them as they came', () => {
    const table = new PeerTable();
    const peer = table.peerOf(0, '::ffff:192.0.2.1', 5000);
    expect(table.address(peer)).toBe('192.0.2.1');
    expect(table.entry(peer).rawAddress).toBe('::ffff:192.0.2.1');
  });

  it('keeps held numbers through any flood of strangers, in bounded memory', () => {
    const table = new PeerTable();
    const held = Array.from({ length: 100 }, (_, i) => {
      const peer = table.peerOf(0, `192.0.2.${i}`, 5000);
      table.hold(peer);
      return peer;
    });
    const strangers = new Set<number>();
    for (let i = 0; i < 100_000; i++) strangers.add(table.peerOf(0, `10.${i >> 16}.${(i >> 8) & 255}.${i & 255}`, 1));
    expect(strangers.size).toBe(4_096);
    for (const [i, peer] of held.entries()) {
      expect(strangers.has(peer)).toBe(false);
      expect(table.peerOf(0, `192.0.2.${i}`, 5000)).toBe(peer);
    }
  });

  it('uses released numbers again', () => {
    const table = new PeerTable();
    const seen = new Set<number>();
    for (let i = 0; i < 10_000; i++) {
      const peer = table.peerOf(0, '192.0.2.1', i);
      table.hold(peer);
      seen.add(peer);
      table.release(peer);
      table.release(peer);
    }
    expect(table.heldCount).toBe(0);
    expect(seen.size).toBeLessThanOrEqual(4_097);
    const again = table.peerOf(0, '192.0.2.1', 1);
    expect(table.peerOf(0, '192.0.2.1', 1)).not.toBe(again);
  });
});
