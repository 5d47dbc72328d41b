import type { FastifyInstance } from 'fastify';
import type { Settings } from '../config/schema.ts';
import type { Logger } from '../shared/logger.ts';
import { followKeyPair, readKeyPair, unusableTls } from '../shared/tls-files.ts';
import { HttpListener } from '../stats/http-listener.ts';
import { trustedProxiesOf } from './control-plane.ts';

/** Each node holds one for its list, each client one for its questions. */
const MAX_CONNECTIONS = 4_096;
const TLS_SETTINGS = 'TLS_CERT and TLS_KEY';
const LOOPBACK = ['127.0.0.1'];

/** Where the control plane takes requests. */
export interface PlaneListener {
  readonly port: number;
  /** On loopback without a certificate, for a node that was started beside it. */
  readonly localUrl: string;
  close(): Promise<void>;
}

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
    throw unusableTls(tlsCert ?? tlsKey ?? '', 'a certificate and its key are given together', TLS_SETTINGS);
  const files =
    tlsCert !== undefined && tlsKey !== undefined ? { cert: tlsCert, key: tlsKey, settings: TLS_SETTINGS } : undefined;
  const tls = files && (await readKeyPair(files));
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
  const endRenewing = files && followKeyPair(files, logger, (pair) => listener.renewTls(pair));
  return {
    port: listener.port,
    localUrl: `http://127.0.0.1:${(local ?? listener).port}`,
    close: async () => {
      endRenewing?.();
      await Promise.all([listener.close(), local?.close()]);
    },
  };
};
