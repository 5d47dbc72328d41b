import type { Settings } from '../config/schema.ts';
import type { Millis } from '../shared/clock.ts';
import { messageOf, TributaryError } from '../shared/errors.ts';
import type { Logger } from '../shared/logger.ts';
import { followKeyPair, readKeyPair, type TlsKeyPair } from '../shared/tls-files.ts';
import { type HttpApplication, HttpListener, type UpgradeHandler } from './http-listener.ts';

const SETTINGS = 'http.tlsCert and http.tlsKey';
/** Whoever holds the port may be a node that is about to stop. The pauses double. */
const FIRST_PAUSE_MS: Millis = 1_000;
const LONGEST_PAUSE_MS: Millis = 60_000;

interface TlsPortOptions {
  readonly app: HttpApplication;
  readonly onUpgrade: UpgradeHandler;
  readonly settings: Pick<Settings, 'bind' | 'http'>;
  readonly logger: Logger;
  /** Before a port that could not be opened is tried for the second time. */
  readonly firstPauseMs?: Millis;
}

/**
 * The HTTPS port of a node. Streams do not need it: while its certificate cannot be used or its port is another program's it is closed, the log
 * says so once, and it opens when the files are right and the port is free.
 */
export class TlsPort {
  readonly #options: TlsPortOptions;
  #listener: HttpListener | undefined;
  /** To be served as soon as the port is open. */
  #pair: TlsKeyPair | undefined;
  #opening: Promise<void> | undefined;
  #pauseMs: Millis;
  /** That the port cannot be opened. */
  #hasSaid = false;
  #pausing: NodeJS.Timeout | undefined;
  #endFollowing: () => void = () => {};
  #closed = false;

  private constructor(options: TlsPortOptions) {
    this.#options = options;
    this.#pauseMs = options.firstPauseMs ?? FIRST_PAUSE_MS;
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
    clearTimeout(this.#pausing);
    this.#endFollowing();
    await this.#opening;
    await this.#listener?.close();
  }

  async #take(tls: TlsKeyPair): Promise<void> {
    this.#pair = tls;
    if (this.#listener) this.#listener.renewTls(tls);
    else await this.#tryToOpen();
  }

  /** One try at a time: a second one would find the port in use by the first. */
  #tryToOpen(): Promise<void> {
    this.#opening ??= this.#open().finally(() => {
      this.#opening = undefined;
    });
    return this.#opening;
  }

  async #open(): Promise<void> {
    if (this.#closed || this.#listener || this.#pair === undefined) return;
    clearTimeout(this.#pausing);
    const { app, onUpgrade, settings, logger } = this.#options;
    const tls = this.#pair;
    try {
      const listener = await HttpListener.open(app, {
        ...{ bind: settings.bind, port: settings.http.tlsPort, portSetting: 'TRIBUTARY_HTTP_TLS_PORT', onUpgrade, tls },
        trustedProxies: () => settings.http.trustedProxies,
      });
      this.#listener = listener;
      if (this.#pair !== tls) listener.renewTls(this.#pair);
      logger.info('HTTPS is served', { port: listener.port });
    } catch (error) {
      if (!(error instanceof TributaryError)) throw error;
      this.#tryAgain(error);
    }
  }

  #tryAgain(why: TributaryError): void {
    if (this.#closed) return;
    if (!this.#hasSaid)
      this.#options.logger.error('HTTPS is not served yet, everything else is; its port is tried again and again', {
        error: why.line,
      });
    this.#hasSaid = true;
    this.#pausing = setTimeout(() => {
      this.#tryToOpen().catch((error: unknown) =>
        this.#options.logger.error('HTTPS is not served', { error: messageOf(error) }),
      );
    }, this.#pauseMs).unref();
    this.#pauseMs = Math.min(2 * this.#pauseMs, LONGEST_PAUSE_MS);
  }
}
