import type { Millis } from '../shared/clock.ts';
import type { LogFields, Logger } from '../shared/logger.ts';

type Severity = 'debug' | 'info' | 'warn' | 'error';

/** One log line of the data-plane thread. Main writes it: writing to a pipe that nobody empties would stop the packets. */
export interface LogMessage {
  type: 'log';
  /** Main writes it into the header's `logSeen` when it has taken the line. */
  sequence: number;
  severity: Severity;
  message: string;
  fields: LogFields;
  /** `commonNow` when it was said. */
  atMs: Millis;
}

/** Lines that may wait for main; what is said beyond them is lost, and counted. */
export const MAX_WAITING_LINES = 256;
/** A line that was written later than this says so. */
const LATE_MS: Millis = 250;

export interface ThreadLogOptions {
  post: (message: LogMessage) => void;
  /** The header's `logSeen`. */
  seen: () => number;
  clock: () => Millis;
  /** Debug lines are wanted; else they do not leave the thread. */
  debug: () => boolean;
}

/** The logger of the data-plane thread: lines go to main as messages, in order. */
export class ThreadLog implements Logger {
  readonly #options: ThreadLogOptions;
  #sequence = 0;
  #unsaid = 0;
  lost = 0;

  constructor(options: ThreadLogOptions) {
    this.#options = options;
  }

  debug(message: string, fields?: LogFields): void {
    if (this.#options.debug()) this.say('debug', message, fields);
  }

  info(message: string, fields?: LogFields): void {
    this.say('info', message, fields);
  }

  warn(message: string, fields?: LogFields): void {
    this.say('warn', message, fields);
  }

  error(message: string, fields?: LogFields): void {
    this.say('error', message, fields);
  }

  child(fields: LogFields): Logger {
    return new ChildLog(this, fields);
  }

  say(severity: Severity, message: string, fields: LogFields = {}): void {
    this.flush();
    if (this.#isFull) {
      this.lost++;
      this.#unsaid++;
    } else this.#send(severity, message, fields);
  }

  /** Tells of lines that were lost, as soon as there is room. */
  flush(): void {
    if (this.#unsaid === 0 || this.#isFull) return;
    const lines = this.#unsaid;
    this.#unsaid = 0;
    this.#send('warn', 'log lines of the data plane were lost', { lines });
  }

  get #isFull(): boolean {
    return ((this.#sequence - this.#options.seen()) | 0) >= MAX_WAITING_LINES;
  }

  #send(severity: Severity, message: string, fields: LogFields): void {
    this.#sequence++;
    this.#options.post({
      type: 'log',
      sequence: this.#sequence,
      severity,
      message,
      fields,
      atMs: this.#options.clock(),
    });
  }
}

class ChildLog implements Logger {
  readonly #parent: Logger;
  readonly #fields: LogFields;

  constructor(parent: Logger, fields: LogFields) {
    this.#parent = parent;
    this.#fields = fields;
  }

  debug(message: string, fields?: LogFields): void {
    this.#parent.debug(message, { ...this.#fields, ...fields });
  }

  info(message: string, fields?: LogFields): void {
    this.#parent.info(message, { ...this.#fields, ...fields });
  }

  warn(message: string, fields?: LogFields): void {
    this.#parent.warn(message, { ...this.#fields, ...fields });
  }

  error(message: string, fields?: LogFields): void {
    this.#parent.error(message, { ...this.#fields, ...fields });
  }

  child(fields: LogFields): Logger {
    return new ChildLog(this.#parent, { ...this.#fields, ...fields });
  }
}

/** Main's half: writes the line, with how late it is where main was busy. */
export const writeThreadLine = (logger: Logger, line: LogMessage, now: Millis): void => {
  const lateMs = now - line.atMs;
  logger[line.severity](line.message, lateMs > LATE_MS ? { ...line.fields, lateMs: Math.round(lateMs) } : line.fields);
};
