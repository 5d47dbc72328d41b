import { randomUUID } from 'node:crypto';
import type { Settings } from '../config/schema.ts';
import type { Millis } from '../shared/clock.ts';
import { messageOf } from '../shared/errors.ts';
import type { Logger } from '../shared/logger.ts';
import { addressView } from '../shared/redact.ts';
import type { StreamEvent } from '../sls-bridge/stream-event.ts';
import { type EventScope, eventFacts, hookTypeOf } from './hook-event.ts';
import { type Delivery, type DeliveryOutcome, HookQueue } from './hook-queue.ts';
import { postHook } from './hook-request.ts';
import { hookSignatureHeaders } from './hook-signature.ts';
import { AddressRefused, VettedLookup } from './vetted-lookup.ts';

/** One warning of a receiver in this time. */
const WARN_EVERY_MS: Millis = 60_000;

const COUNTS = ['delivered', 'failed', 'dropped'] as const;

export type HookSettings = Settings['hooks'];

export interface WebHooksDeps {
  readonly settings: HookSettings;
  readonly logger: Logger;
  readonly clock: () => Millis;
  /** Unix ms. */
  readonly unixNow: () => number;
}

/** Status of an answer as what to do next: only what may be different the next time is tried again. */
export const outcomeOf = (status: number): DeliveryOutcome => {
  if (status >= 200 && status < 300) return 'done';
  return status >= 500 || status === 408 || status === 425 || status === 429 ? 'again' : 'refused';
};

/** How the receivers of webhooks are served, all of them together. */
export interface HookFacts {
  readonly delivered: number;
  /** Given up after all tries, or refused. */
  readonly failed: number;
  /** There was no room to wait. */
  readonly dropped: number;
  readonly waiting: number;
  /** Since a receiver has taken one; undefined before the first. */
  readonly silentMs: Millis | undefined;
}

class Receiver {
  readonly queue = new HookQueue();
  deliveredMs: Millis | undefined;
  readonly #url: string;
  readonly #deps: WebHooksDeps;
  readonly #settings: () => HookSettings;
  readonly #vetted: () => VettedLookup;
  #timer: NodeJS.Timeout | undefined;
  #warnedMs = Number.NEGATIVE_INFINITY;
  #closed = false;
  #whenIdle: (() => void) | undefined;

  constructor(url: string, deps: WebHooksDeps, settings: () => HookSettings, vetted: () => VettedLookup) {
    this.#url = url;
    this.#deps = deps;
    this.#settings = settings;
    this.#vetted = vetted;
  }

  push(delivery: Delivery): void {
    if (this.queue.push(delivery, this.#settings().maxQueued, this.#deps.clock())) this.#pump();
    else this.#warn('events are not told to a hook: too many wait for it', '');
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#timer);
  }

  /** Until nothing waits any more. */
  async idle(): Promise<void> {
    if (this.queue.size > 0)
      await new Promise<void>((resolve) => {
        this.#whenIdle = resolve;
      });
  }

  #pump(): void {
    clearTimeout(this.#timer);
    if (this.#closed) return;
    const { clock } = this.#deps;
    for (let next = this.queue.take(clock()); next; next = this.queue.take(clock())) void this.#deliver(next);
    const due = this.queue.dueMs();
    if (due !== Number.POSITIVE_INFINITY) {
      this.#timer = setTimeout(() => this.#pump(), Math.max(1, due - clock()));
      this.#timer.unref();
    }
    if (this.queue.size === 0) this.#whenIdle?.();
  }

  async #deliver(delivery: Delivery): Promise<void> {
    let outcome: DeliveryOutcome;
    let why = '';
    try {
      const status = await postHook(
        { url: this.#url, headers: this.#headers(delivery), body: delivery.body },
        this.#vetted(),
      );
      outcome = outcomeOf(status);
      if (outcome === 'done') this.deliveredMs = this.#deps.clock();
      why = `answered ${status}`;
    } catch (error) {
      outcome = error instanceof AddressRefused ? 'refused' : 'again';
      why = messageOf(error);
    }
    if (this.queue.settle(delivery, outcome, this.#deps.clock()))
      this.#warn('an event could not be told to a hook', why);
    this.#pump();
  }

  /** Of each try: the timestamp, and so the signature, is of its moment. */
  #headers({ id, body }: Delivery): Record<string, string> {
    const signed = hookSignatureHeaders(this.#settings().secret, this.#deps.unixNow(), body);
    return { 'user-agent': 'tributary', 'tributary-delivery': id, ...signed };
  }

  /** A URL may hold a password or a token: its host says enough. */
  #warn(message: string, why: string): void {
    const now = this.#deps.clock();
    if (now - this.#warnedMs < WARN_EVERY_MS) return;
    this.#warnedMs = now;
    const { failed, dropped } = this.queue.counts;
    this.#deps.logger.warn(message, { host: new URL(this.#url).host, why, failed, dropped });
  }
}

/** Tells the receivers of `hooks.urls` what happens to the streams. Nothing waits for them. */
export class WebHooks {
  readonly #deps: WebHooksDeps;
  readonly #receivers = new Map<string, Receiver>();
  #settings: HookSettings;
  #vetted: VettedLookup;
  #sequence = 0;
  /** Of receivers that are gone. */
  readonly #past = { delivered: 0, failed: 0, dropped: 0 };

  constructor(deps: WebHooksDeps) {
    this.#deps = deps;
    this.#settings = deps.settings;
    this.#vetted = new VettedLookup(deps.settings.allowedNetworks);
    this.configure(deps.settings);
  }

  get settings(): HookSettings {
    return this.#settings;
  }

  /** Takes other settings. What waits for a receiver that stays goes on waiting. */
  configure(settings: HookSettings): void {
    this.#settings = settings;
    this.#vetted = new VettedLookup(settings.allowedNetworks);
    for (const [url, receiver] of this.#receivers)
      if (!settings.urls.includes(url)) {
        receiver.close();
        this.#receivers.delete(url);
        for (const key of COUNTS) this.#past[key] += receiver.queue.counts[key];
      }
    const now = { settings: () => this.#settings, vetted: () => this.#vetted };
    for (const url of settings.urls)
      if (!this.#receivers.has(url)) this.#receivers.set(url, new Receiver(url, this.#deps, now.settings, now.vetted));
    if (settings.urls.length > 0 && settings.secret === undefined)
      this.#deps.logger.warn('hooks are not signed: set hooks.secret, so that receivers can tell who calls them');
  }

  /** What was delivered, given up after all tries, and dropped because too much waited; of all receivers that there were. */
  counts(): { delivered: number; failed: number; dropped: number } {
    const sum = { ...this.#past };
    for (const { queue } of this.#receivers.values()) for (const key of COUNTS) sum[key] += queue.counts[key];
    return sum;
  }

  /** Undefined where nobody is to be told anything. */
  facts(): HookFacts | undefined {
    if (this.#receivers.size === 0) return undefined;
    const all = [...this.#receivers.values()];
    const last = Math.max(...all.map(({ deliveredMs }) => deliveredMs ?? Number.NEGATIVE_INFINITY));
    return {
      ...this.counts(),
      waiting: all.reduce((waiting, { queue }) => waiting + queue.size, 0),
      silentMs: Number.isFinite(last) ? this.#deps.clock() - last : undefined,
    };
  }

  tell(event: StreamEvent): void {
    const type = hookTypeOf(event.type);
    if (type === undefined || this.#receivers.size === 0 || !this.#settings.events.includes(type)) return;
    const id = randomUUID();
    const scope: EventScope =
      this.#settings.details === 'full' ? { ids: true, addresses: 'full' } : { ids: false, addresses: addressView() };
    // The same at each try: a receiver knows a repeated one by its id.
    const body = JSON.stringify({ id, sequence: ++this.#sequence, ...eventFacts(event, scope) });
    for (const receiver of this.#receivers.values()) receiver.push({ publisherId: event.publisherId, id, body });
  }

  /** Gives what waits this long to be delivered. */
  async stop(withinMs: Millis): Promise<void> {
    const receivers = [...this.#receivers.values()];
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, withinMs);
    });
    await Promise.race([Promise.all(receivers.map((receiver) => receiver.idle())), late]);
    clearTimeout(timer);
    for (const receiver of receivers) receiver.close();
  }
}
