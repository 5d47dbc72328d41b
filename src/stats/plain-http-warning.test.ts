import { describe, expect, it } from 'vitest';
import { ADMIN, statsDeps } from '../../test/support/stats-deps.ts';
import { type Logger, silentLogger } from '../shared/logger.ts';
import { PlainHttpWarning } from './plain-http-warning.ts';
import { createStatsServer } from './stats-server.ts';

const FROM_AFAR = '8.8.4.4';
const KEY = { authorization: `Bearer ${ADMIN}` };

const set = async () => {
  const said: string[] = [];
  const time = { now: 0 };
  const logger: Logger = { ...silentLogger, warn: (message) => said.push(message) };
  const deps = await statsDeps();
  const settings = { ...deps.settings, http: { ...deps.settings.http, trustedProxies: ['10.0.0.1'] } };
  const plainHttp = new PlainHttpWarning(logger, () => time.now);
  const { app } = createStatsServer({ ...deps, settings, plainHttp });
  const ask = async (remoteAddress: string, headers: Record<string, string>): Promise<number> => {
    const before = said.length;
    await app.inject({ url: '/api/streams', remoteAddress, headers });
    return said.length - before;
  };
  return { ask, said, time };
};

describe('a key over plain HTTP', () => {
  it('from the Internet is said to be readable, once an hour', async () => {
    const { ask, said, time } = await set();
    expect(await ask(FROM_AFAR, {})).toBe(0);
    expect(await ask('192.168.1.9', KEY)).toBe(0);
    expect(await ask('127.0.0.1', KEY)).toBe(0);
    expect(await ask(FROM_AFAR, KEY)).toBe(1);
    expect(said[0]).toContain('http.tlsCert');
    time.now = 3_599_999;
    expect(await ask(FROM_AFAR, KEY)).toBe(0);
    time.now = 3_600_000;
    expect(await ask(FROM_AFAR, KEY)).toBe(1);
  });

  it('behind a proxy counts only where the proxy says that it was plain', async () => {
    const { ask } = await set();
    const by = (proto: Record<string, string>) => ask('10.0.0.1', { ...KEY, 'x-forwarded-for': FROM_AFAR, ...proto });
    expect(await by({})).toBe(0);
    expect(await by({ 'x-forwarded-proto': 'https' })).toBe(0);
    expect(await by({ 'x-forwarded-proto': 'http' })).toBe(1);
  });
});
