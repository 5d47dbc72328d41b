import type { Millis } from '../shared/clock.ts';
import { maskedAddress } from '../shared/masked-address.ts';
import type { AddressView } from '../shared/redact.ts';
import type { Callers } from './callers.ts';
import {
  advanceChecklist,
  type ChecklistMemory,
  type ChecklistReport,
  NO_MEMORY,
  STUCK_AFTER_MS,
} from './checklist.ts';
import { StreamBook, StreamRecord } from './dashboard-book.ts';
import type { DashboardDeps } from './dashboard-deps.ts';
import { EventFeed, eventViews } from './dashboard-events.ts';
import { DashboardFeed } from './dashboard-feed.ts';
import { PublisherIndex } from './dashboard-index.ts';
import type { EventView, HistoryView, LiveView, SharedView, StreamView, TrailsView } from './dashboard-types.ts';
import { labelOf, sharedStreamView, streamView } from './dashboard-view.ts';
import { qualityView } from './quality-view.ts';

/** Pages get a message at each of these. */
const TICK_MS: Millis = 500;
/** Without pages the node is looked at every so many ticks: for the history, whose steps must not be missed. */
const TICKS_ALONE = 3;
const CHECKLIST_EVERY_MS: Millis = 1_000;
/** Shared pages show so many. */
const SHARED_EVENTS = 12;

/** Subject of pages that see every stream, by how they see addresses; others see the stream with the SHA-256 that is their subject. */
export const everything = (addresses: AddressView): string => `*${addresses}`;

/** What the dashboard knows of the node: looks at it twice a second, and tells the pages. */
export class DashboardState {
  readonly book = new StreamBook();
  readonly index: PublisherIndex;
  readonly feed: DashboardFeed;
  readonly #deps: DashboardDeps;
  readonly #events = new EventFeed();
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
    this.feed = new DashboardFeed(callers, () => deps.settings.dashboard.maxPages);
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
    this.feed.send((subject) =>
      subject.startsWith('*') ? this.live(subject.slice(1) as AddressView) : this.sharedLive(subject),
    );
  }

  look(): void {
    const { snapshot, clock, linkNames } = this.#deps;
    const [now, seen] = [clock(), snapshot()];
    this.#lookMs = now;
    this.book.observe(seen, linkNames, now);
    this.book.record(now);
    if (now - this.#reportMs < CHECKLIST_EVERY_MS && this.#report) return;
    const { memory, report } = advanceChecklist(this.#memory, seen, now);
    [this.#memory, this.#report, this.#reportMs] = [memory, report, now];
  }

  live(addresses: AddressView): LiveView {
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
      streams: this.book.records.filter(({ isThere }) => isThere).map((record) => this.#view(record, addresses)),
      checklist: { step, text, causes: stuck ? causes : [], forMs: Math.round(forMs) },
      events: this.#events.latest(addresses, this.#from(addresses)),
    };
  }

  /** What a page begins with. */
  trails(subject: string): TrailsView {
    const publisherId = this.index.withDigest(subject);
    const records = this.book.records.filter((record) => record.isThere);
    return (subject.startsWith('*') ? records : records.filter((record) => record.publisherId === publisherId)).map(
      (record) => this.book.trail(record),
    );
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
      ...(record?.isThere ? { stream: sharedStreamView(this.#view(record, 'prefix')) } : {}),
      events: eventViews(events.of(publisherId).slice(-SHARED_EVENTS), nobody),
    };
  }

  /** Without values for a stream that nobody has looked at yet. */
  history(publisherId: string): HistoryView {
    const record = this.book.of(publisherId) ?? new StreamRecord(publisherId);
    return this.book.history(record, this.#deps.unixNow());
  }

  eventsOf(publisherId: string, addresses: AddressView): EventView[] {
    return eventViews(this.#deps.events.of(publisherId), this.#from(addresses));
  }

  /** An address with its carrier, where that is known. */
  #from(addresses: AddressView): (address: string) => string {
    return (address) => {
      const label = this.#deps.carriers.of(address)?.label;
      const shown = maskedAddress(address, addresses);
      return label === undefined ? shown : `${label} (${shown})`;
    };
  }

  #view(record: StreamRecord, addresses: AddressView): StreamView {
    const { directory, quality, clock } = this.#deps;
    return streamView(
      ...([record, directory, this.#lookMs, addresses] as const),
      qualityView(quality(record.publisherId), clock()),
    );
  }
}
