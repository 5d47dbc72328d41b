import { describe, expect, it } from 'vitest';
import { firewallLine, keyLine, type UrlInput, urlLines } from './urls.ts';

const ports = { srtla: [5000], publish: 4001, play: 4000, stats: 8090, links: 5080 };
const pair = [
  { publisher: 'live_3f00', player: 'play_3f00', description: 'for the OBS plugin' },
  { publisher: 'live_3f00', player: 'play_a1b2' },
];
const input = (changes: Partial<UrlInput> = {}): UrlInput => ({
  host: { host: 'relay.example.org', local: false },
  ports,
  rows: pair,
  ...changes,
});

describe('urlLines', () => {
  it('prints what the first start shows', () => {
    expect(urlLines(input()).join('\n')).toMatchInlineSnapshot(`
      "
      Sender, bonded (IRL Pro, Moblin, BELABOX):
        srtla://relay.example.org:5000?streamid=live_3f00
      Sender, plain SRT over one link:
        srt://relay.example.org:4001?streamid=live_3f00
      Player (OBS media source, VLC, ffmpeg):
        srt://relay.example.org:4000?streamid=play_a1b2&mode=caller&latency=2000000
          the one to share: it only lets people watch
        srt://relay.example.org:4000?streamid=play_3f00&mode=caller&latency=2000000
          for the OBS plugin only: it gives away the publisher id
      Statistics of the stream:
        http://relay.example.org:8090/stats/play_a1b2?legacy=1

      Statistics of links:
        http://relay.example.org:5080/stats

      Open in the firewall: 5000/udp 4000/udp 8090/tcp 5080/tcp (and 4001/udp for plain SRT senders)
      "
    `);
  });

  it('brackets IPv6 and names further SRTLA ports', () => {
    const text = urlLines(
      input({ host: { host: '2a01:4f8::1', local: false }, ports: { ...ports, srtla: [5001, 443] } }),
    ).join('\n');
    expect(text).toContain('  srtla://[2a01:4f8::1]:5001?streamid=live_3f00\n  or the same with port 443\n');
    expect(text).toContain('http://[2a01:4f8::1]:5080/stats');
    expect(text).toContain('5001/udp 443/udp 4000/udp');
    expect(text).not.toContain('reachable only');
  });

  it('says how far a local address reaches', () => {
    expect(urlLines(input({ host: { host: '192.168.1.5', local: true } }))).toContain(
      '192.168.1.5 is reachable only in this network; for a phone on cellular forward UDP 5000 and set TRIBUTARY_PUBLIC_HOST',
    );
  });

  it('puts every id where it belongs, and counts what the limit leaves out', () => {
    const rows = [...pair, { publisher: 'live_77', player: 'play_88' }, { publisher: 'x', player: 'y' }];
    const all = urlLines(input({ rows })).join('\n');
    expect(all.match(/srtla:\/\//g)).toHaveLength(3);
    const limited = urlLines(input({ rows, limit: 1 })).join('\n');
    expect(limited).not.toContain('live_77');
    expect(limited).toContain('… and 2 more');
    expect(urlLines(input({ rows: [] })).join('\n')).toContain('no stream id yet');
  });

  it('escapes what would end an id in a URL, and mentions a passphrase without printing it', () => {
    const text = urlLines(
      input({ rows: [{ publisher: 'live/a&b#c?d%e+f', player: 'app/play=1', passphrase: 'never-shown-here' }] }),
    ).join('\n');
    expect(text).toContain('streamid=live/a%26b%23c%3Fd%25e%2Bf\n');
    expect(text).toContain('streamid=app/play=1&mode=caller');
    expect(text).toContain('&passphrase=…');
    expect(text).not.toContain('never-shown-here');
  });
});

it('keyLine has the words that set-up scripts look for', () => {
  expect(keyLine('K3y')).toBe('Generated default admin API key: K3y');
});

it('firewallLine has the real ports', () => {
  expect(firewallLine({ srtla: [6000], publish: 6001, play: 6002, stats: 6003, links: 6004 })).toBe(
    'Open in the firewall: 6000/udp 6002/udp 6003/tcp 6004/tcp (and 6001/udp for plain SRT senders)',
  );
});
