import { readFileSync } from 'node:fs';
import { codeOf, messageOf, TributaryError } from './errors.ts';
import { FileWatch } from './file-watch.ts';
import type { Logger } from './logger.ts';

/** PEM. */
export interface TlsKeyPair {
  readonly cert: string;
  readonly key: string;
}

/** Where a certificate with its chain is, and its key. */
export interface TlsFiles {
  readonly cert: string;
  readonly key: string;
  /** The settings that name them, for error texts. */
  readonly settings: string;
}

export const unusableTls = (path: string, why: string, settings: string, cause?: unknown): TributaryError =>
  new TributaryError(
    'TRIBUTARY_TLS_UNUSABLE',
    `${path} cannot be used (${why})`,
    `check ${settings}, and that the user that runs this may read them`,
    cause,
  );

/** @throws TributaryError TRIBUTARY_TLS_UNUSABLE */
export const readKeyPair = async ({ cert, key, settings }: TlsFiles): Promise<TlsKeyPair> => {
  const { createSecureContext } = await import('node:tls');
  const read = (path: string): string => {
    try {
      return readFileSync(path, 'utf8');
    } catch (error) {
      throw unusableTls(path, codeOf(error) ?? messageOf(error), settings, error);
    }
  };
  const pair = { cert: read(cert), key: read(key) };
  try {
    createSecureContext(pair);
  } catch (error) {
    throw unusableTls(cert, messageOf(error), settings, error);
  }
  return pair;
};

/**
 * Takes a certificate that was renewed in its place; one that cannot be used is passed over, for the second of two files comes after the first.
 * @param take may throw what `readKeyPair` does
 * @returns what ends it
 */
export const followKeyPair = (
  files: TlsFiles,
  logger: Logger,
  take: (pair: TlsKeyPair) => Promise<void> | void,
): (() => void) => {
  const renew = async (): Promise<void> => {
    try {
      await take(await readKeyPair(files));
      logger.info('the certificate was renewed');
    } catch (error) {
      logger.warn('the new certificate cannot be used yet', { error: messageOf(error) });
    }
  };
  const watch = new FileWatch([files.cert, files.key], () => void renew());
  return () => watch.close();
};
