import { readFileSync, statSync } from 'node:fs';
import type { FastifyInstance } from 'fastify';
import type { Settings } from '../config/schema.ts';
import { codeOf, messageOf, TributaryError } from '../shared/errors.ts';
import type { Logger } from '../shared/logger.ts';
import { HttpListener, type TlsKeyPair } from '../stats/http-listener.ts';
import { trustedProxiesOf } from './control-plane.ts';

const RENEW_LOOK_MS = 60_000;
/** Each node holds one for its list, each client one for its questions. */
const MAX_CONNECTIONS = 4_096;
const LOOPBACK = ['127.0.0.1'];

/** Where the control plane takes requests. */
export interface PlaneListener {
  readonly port: number;
  /** On loopback without a certificate, for a node that was started beside it. */
  readonly localUrl: string;
  close(): Promise<void>;
}

const unusable = (path: string, why: string, cause?: unknown): TributaryError =>
  new TributaryError(
    'TRIBUTARY_TLS_UNUSABLE',
    `${path} cannot be used (${why})`,
    'check TLS_CERT and TLS_KEY, and that the user that runs the control plane may read them',
    cause,
  );

const readPem = (path: string): string => {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    throw unusable(path, codeOf(error) ?? messageOf(error), error);
  }
};

/** @throws TributaryError TRIBUTARY_TLS_UNUSABLE */
const readKeyPair = async (certPath: string, keyPath: string): Promise<TlsKeyPair> => {
  const { createSecureContext } = await import('node:tls');
  const pair = { cert: readPem(certPath), key: readPem(keyPath) };
  try {
    createSecureContext(pair);
  } catch (error) {
    throw unusable(certPath, messageOf(error), error);
  }
  return pair;
};

/** Takes a certificate that was renewed in its place, and keeps the old one while the new one cannot be used. */
const keepRenewed = (listener: HttpListener, certPath: string, keyPath: string, logger: Logger): NodeJS.Timeout => {
  const stamp = (): number => statSync(certPath).mtimeMs + statSync(keyPath).mtimeMs;
  let known = stamp();
  return setInterval(async () => {
    try {
      const now = stamp();
      if (now === known) return;
      listener.renewTls(await readKeyPair(certPath, keyPath));
      known = now;
      logger.info('the certificate was renewed');
    } catch (error) {
      logger.warn('the new certificate cannot be used yet', { error: messageOf(error) });
    }
  }, RENEW_LOOK_MS).unref();
};

/**
 * Opens the port: on loopback alone, unless there is a certificate, or a proxy that has one.
 * @param withLocal a node beside it is to reach it without a certificate
 * @throws TributaryError TRIBUTARY_TLS_UNUSABLE, TRIBUTARY_PORT_IN_USE, TRIBUTARY_BIND_FAILED
 */
export const listenPlane = async (
  app: FastifyInstance,
  settings: Settings,
  logger: Logger,
  withLocal: boolean,
): Promise<PlaneListener> => {
  const { port, tlsCert, tlsKey, behindProxy } = settings.controlPlane;
  if ((tlsCert === undefined) !== (tlsKey === undefined))
    throw unusable(tlsCert ?? tlsKey ?? '', 'a certificate and its key are given together');
  const tls = tlsCert !== undefined && tlsKey !== undefined ? await readKeyPair(tlsCert, tlsKey) : undefined;
  const isPublic = tls !== undefined || behindProxy;
  const shared = {
    portSetting: 'CONTROL_PLANE_PORT',
    trustedProxies: trustedProxiesOf(settings),
    maxConnections: MAX_CONNECTIONS,
  };
  const listener = await HttpListener.open(app, {
    ...shared,
    bind: isPublic ? settings.bind : LOOPBACK,
    port,
    ...(tls ? { tls } : {}),
  });
  const local = tls && withLocal ? await HttpListener.open(app, { ...shared, bind: LOOPBACK, port: 0 }) : undefined;
  const renewing = tls && keepRenewed(listener, tlsCert!, tlsKey!, logger);
  return {
    port: listener.port,
    localUrl: `http://127.0.0.1:${(local ?? listener).port}`,
    close: async () => {
      clearInterval(renewing);
      await Promise.all([listener.close(), local?.close()]);
    },
  };
};
