import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { httpsGet, writeCertificate } from '../../test/support/certificate.ts';
import { planeSettings } from '../../test/support/control-plane.ts';
import { temporaryFolder } from '../../test/support/data-dir.ts';
import { silentLogger } from '../shared/logger.ts';
import { createPlaneApp, sendJson } from './http.ts';
import { listenPlane } from './listen.ts';

const open = (env: Record<string, string>, withLocal = false) => {
  const app = createPlaneApp(silentLogger);
  app.get('/healthz', (_request, reply) => sendJson(reply, 200, { status: 'ok' }));
  return listenPlane(app, planeSettings({ CONTROL_PLANE_PORT: '0', ...env }), silentLogger, withLocal);
};

const certificate = (folder: string): { TLS_CERT: string; TLS_KEY: string } => {
  const [TLS_CERT, TLS_KEY] = [join(folder, 'cert.pem'), join(folder, 'key.pem')];
  writeCertificate(TLS_CERT, TLS_KEY);
  return { TLS_CERT, TLS_KEY };
};

const statusOf = async (url: string): Promise<number | undefined> => (await httpsGet(url)).status;

describe('the port of the control plane', () => {
  it('is on loopback, without a certificate', async () => {
    const listener = await open({});
    expect((await fetch(`http://127.0.0.1:${listener.port}/healthz`)).status).toBe(200);
    await expect(fetch(`http://127.0.0.2:${listener.port}/healthz`)).rejects.toThrow();
    expect(listener.localUrl).toBe(`http://127.0.0.1:${listener.port}`);
    await listener.close();
  });

  it('is on every address behind a proxy', async () => {
    const listener = await open({ BEHIND_PROXY: '1' });
    expect((await fetch(`http://127.0.0.2:${listener.port}/healthz`)).status).toBe(200);
    await listener.close();
  });

  it('is HTTPS with a certificate, and the node beside it has a way of its own', async () => {
    const listener = await open(certificate(temporaryFolder()), true);
    expect(await statusOf(`https://127.0.0.2:${listener.port}/healthz`)).toBe(200);
    expect(listener.localUrl).not.toContain(`:${listener.port}`);
    expect((await fetch(`${listener.localUrl}/healthz`)).status).toBe(200);
    await listener.close();
    await expect(statusOf(`https://127.0.0.1:${listener.port}/healthz`)).rejects.toThrow();
  });

  it('does not open with half a certificate, a missing one, or one of another key', async () => {
    const [one, two] = [certificate(temporaryFolder()), certificate(temporaryFolder())];
    for (const env of [
      { TLS_CERT: one.TLS_CERT },
      { TLS_KEY: one.TLS_KEY },
      { ...one, TLS_CERT: `${one.TLS_CERT}.none` },
      { ...one, TLS_KEY: two.TLS_KEY },
    ])
      await expect(open(env)).rejects.toMatchObject({ code: 'TRIBUTARY_TLS_UNUSABLE' });
  });
});
