import type { Millis } from '../shared/clock.ts';
import { advanceChecklist, type ChecklistMemory, type ChecklistReport, NO_MEMORY, STUCK_AFTER_MS } from './checklist.ts';
import { StreamBook, type StreamRecord } from './dashboard-book.ts';
import type { DashboardDeps } from './dashboard-deps.ts';
import { EventFeed, eventViews } from './dashboard-events.ts';
import { DashboardFeed } from './dashboard-feed.ts';
import { PublisherIndex } from './dashboard-index.ts';
import type { EventView, HistoryView, LiveView, SharedView, StreamView } from './dashboard-types.ts';
import { labelOf, sharedStreamView, slotLabels, streamView } from './dashboard-view.ts';
import type { Callers } from './callers.ts';

/** Pages get a message at each of these. */
const TICK_MS: Millis = 500;
/** Without pages the node is looked at every so many ticks: for the history. */
const TICKS_ALONE = 4;
const CHECKLIST_EVERY_MS: Millis = 1_000;
/** Shared pages show so many. */
const SHARED_EVENTS = 12;

/** Subject of pages that see everything; others see the stream with the SHA-256 that is their subject. */
export const EVERYTHING = '*';

/** What the dashboard knows of the node: looks at it twice a second, and tells the pages. */
export class DashboardState {
  readonly book = new StreamBook();
  readonly index: PublisherIndex;
  readonly feed: DashboardFeed;
  readonly #deps: DashboardDeps;
  readonly #events: EventFeed;
  #memory: ChecklistMemory = NO_MEMORY;
  #report: ChecklistReport | undefined;
  #reportMs = Number.NEGATIVE_INFINITY;
  #timer: NodeJS.Timeout | undefined;
  #unsubscribe: () => void = () => {};
  #ticks = 0;
  #lookMs = 0;

  constructor(deps: DashboardDeps, callers: Callers) {
    this.#deps = deps;
    this.index = new PublisherIndex(deps.directory);
    this.feed = new DashboardFeed(callers, deps.settings.dashboard.maxPages);
    this.#events = new EventFeed(this.#carrierOrAddress);
  }

  start(): void {
    this.#unsubscribe = this.#deps.events.onEvent((event) => this.#events.add(event));
    this.#timer = setInterval(() => this.tick(), TICK_MS).unref();
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#unsubscribe();
    this.feed.close();
  }

  tick(): void {
    if (this.feed.pages === 0 && this.#ticks++ % TICKS_ALONE !== 0) return;
    this.look();
    this.feed.send((subject) => (subject === EVERYTHING ? this.live() : this.sharedLive(subject)));
  }

  look(): void {
    const { snapshot, clock } = this.#deps;
    const [now, seen] = [clock(), snapshot()];
    this.#lookMs = now;
    this.book.observe(seen, now);
    this.book.record(now);
    if (now - this.#reportMs < CHECKLIST_EVERY_MS && this.#report) return;
    const { memory, report } = advanceChecklist(this.#memory, seen, now);
    [this.#memory, this.#report, this.#reportMs] = [memory, report, now];
  }

  live(): LiveView {
    const { snapshot, unixNow, watch } = this.#deps;
    const { uptimeMs, counters } = snapshot();
    const { step = 'waiting', text = '', causes = [], forMs = 0 } = this.#report ?? {};
    // Where something stands still for long, the causes help; before that they would alarm.
    const stuck = step === 'refused' || step === 'packets' || forMs >= STUCK_AFTER_MS;
    return {
      atMs: Math.round(unixNow()),
      uptimeMs: Math.round(uptimeMs),
      up: counters.dataPlaneUp !== 0,
      draining: watch.draining,
      streams: this.book.records.filter(({ isThere }) => isThere).map((record) => this.#view(record)),
      checklist: { step, text, causes: stuck ? causes : [], forMs: Math.round(forMs) },
      events: this.#events.latest,
    };
  }

  /** @param subject SHA-256 of a publisher id */
  sharedLive(subject: string): SharedView | undefined {
    const { directory, events, unixNow } = this.#deps;
    const publisherId = this.index.withDigest(subject);
    if (publisherId === undefined || !directory.hasPublisher(publisherId)) return undefined;
    const record = this.book.of(publisherId);
    const nobody = (): string => '';
    return {
      atMs: Math.round(unixNow()),
      title: labelOf(directory, publisherId) ?? 'Stream',
      ...(record?.isThere ? { stream: sharedStreamView(this.#view(record)) } : {}),
      events: eventViews(events.of(publisherId).slice(-SHARED_EVENTS), nobody),
    };
  }

  history(publisherId: string): HistoryView | undefined {
    const record = this.book.of(publisherId);
    if (!record) return undefined;
    const labels = slotLabels(record.slots.all, this.#deps.carrierOf);
    return this.book.history(record, this.#deps.unixNow(), (slot) => labels.get(slot) ?? `Link ${slot + 1}`);
  }

  eventsOf(publisherId: string): EventView[] {
    return eventViews(this.#deps.events.of(publisherId), this.#carrierOrAddress);
  }

  readonly #carrierOrAddress = (address: string): string => {
    const carrier = this.#deps.carrierOf(address)?.label;
    return carrier === undefined ? address : `${carrier} (${address})`;
  };

  #view(record: StreamRecord): StreamView {
    const { directory, carrierOf } = this.#deps;
    return streamView(record, directory, this.#lookMs, carrierOf);
  }
}
