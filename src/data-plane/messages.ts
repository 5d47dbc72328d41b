import { codeOf, type ErrorCode, messageOf, TributaryError } from '../shared/errors.ts';
import type { AccessRow } from '../sls-bridge/access.ts';
import type { AccessQuestion } from '../sls-bridge/held-callers.ts';
import type { EventsMessage } from './event-outlet.ts';
import type { RosterMessage } from './roster.ts';
import type { DataPlaneSettings } from './settings.ts';
import type { DataPlaneSnapshot } from './snapshot.ts';
import type { LogMessage } from './thread-log.ts';

/** What the data-plane thread is started with. */
export interface ThreadStart {
  settings: DataPlaneSettings;
  rows: readonly AccessRow[];
  /** No new publisher is admitted. */
  draining: boolean;
  /** See counter-layout.ts. */
  memory: SharedArrayBuffer;
  /** `hook` messages are obeyed. */
  testHooks: boolean;
}

/** Ways in which the thread can be made to fail, for tests. */
export const THREAD_FAULTS = ['throw', 'exit', 'hang'] as const;
export type ThreadFault = (typeof THREAD_FAULTS)[number];

/** Main → thread. */
export type ThreadCommand =
  | { type: 'add-row'; row: AccessRow }
  | { type: 'update-row'; row: AccessRow }
  | { type: 'remove-row'; row: AccessRow }
  | { type: 'kick-publisher'; publisherId: string }
  | { type: 'kick-players'; playerId: string }
  | { type: 'kick-socket'; key: string }
  | { type: 'drain'; on: boolean }
  /** Ports, buffers and whatever else is fixed at the start are left as they are. */
  | { type: 'settings'; settings: DataPlaneSettings }
  /** To a question. */
  | { type: 'answer'; socket: number; isAllowed: boolean }
  /** Answered with `synced` once every command before it is in effect. */
  | { type: 'sync'; id: number }
  | { type: 'stop' }
  | { type: 'hook'; fault: ThreadFault };

/** What stays as it is while the thread lives. */
export type ThreadFacts = Pick<DataPlaneSnapshot, 'srtVersion' | 'ports'>;

/** Thread → main. `started` or `failed` is the first, and `failed` the last. */
export type ThreadReport =
  | { type: 'started'; facts: ThreadFacts }
  | { type: 'failed'; error: PortableError }
  | { type: 'synced'; id: number }
  /** `answer` has to follow. */
  | { type: 'question'; question: AccessQuestion }
  | RosterMessage
  | EventsMessage
  | LogMessage;

/** An error as plain values: what crosses threads loses its class and the fields that are not Error's own. */
export interface PortableError {
  /** Of a `TributaryError`. */
  code: ErrorCode | undefined;
  message: string;
  mend: string | undefined;
  stack: string | undefined;
  causeCode: string | undefined;
  cause: string | undefined;
}

export const portableError = (error: unknown): PortableError => {
  const known = error instanceof TributaryError ? error : undefined;
  const cause = error instanceof Error ? error.cause : undefined;
  return {
    code: known?.code,
    message: messageOf(error),
    mend: known?.mend,
    stack: error instanceof Error ? error.stack : undefined,
    causeCode: codeOf(cause),
    cause: cause === undefined ? undefined : messageOf(cause),
  };
};

/** The error again, a `TributaryError` where it was one; with the stack of its origin. */
export const revivedError = (from: PortableError): Error => {
  const cause =
    from.cause === undefined
      ? undefined
      : Object.assign(new Error(from.cause), from.causeCode === undefined ? {} : { code: from.causeCode });
  const error =
    from.code === undefined
      ? new Error(from.message, cause === undefined ? undefined : { cause })
      : new TributaryError(from.code, from.message, from.mend, cause);
  if (from.stack !== undefined) error.stack = from.stack;
  return error;
};
