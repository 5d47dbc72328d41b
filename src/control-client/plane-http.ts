import type { z } from 'zod';
import { errorBodySchema, INSTANCE_HEADER, NODES_PATH } from '../control-plane/protocol.ts';
import type { Millis } from '../shared/clock.ts';
import { codeOf, messageOf } from '../shared/errors.ts';
import { limitedText } from '../shared/limited-text.ts';
import { type Failure, failureOf } from './session.ts';

/** Where the plane is, and who asks. */
export interface PlaneTarget {
  /** Without a slash at its end; undefined while it is not known. */
  url(): string | undefined;
  readonly serverId: string;
  readonly nodeKey: string;
  readonly instance: string;
  /** Of Tributary. */
  readonly version: string;
}

export interface Ask<T> {
  method: 'GET' | 'POST';
  /** Behind `/api/v1/nodes`: `/register`. */
  path: string;
  body?: object;
  /** Undefined where an answer with content is none that is expected. */
  schema?: z.ZodType<T>;
  timeoutMs: Millis;
  signal: AbortSignal;
}

/** `value` is undefined for 204. */
export type PlaneAnswer<T> =
  | { ok: true; value: T | undefined }
  | { ok: false; failure: Failure; code: string | undefined; message: string };

/** 20,000 rows with every limit, and some. */
const MAX_ANSWER_BYTES = 32 * 1024 * 1024;

const away = (message: string): PlaneAnswer<never> => ({ ok: false, failure: 'away', code: undefined, message });

/** Asks the control plane. Whatever it answers, and whether it does at all, comes back as a value. */
export class PlaneHttp {
  readonly #target: PlaneTarget;

  constructor(target: PlaneTarget) {
    this.#target = target;
  }

  get serverId(): string {
    return this.#target.serverId;
  }

  async ask<T>({ method, path, body, schema, timeoutMs, signal }: Ask<T>): Promise<PlaneAnswer<T>> {
    const { nodeKey, instance, version } = this.#target;
    const base = this.#target.url();
    if (base === undefined) return away('the control plane has not said yet where it is');
    try {
      const response = await fetch(`${base}${NODES_PATH}${path}`, {
        method,
        // A key is for the plane that was set, not for whomever it points to.
        redirect: 'manual',
        signal: AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]),
        headers: {
          authorization: `Bearer ${nodeKey}`,
          [INSTANCE_HEADER]: instance,
          'user-agent': `Tributary/${version}`,
          ...(body ? { 'content-type': 'application/json' } : {}),
        },
        ...(body ? { body: JSON.stringify(body) } : {}),
      });
      const text = await limitedText(response, MAX_ANSWER_BYTES);
      if (text === undefined) return away('its answer is too long');
      if (response.status === 204 && (!schema || method === 'GET')) return { ok: true, value: undefined };
      const json = parsed(text);
      if (response.status === 200) {
        if (!schema) return { ok: true, value: undefined };
        const value = schema.safeParse(json);
        return value.success ? { ok: true, value: value.data } : away('its answer is not understood');
      }
      const error = errorBodySchema.safeParse(json).data?.error;
      return {
        ok: false,
        failure: failureOf(response.status, error?.code),
        code: error?.code,
        message: error ? `${response.status} ${error.code}: ${error.message}` : `${response.status}`,
      };
    } catch (error) {
      return away(reasonOf(error));
    }
  }
}

const parsed = (text: string): unknown => {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
};

/** `fetch failed` says nothing; its cause does. */
const reasonOf = (error: unknown): string => {
  const cause = error instanceof Error ? error.cause : undefined;
  return codeOf(cause) ?? (cause === undefined ? messageOf(error) : messageOf(cause));
};
