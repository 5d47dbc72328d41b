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

/** A logger whose least severity may change; its children follow. */
export interface LeveledLogger extends Logger {
  setLevel(level: LogLevel): void;
}

interface PinoLike {
  debug(fields: object, message: string): void;
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
  child(fields: object): PinoLike;
}

const LEVELS: readonly LogLevel[] = ['trace', 'debug', 'info', 'warn', 'error'];
const DEBUG = LEVELS.indexOf('debug');
const INFO = LEVELS.indexOf('info');
const WARN = LEVELS.indexOf('warn');

/** @param least index of the least severity; one for all children, whose own levels pino would keep */
const wrap = (inner: PinoLike, least: { index: number }): Logger => ({
  debug: (message, fields = {}) => {
    if (least.index <= DEBUG) inner.debug(fields, message);
  },
  info: (message, fields = {}) => {
    if (least.index <= INFO) inner.info(fields, message);
  },
  warn: (message, fields = {}) => {
    if (least.index <= WARN) inner.warn(fields, message);
  },
  error: (message, fields = {}) => inner.error(fields, message),
  child: (fields) => wrap(inner.child(fields), least),
});

/** JSON lines on standard error: standard output belongs to what a person pastes. */
export const createLogger = (level: LogLevel, destination: number | string = 2): LeveledLogger => {
  const least = { index: LEVELS.indexOf(level) };
  const written = pino.destination({ dest: destination, sync: true });
  // A terminal or a reader of the log that is gone ends no stream.
  written.on('error', () => {});
  const inner = pino({ level: 'trace', base: null, timestamp: pino.stdTimeFunctions.isoTime }, written);
  return {
    ...wrap(inner, least),
    setLevel: (chosen) => {
      least.index = LEVELS.indexOf(chosen);
    },
  };
};

const nothing = (): void => {};
export const silentLogger: Logger = {
  debug: nothing,
  info: nothing,
  warn: nothing,
  error: nothing,
  child: () => silentLogger,
};
