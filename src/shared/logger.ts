import { pino } from 'pino';

export type LogFields = Readonly<Record<string, string | number | boolean | null | undefined>>;
export type LogLevel = 'trace' | 'debug' | 'info' | 'warn' | 'error';

/** What the parts log through. `message` is constant text; what varies goes into `fields`. Publisher ids go through `redact.ts` first. */
export interface Logger {
  debug(message: string, fields?: LogFields): void;
  info(message: string, fields?: LogFields): void;
  warn(message: string, fields?: LogFields): void;
  error(message: string, fields?: LogFields): void;
  child(fields: LogFields): Logger;
}

interface PinoLike {
  debug(fields: object, message: string): void;
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
  child(fields: object): PinoLike;
}

const wrap = (inner: PinoLike): Logger => ({
  debug: (message, fields = {}) => inner.debug(fields, message),
  info: (message, fields = {}) => inner.info(fields, message),
  warn: (message, fields = {}) => inner.warn(fields, message),
  error: (message, fields = {}) => inner.error(fields, message),
  child: (fields) => wrap(inner.child(fields)),
});

/** JSON lines on standard error: standard output belongs to what a person pastes. */
export const createLogger = (level: LogLevel, destination: number | string = 2): Logger =>
  wrap(
    pino(
      { level, base: null, timestamp: pino.stdTimeFunctions.isoTime },
      pino.destination({ dest: destination, sync: true }),
    ),
  );

const nothing = (): void => {};
export const silentLogger: Logger = {
  debug: nothing,
  info: nothing,
  warn: nothing,
  error: nothing,
  child: () => silentLogger,
};
