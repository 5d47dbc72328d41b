import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { defaultLinkSource, linkSourceOf } from '../sender/link-list.ts';
import { parseSendArguments, type SendArguments } from './send-arguments.ts';

const ID = 'live_0123456789abcdef0123456789abcdef';
const parse = (text: string): SendArguments => parseSendArguments(text.split(' ')) as SendArguments;
let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'tributary-send-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('arguments of send', () => {
  it('takes the URL that a node prints', () => {
    const args = parse(`--to srtla://relay.example:5000?streamid=${ID} --input test`);
    expect(args.to).toEqual({ host: 'relay.example', port: 5000, streamId: ID });
    expect(args.input).toMatchObject({ from: 'test', streamId: ID, latencyMs: 2000, reconnect: false });
  });

  it.each([
    ['127.0.0.1:5001', { host: '127.0.0.1', port: 5001 }],
    ['relay.example', { host: 'relay.example', port: 5000 }],
    ['[2001:db8::1]:5001', { host: '2001:db8::1', port: 5001 }],
    ['srtla://[2001:db8::1]', { host: '2001:db8::1', port: 5000 }],
    ['srtla://relay.example:5001/', { host: 'relay.example', port: 5001 }],
  ])('reads --to %s', (text, to) => {
    expect(parse(`--listen 0 --to ${text}`).to).toMatchObject(to);
  });

  it.each([
    ['5005', { host: '127.0.0.1', port: 5005 }],
    ['0', { host: '127.0.0.1', port: 0 }],
    ['0.0.0.0:5005', { host: '0.0.0.0', port: 5005 }],
    ['[::1]:0', { host: '::1', port: 0 }],
  ])('reads --listen %s', (text, listen) => {
    expect(parse(`--to a:1 --listen ${text}`).listen).toEqual(listen);
  });

  it('knows the profiles, and other keepalives for them', () => {
    const profileOf = (text: string) => parse(`--to a:1 --listen 0${text}`).profile;
    expect(profileOf('')).toMatchObject({ name: 'bel', keepalive: { bytes: 2, when: 'idle' } });
    expect(profileOf(' --profile moblin')).toMatchObject({ name: 'moblin', keepalive: { bytes: 10 } });
    expect(profileOf(' --profile snd')).toMatchObject({ name: 'snd', keepalive: { bytes: 38, when: 'always' } });
    expect(profileOf(' --profile snd --keepalive 42')).toMatchObject({ name: 'snd', keepalive: { bytes: 42 } });
  });

  it('gives links of their own ways', () => {
    expect(parse('--to a:1 --listen 0 --via 127.0.0.1:7,[::1]:8').via).toEqual([
      { host: '127.0.0.1', port: 7 },
      { host: '::1', port: 8 },
    ]);
  });

  it('impairs every link, or each in its own way', () => {
    expect(parse('--to a:1 --listen 0')).toMatchObject({ impairments: [], seed: 1 });
    const { impairments, seed } = parse('--to a:1 --listen 0 --impair 30±10ms,loss=1%;none --seed 7');
    expect(impairments.map(({ up }) => [up.delayMs, up.jitterMs, up.lossRate])).toEqual([
      [30, 10, 0.01],
      [0, 0, 0],
    ]);
    expect(seed).toBe(7);
  });

  it('knows a command for a running sender, and help', () => {
    expect(parseSendArguments(['--control', 'unix:/c', '--command', 'block 127.0.0.1'])).toEqual({
      control: 'unix:/c',
      command: 'block 127.0.0.1',
    });
    expect(parseSendArguments(['--help', '--json'])).toBeUndefined();
  });

  it.each([
    ['--listen 0', /--to is missing/],
    ['--to a:1', /nothing to send/],
    ['--to a:99999 --listen 0', /no address and port/],
    ['--to a:1?streamid=x --listen 0', /--to is not an address/],
    ['--to a:1 --listen 70000', /--listen "70000"/],
    ['--to a:1 --listen host:5', /--listen "host:5"/],
    ['--to a:1 --listen 0 --profile moblin9', /no profile "moblin9"/],
    ['--to a:1 --listen 0 --keepalive 11', /no keepalive of "11" bytes/],
    ['--to a:1 --listen 0 --profile constructor', /no profile "constructor"/],
    ['--to a:1 --input test', /needs a stream id/],
    ['--to a:1 --input test --streamid x --latency 5', /--latency "5"/],
    ['--to a:1 --input test --streamid x --passphrase short', /--passphrase/],
    ['--to a:1 --listen 0 --via nowhere', /--via "nowhere"/],
    ['--to a:1 --listen 0 --links 127.0.0.1,nonsense', /link "nonsense"/],
    ['--to a:1 --listen 0 --impair 30', /--impair: "30" is no delay/],
    ['--to a:1 --listen 0 --seed x', /--seed "x"/],
    ['--bogus', /bogus/],
    ['--command list', /--command needs --control/],
  ])('refuses "%s" in one line', (text, message) => {
    expect(() => parse(text)).toThrow(message);
    expect(() => parse(text)).toThrow(expect.objectContaining({ code: 'TRIBUTARY_BAD_ARGUMENT' }));
    try {
      parse(text);
    } catch (error) {
      expect((error as Error).message).not.toContain('\n');
    }
  });

  it('does not repeat a stream id in an error', () => {
    expect(() => parse(`--listen 0 --to srtla://a:0?streamid=${ID}`)).toThrow(
      expect.objectContaining({ message: expect.not.stringContaining(ID) }),
    );
  });
});

describe('--links', () => {
  it('reads a file again each time', () => {
    const path = join(folder, 'links');
    writeFileSync(path, '# mine\n127.0.1.1\r\n\n 127.0.2.1 \n127.0.1.1\n');
    const source = linkSourceOf(path);
    expect(source.read()).toEqual(['127.0.1.1', '127.0.2.1']);
    writeFileSync(path, '127.0.3.1\n');
    expect(source.read()).toEqual(['127.0.3.1']);
    writeFileSync(path, 'eth0\n');
    expect(() => source.read()).toThrow(/link "eth0"/);
    writeFileSync(path, '# nothing\n');
    expect(() => source.read()).toThrow(/names no link/);
    expect(() => linkSourceOf(join(folder, 'absent')).read()).toThrow(/cannot read --links/);
  });

  it('defaults to loopback towards loopback', () => {
    expect(defaultLinkSource({ port: 1, ipv4: '127.0.0.1', ipv6: undefined }).read()).toEqual(['127.0.0.1']);
    expect(defaultLinkSource({ port: 1, ipv4: undefined, ipv6: '::1' }).read()).toEqual(['::1']);
  });
});
