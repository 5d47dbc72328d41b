import type { Settings } from '../config/schema.ts';
import { TributaryError } from '../shared/errors.ts';
import type { Logger } from '../shared/logger.ts';
import { followKeyPair, readKeyPair, type TlsKeyPair } from '../shared/tls-files.ts';
import { type HttpApplication, HttpListener, type UpgradeHandler } from './http-listener.ts';

const SETTINGS = 'http.tlsCert and http.tlsKey';

interface TlsPortOptions {
  readonly app: HttpApplication;
  readonly onUpgrade: UpgradeHandler;
  readonly settings: Pick<Settings, 'bind' | 'http'>;
  readonly logger: Logger;
}

/**
 * The HTTPS port of a node. Streams do not need it: while its certificate cannot be used it is closed, the log says so, and it opens once the
 * files are right.
 */
export class TlsPort {
  readonly #options: TlsPortOptions;
  #listener: HttpListener | undefined;
  #endFollowing: () => void = () => {};
  #closed = false;

  private constructor(options: TlsPortOptions) {
    this.#options = options;
  }

  /** @returns undefined where the settings name no certificate */
  static async open(options: TlsPortOptions): Promise<TlsPort | undefined> {
    const { settings, logger } = options;
    const { tlsCert: cert, tlsKey: key } = settings.http;
    if (cert === undefined || key === undefined) return undefined;
    const files = { cert, key, settings: SETTINGS };
    const port = new TlsPort(options);
    try {
      await port.#take(await readKeyPair(files));
    } catch (error) {
      if (!(error instanceof TributaryError)) throw error;
      logger.error('HTTPS is not served yet, everything else is', { error: error.line });
    }
    port.#endFollowing = followKeyPair(files, logger, (pair) => port.#take(pair));
    return port;
  }

  /** 0 while it is closed. */
  get port(): number {
    return this.#listener?.port ?? 0;
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#endFollowing();
    await this.#listener?.close();
  }

  async #take(tls: TlsKeyPair): Promise<void> {
    if (this.#closed) return;
    if (this.#listener) {
      this.#listener.renewTls(tls);
      return;
    }
    const { app, onUpgrade, settings, logger } = this.#options;
    const listener = await HttpListener.open(app, {
      ...{ bind: settings.bind, port: settings.http.tlsPort, portSetting: 'TRIBUTARY_HTTP_TLS_PORT', onUpgrade, tls },
      trustedProxies: () => settings.http.trustedProxies,
    });
    if (this.#closed) await listener.close(0);
    else {
      this.#listener = listener;
      logger.info('HTTPS is served', { port: listener.port });
    }
  }
}
