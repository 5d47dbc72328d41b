import type { NetworkInterfaceInfo } from 'node:os';
import { describe, expect, it } from 'vitest';
import { choosePublicHost, isGlobalAddress } from './public-host.ts';

const address = (text: string, internal = false): NetworkInterfaceInfo => {
  const v6 = text.includes(':');
  const common = { address: text, netmask: '', mac: '', internal, cidr: null };
  return v6 ? { ...common, family: 'IPv6', scopeid: 0 } : { ...common, family: 'IPv4' };
};
const card = (...addresses: string[]): Record<string, NetworkInterfaceInfo[]> => ({
  lo: [address('127.0.0.1', true), address('::1', true)],
  eth0: addresses.map((text) => address(text)),
});

describe('isGlobalAddress', () => {
  it.each([
    '8.8.8.8',
    '100.63.255.255',
    '100.128.0.1',
    '172.15.0.1',
    '172.32.0.1',
    '198.20.0.1',
    '2a01:4f8::1',
    '2600::1',
  ])('%s is global', (text) => expect(isGlobalAddress(text)).toBe(true));
  it.each([
    '10.1.2.3',
    '172.16.0.1',
    '172.31.255.255',
    '192.168.1.5',
    '100.64.0.1',
    '100.127.255.255',
    '169.254.1.1',
    '127.0.0.1',
    '0.0.0.0',
    '192.0.2.7',
    '198.51.100.7',
    '203.0.113.7',
    '198.18.0.1',
    '224.0.0.1',
    '255.255.255.255',
    '::1',
    'fe80::1',
    'fd00::1',
    'fc00::1',
    '2001:db8::1',
    '3fff::1',
    '2002:c000:204::1',
    '2001:0:1::1',
    'ff02::1',
    '::ffff:8.8.8.8',
    'relay.example.org',
    '',
  ])('%s is not', (text) => expect(isGlobalAddress(text)).toBe(false));
});

describe('choosePublicHost', () => {
  const all = card('192.168.1.5', '2a01:4f8::1', '93.184.216.34');

  it('takes publicHost, then publicIp, then the host of appUrl', () => {
    const settings = {
      publicHost: 'relay.example.org',
      publicIp: '93.184.216.35',
      appUrl: 'https://app.example.org/x',
    };
    expect(choosePublicHost(settings, all)).toEqual({ host: 'relay.example.org', local: false });
    expect(choosePublicHost({ ...settings, publicHost: undefined }, all)).toEqual({
      host: '93.184.216.35',
      local: false,
    });
    expect(choosePublicHost({ appUrl: settings.appUrl }, all)).toEqual({ host: 'app.example.org', local: false });
  });

  it.each([
    ['https://app.example.org:3000/', 'app.example.org'],
    ['app.example.org:3000', 'app.example.org'],
    ['http://[2a01:4f8::9]:3000', '2a01:4f8::9'],
    ['http://localhost:3000', '93.184.216.34'],
    ['http://127.0.0.1:3000', '93.184.216.34'],
    ['http://[::1]/', '93.184.216.34'],
    ['http://', '93.184.216.34'],
    ['', '93.184.216.34'],
  ])('appUrl %j gives %s', (appUrl, host) => {
    expect(choosePublicHost({ appUrl }, all)).toEqual({ host, local: false });
  });

  it('prefers global IPv4, then global IPv6, then the local network', () => {
    expect(choosePublicHost({}, all).host).toBe('93.184.216.34');
    expect(choosePublicHost({}, card('192.168.1.5', '2a01:4f8::1'))).toEqual({ host: '2a01:4f8::1', local: false });
    expect(choosePublicHost({}, card('fd00::5', '169.254.3.3', '192.168.1.5'))).toEqual({
      host: '192.168.1.5',
      local: true,
    });
    expect(choosePublicHost({}, card('192.0.2.7'))).toEqual({ host: '192.0.2.7', local: true });
    expect(choosePublicHost({}, card('100.64.3.4', 'fe80::1'))).toEqual({ host: '100.64.3.4', local: true });
  });

  it('passes over bridges of containers', () => {
    const interfaces = { docker0: [address('172.17.0.1')], wlan0: [address('100.64.3.4')] };
    expect(choosePublicHost({}, interfaces).host).toBe('100.64.3.4');
    expect(choosePublicHost({}, { docker0: [address('172.17.0.1')] })).toEqual({ host: '172.17.0.1', local: true });
  });

  it('without any network says loopback', () => {
    expect(choosePublicHost({}, card())).toEqual({ host: '127.0.0.1', local: true });
    expect(choosePublicHost({}, {})).toEqual({ host: '127.0.0.1', local: true });
  });
});
