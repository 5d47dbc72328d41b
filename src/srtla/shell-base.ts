import { messageOf } from '../shared/errors.ts';
import type { Logger } from '../shared/logger.ts';
import { SessionNames } from './session-names.ts';
import type { SessionId, SrtlaEvent } from './types.ts';

export interface ShellBaseOptions {
  logger: Logger;
  onEvent?: (event: SrtlaEvent) => void;
}

/** What the shells have in common, whatever they do UDP with: events of the core, and the names that these tell. */
export abstract class ShellBase {
  /** Ports in the order asked for, with the real number where it was 0. */
  readonly ports: number[] = [];
  readonly #logger: Logger;
  readonly #onEvent: ((event: SrtlaEvent) => void) | undefined;
  readonly #names = new SessionNames();

  protected constructor({ logger, onEvent }: ShellBaseOptions) {
    this.#logger = logger;
    this.#onEvent = onEvent;
  }

  groupOfSession(session: SessionId): string | undefined {
    return this.#names.groupOf(session);
  }

  groupOfServerSocket(id: number): string | undefined {
    return this.#names.groupOfServerSocket(id);
  }

  event(event: SrtlaEvent): void {
    this.#names.learn(event);
    try {
      this.#onEvent?.(event);
    } catch (error) {
      // A fault of the listener must not unwind the packet path.
      this.#logger.error('an SRTLA event listener failed', { event: event.type, error: messageOf(error) });
    }
  }
}
