import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { join } from 'node:path';
import Fastify from 'fastify';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { httpsGet, writeCertificate } from '../../test/support/certificate.ts';
import { temporaryFolder } from '../../test/support/data-dir.ts';
import { until } from '../../test/support/processes.ts';
import { loadSettings } from '../config/resolve.ts';
import { type Logger, silentLogger } from '../shared/logger.ts';
import { HttpListener } from './http-listener.ts';
import { onOnePort } from './one-port.ts';
import { TlsPort } from './tls-port.ts';

const holdPort = async () => {
  const holder = createServer().listen(0, '127.0.0.1');
  await once(holder, 'listening');
  onTestFinished(() => void holder.close());
  return { port: (holder.address() as AddressInfo).port, letGo: () => new Promise((done) => holder.close(done)) };
};

const open = async (port: number) => {
  const folder = temporaryFolder();
  const [cert, key] = [join(folder, 'cert.pem'), join(folder, 'key.pem')];
  writeCertificate(cert, key);
  const env = {
    ...{ TRIBUTARY_HTTP_TLS_CERT: cert, TRIBUTARY_HTTP_TLS_KEY: key, TRIBUTARY_HTTP_TLS_PORT: String(port) },
    TRIBUTARY_BIND: '127.0.0.1',
  };
  const loaded = loadSettings({ argv: [], env, cwd: '/', readFile: () => undefined });
  if ('problems' in loaded) throw new Error(loaded.problems.join());
  const errors: string[] = [];
  const logger: Logger = { ...silentLogger, error: (text, fields) => void errors.push(`${text} ${fields?.error}`) };
  const app = Fastify();
  app.get('/', async () => 'here');
  await app.ready();
  const tls = (await TlsPort.open({
    ...{
      app: onOnePort(app, undefined),
      onUpgrade: (_request, socket) => socket.destroy(),
      settings: loaded.settings,
      logger,
    },
    firstPauseMs: 10,
  }))!;
  onTestFinished(() => tls.close());
  return { tls, errors };
};

describe('an HTTPS port that another program holds', () => {
  it('is opened when that has ended, though no certificate changes, and the log says once what is wrong', async () => {
    const tries = vi.spyOn(HttpListener, 'open');
    onTestFinished(() => tries.mockRestore());
    const holder = await holdPort();
    const { tls, errors } = await open(holder.port);
    expect(tls.port).toBe(0);
    await until('further tries', () => tries.mock.calls.length >= 3);
    await holder.letGo();
    await until('HTTPS', () => tls.port === holder.port);
    expect((await httpsGet(`https://127.0.0.1:${holder.port}/`)).text).toBe('here');
    expect(errors).toEqual([expect.stringContaining(`127.0.0.1:${holder.port} is in use by another program`)]);
  });
});
