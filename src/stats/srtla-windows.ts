import type { DataPlaneSnapshot, PublisherSnapshot } from '../data-plane/snapshot.ts';
import { LinkBandwidth } from '../quality/link-capacity.ts';
import type { Millis } from '../shared/clock.ts';
import type { GroupSnapshot, LinkSnapshot } from '../srtla/types.ts';
import { streamParts } from './metrics-view.ts';

/** Looks, one a second, over which packets are counted. */
export const WINDOW_S = 10;
/** A link is active that has sent anything within this. */
const HEARD_WITHIN_MS: Millis = 3_000;
/** libsrt says 100 ms before it has measured a round trip. */
const MEASURED_AFTER_MS: Millis = 2_000;

/** A link of a stream in the last ten seconds. */
export interface LinkWindow {
  /** From 1; stays while the stream lasts. */
  readonly id: number;
  readonly address: string;
  readonly sentPackets: number;
  readonly receivedPackets: number;
  readonly lostPackets: number;
  readonly rttMs: Millis | undefined;
  readonly rttSource: 'sender' | 'srt' | 'none';
  /** What it can carry where its sender tells, and at least what it carries. */
  readonly kbps: number;
  readonly kbpsSource: 'sender' | 'received';
  readonly windowPackets: number | undefined;
  /** Heard, and with a round trip that was measured. */
  readonly isActive: boolean;
}

export interface StreamWindow {
  readonly publisher: PublisherSnapshot;
  readonly links: readonly LinkWindow[];
  /** Taken for lost, and came after all. */
  readonly latePackets: number;
}

/** Differences of counters over the window; they begin anew where one of them falls. */
class Window<T extends string> {
  readonly #looks: Readonly<Record<T, number>>[] = [];

  take(now: Readonly<Record<T, number>>): Record<T, number> {
    const last = this.#looks.at(-1);
    const names = Object.keys(now) as T[];
    if (last && names.some((name) => now[name] < last[name])) this.#looks.length = 0;
    this.#looks.push(now);
    if (this.#looks.length > WINDOW_S + 1) this.#looks.shift();
    const first = this.#looks[0]!;
    return Object.fromEntries(names.map((name) => [name, now[name] - first[name]])) as Record<T, number>;
  }
}

interface LinkEntry {
  readonly id: number;
  readonly window: Window<'received' | 'lost'>;
  readonly bandwidth: LinkBandwidth;
}

interface StreamEntry {
  readonly links: Map<string, LinkEntry>;
  readonly losses: Window<'lost' | 'late'>;
  lastId: number;
  shown: StreamWindow;
}

/**
 * What is counted from the total that no single link can be blamed for: in proportion to what each has brought, whole numbers that add up.
 */
const spread = (total: number, by: readonly number[]): number[] => {
  const sum = by.reduce((a, b) => a + b, 0);
  let left = total;
  let weight = sum;
  return by.map((one, index) => {
    const isLast = index === by.length - 1;
    const part = isLast ? left : weight > 0 ? Math.round((left * one) / weight) : 0;
    left -= part;
    weight -= one;
    return part;
  });
};

const roundTripOf = (link: LinkSnapshot | undefined, { stats, uptimeMs }: PublisherSnapshot) => {
  if (link?.roundTrip)
    return { rttMs: link.roundTrip.ms, rttSource: link.roundTrip.source === 'srt' ? 'srt' : 'sender' } as const;
  if (stats.rttMs > 0 && uptimeMs >= MEASURED_AFTER_MS) return { rttMs: stats.rttMs, rttSource: 'srt' } as const;
  return { rttMs: undefined, rttSource: 'none' } as const;
};

/** The last ten seconds of each live stream and its links. To be told once a second. Pure. */
export class SrtlaWindows {
  readonly #streams = new Map<string, StreamEntry>();

  /** Undefined where nobody publishes it. */
  of(publisherId: string): StreamWindow | undefined {
    return this.#streams.get(publisherId)?.shown;
  }

  /** The one that has connected last. */
  latest(): { publisherId: string; window: StreamWindow } | undefined {
    let latest: { publisherId: string; window: StreamWindow } | undefined;
    for (const [publisherId, { shown }] of this.#streams)
      if (!latest || shown.publisher.uptimeMs < latest.window.publisher.uptimeMs)
        latest = { publisherId, window: shown };
    return latest;
  }

  look(snapshot: DataPlaneSnapshot): void {
    const live = streamParts(snapshot);
    for (const id of this.#streams.keys()) if (!live.get(id)?.publisher) this.#streams.delete(id);
    for (const [id, { publisher, group }] of live) {
      if (!publisher) continue;
      let entry = this.#streams.get(id);
      if (!entry) {
        const shown = { publisher, links: [], latePackets: 0 };
        entry = { links: new Map(), losses: new Window(), lastId: 0, shown };
        this.#streams.set(id, entry);
      }
      entry.shown = look(entry, publisher, publisher.source === 'srtla' ? group : undefined);
    }
  }
}

const look = (entry: StreamEntry, publisher: PublisherSnapshot, group: GroupSnapshot | undefined): StreamWindow => {
  const { stats } = publisher;
  const exact = group?.lossesExact ? group.losses : undefined;
  const losses = entry.losses.take({
    lost: exact ? exact.lost - exact.falselyLost : stats.pktRcvLossTotal,
    late: exact ? exact.falselyLost : stats.pktRcvBelatedTotal,
  });
  const links = group ? bonded(entry, publisher, group) : [plain(entry, publisher)];
  const blamed = links.reduce((sum, { lostPackets }) => sum + lostPackets, 0);
  const others = spread(
    Math.max(0, losses.lost - blamed),
    links.map(({ receivedPackets }) => receivedPackets),
  );
  return {
    publisher,
    links: links.map((link, index) => {
      const lostPackets = link.lostPackets + others[index]!;
      return { ...link, lostPackets, sentPackets: link.receivedPackets + lostPackets };
    }),
    latePackets: losses.late,
  };
};

const entryOf = (stream: StreamEntry, name: string): LinkEntry => {
  let entry = stream.links.get(name);
  if (!entry) {
    entry = { id: ++stream.lastId, window: new Window(), bandwidth: new LinkBandwidth() };
    stream.links.set(name, entry);
  }
  return entry;
};

const bonded = (stream: StreamEntry, publisher: PublisherSnapshot, { links }: GroupSnapshot): LinkWindow[] => {
  const names = new Set(links.map(({ address, port }) => `${address} ${port}`));
  for (const name of stream.links.keys()) if (!names.has(name)) stream.links.delete(name);
  return links.map((link) => {
    const { id, window, bandwidth } = entryOf(stream, `${link.address} ${link.port}`);
    const lost = Math.max(0, link.lostPackets - link.falselyLostPackets);
    const counts = window.take({ received: link.dataPackets, lost });
    const told = bandwidth.look(link);
    const roundTrip = roundTripOf(link, publisher);
    return {
      ...{ id, address: link.address, sentPackets: 0, receivedPackets: counts.received, lostPackets: counts.lost },
      ...roundTrip,
      kbps: Math.max(link.bitrateKbps, told?.kbps ?? 0),
      kbpsSource: told ? 'sender' : 'received',
      windowPackets: link.telemetry?.windowPackets,
      isActive: link.lastHeardMs < HEARD_WITHIN_MS && roundTrip.rttMs !== undefined,
    };
  });
};

/** A stream without SRTLA is one link. */
const plain = (stream: StreamEntry, publisher: PublisherSnapshot): LinkWindow => {
  const { id, window } = entryOf(stream, 'plain');
  const { received } = window.take({ received: publisher.stats.pktRecvTotal, lost: 0 });
  const roundTrip = roundTripOf(undefined, publisher);
  return {
    ...{ id, address: publisher.address, sentPackets: 0, receivedPackets: received, lostPackets: 0 },
    ...roundTrip,
    ...{ kbps: publisher.meanKbps2s, kbpsSource: 'received', windowPackets: undefined },
    isActive: publisher.lastPayloadMs < HEARD_WITHIN_MS && roundTrip.rttMs !== undefined,
  };
};
