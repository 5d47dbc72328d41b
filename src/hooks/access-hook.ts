import { randomUUID } from 'node:crypto';
import type { Settings } from '../config/schema.ts';
import type { Millis } from '../shared/clock.ts';
import { messageOf } from '../shared/errors.ts';
import type { Logger } from '../shared/logger.ts';
import { shortenId } from '../shared/redact.ts';
import type { AccessQuestion } from '../sls-bridge/held-callers.ts';
import type { StreamEvent } from '../sls-bridge/stream-event.ts';
import { AllowedIds, type HookVerdict } from './allowed-ids.ts';
import { type HookRequest, postHook } from './hook-request.ts';
import { hookSignatureHeaders } from './hook-signature.ts';
import { VettedLookup } from './vetted-lookup.ts';

const WARN_EVERY_MS: Millis = 60_000;
/** Callers that are in and whose end is to be told; the oldest make room. */
const MOST_CALLERS = 20_000;

type Asked = Settings['hooks'] & { readonly authUrl: string };
type Caller = Omit<AccessQuestion, 'socket'>;

export interface AccessHookDeps {
  /** As they are at the time; without an `authUrl` everybody is let in. */
  readonly settings: () => Settings['hooks'];
  readonly logger: Logger;
  readonly clock: () => Millis;
  /** Unix ms. */
  readonly unixNow: () => number;
}

/** `on_connect` and `on_close` in the query, as SLS asks (sls.md, "Webhooks"), with the id encoded. */
export const slsUrl = (base: string, event: 'on_connect' | 'on_close', caller: Caller): string => {
  const url = new URL(base);
  url.searchParams.set('on_event', event);
  url.searchParams.set('role_name', caller.role);
  url.searchParams.set('srt_url', caller.streamId);
  url.searchParams.set('remote_ip', caller.address);
  url.searchParams.set('remote_port', String(caller.port));
  return url.href;
};

/** A status as an answer: success lets in, trouble of the hook's own is none, anything else says no. SLS knows 200 alone as yes. */
export const verdictOf = (status: number, form: 'json' | 'sls'): HookVerdict => {
  if (form === 'sls' ? status === 200 : status >= 200 && status < 300) return 'allowed';
  return status >= 500 || status === 408 || status === 425 || status === 429 ? 'down' : 'denied';
};

/** Asks `hooks.authUrl` whether a caller with a known id may come in. The caller waits; packets do not. */
export class AccessHook {
  readonly #deps: AccessHookDeps;
  readonly #vetted: VettedLookup;
  readonly #allowed = new AllowedIds();
  /** Of SLS's form: whose `on_close` is due; several of one key where one has taken over from another. */
  readonly #callers = new Map<string, Caller[]>();
  #warnedMs = Number.NEGATIVE_INFINITY;

  constructor(deps: AccessHookDeps) {
    this.#deps = deps;
    this.#vetted = new VettedLookup(() => deps.settings().allowedNetworks);
    this.#warnUnsigned();
  }

  /** After the settings have changed. */
  settingsChanged(): void {
    this.#warnUnsigned();
  }

  async isAllowed(caller: Caller): Promise<boolean> {
    const { clock, logger } = this.#deps;
    const settings = this.#deps.settings();
    if (settings.authUrl === undefined) return true;
    const key = `${caller.role} ${caller.streamId}`;
    if (this.#allowed.isDenied(key, clock())) return false;
    const verdict = await this.#ask(caller, { ...settings, authUrl: settings.authUrl });
    const isIn = this.#allowed.decide(key, verdict, settings.whenDown, clock());
    if (verdict === 'down')
      logger.info('the authorisation hook has no answer, the settings decide', {
        ...{ role: caller.role, id: shortenId(caller.streamId), whenDown: settings.whenDown, isIn },
      });
    // As SLS: whoever was let in without a word of the hook is not taken back either.
    if (verdict === 'allowed' && settings.authForm === 'sls') this.#remember(caller);
    return isIn;
  }

  /** A listener of the history of streams: tells the end of who was let in, in SLS's form. One try. */
  readonly take = (event: StreamEvent): void => {
    if (event.type !== 'publisher-down' && event.type !== 'player-down') return;
    const key =
      event.type === 'publisher-down'
        ? publisherKey(event.publisherId)
        : playerKey(event.playerId, event.address, event.port);
    const callers = this.#callers.get(key);
    const caller = callers?.shift();
    if (callers?.length === 0) this.#callers.delete(key);
    if (!caller) return;
    const { authUrl } = this.#deps.settings();
    if (authUrl === undefined) return;
    const url = slsUrl(authUrl, 'on_close', caller);
    postHook({ url, headers: this.#headers(''), body: '' }, this.#vetted).catch((error: unknown) =>
      this.#warn(messageOf(error)),
    );
  };

  async #ask(caller: Caller, settings: Asked): Promise<HookVerdict> {
    try {
      const status = await postHook(this.#request(caller, settings), this.#vetted);
      const verdict = verdictOf(status, settings.authForm);
      if (verdict === 'down') this.#warn(`answered ${status}`);
      return verdict;
    } catch (error) {
      this.#warn(messageOf(error));
      return 'down';
    }
  }

  #request(caller: Caller, { authUrl, authForm }: Asked): HookRequest {
    if (authForm === 'sls') return { url: slsUrl(authUrl, 'on_connect', caller), headers: this.#headers(''), body: '' };
    const { role, streamId, address, port } = caller;
    const question = { id: randomUUID(), type: 'authorize', atMs: this.#deps.unixNow(), role, streamId, address, port };
    const body = JSON.stringify(question);
    return { url: authUrl, headers: this.#headers(body), body };
  }

  #headers(body: string): Record<string, string> {
    const { settings, unixNow } = this.#deps;
    return { 'user-agent': 'tributary', ...hookSignatureHeaders(settings().secret, unixNow(), body) };
  }

  #remember(caller: Caller): void {
    const { role, streamId, address, port } = caller;
    const key = role === 'publisher' ? publisherKey(streamId) : playerKey(streamId, address, port);
    this.#callers.set(key, [...(this.#callers.get(key) ?? []), caller]);
    if (this.#callers.size > MOST_CALLERS) this.#callers.delete(this.#callers.keys().next().value!);
  }

  #warnUnsigned(): void {
    const { authUrl, secret } = this.#deps.settings();
    if (authUrl !== undefined && secret === undefined)
      this.#deps.logger.warn('what the authorisation hook is asked is not signed: set hooks.secret');
  }

  #warn(why: string): void {
    const { clock, logger, settings } = this.#deps;
    const { authUrl } = settings();
    if (clock() - this.#warnedMs < WARN_EVERY_MS) return;
    this.#warnedMs = clock();
    logger.warn('the authorisation hook has failed', { host: authUrl && new URL(authUrl).host, why });
  }
}

const publisherKey = (publisherId: string): string => `publisher ${publisherId}`;
const playerKey = (playerId: string, address: string, port: number): string => `player ${address} ${port} ${playerId}`;
