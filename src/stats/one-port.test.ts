import { describe, expect, it } from 'vitest';
import { isForDashboard } from './one-port.ts';

const SIGNED_IN = { cookie: 'tributary_0a1b2c3d_s=x' };
const KEY = { authorization: 'Bearer k' };

describe('one port for statistics and dashboard', () => {
  it.each([
    ...['/', '/?x=1', '/manage', '/manage/keys', '/setup', '/api-docs', '/session', '/feed', '/theme.js', '/icon.svg'],
    ...['/manifest.webmanifest', '/streams/stream-0a1b2c', '/s/token', '/s/token/feed', '/assets/main-1.js'],
    ...['/data/ids', '/data/streams/stream-0a1b2c/history?x', '/preview/stream-0a1b2c'],
  ])('%s is for the dashboard', (url) => {
    expect(isForDashboard({ url, headers: {} })).toBe(true);
  });
  it.each([
    ...[
      '/health',
      '/readyz',
      '/metrics',
      '/stats',
      '/stats/play_x?legacy=1',
      '/v1/doctor',
      '/v1/events',
      '/ws/stats/x',
    ],
    ...['/streams/play_x/srtla', '/streams/play_x/vvlive?y', '/managers', '/session2', '/nothing'],
  ])('%s is for the statistics, cookie or not', (url) => {
    expect(isForDashboard({ url, headers: SIGNED_IN })).toBe(false);
  });
  it('has the management API of both: of whoever is signed in, and of whoever brings a key', () => {
    const url = '/api/stream-ids';
    expect(isForDashboard({ url, headers: SIGNED_IN })).toBe(true);
    expect(isForDashboard({ url, headers: { ...SIGNED_IN, ...KEY } })).toBe(false);
    expect(isForDashboard({ url, headers: {} })).toBe(false);
  });
});
