import type { PublisherSnapshot } from '../data-plane/snapshot.ts';
import { formatEndpoint } from '../shared/address.ts';
import type { Millis } from '../shared/clock.ts';
import type { StreamDirectory } from '../sls-bridge/directory.ts';
import type { StreamRecord } from './dashboard-book.ts';
import type { LinkSlot } from './dashboard-links.ts';
import type { LinkView, PlayerView, StreamView } from './dashboard-types.ts';
import { sharePercentages } from './shares.ts';
import { shortenId } from '../shared/redact.ts';
import { shown } from './timeline.ts';

/** What of a carrier is shown. */
export interface ShownCarrier {
  readonly label: string;
  readonly kind: LinkView['kind'];
  readonly country?: string;
}
export type CarrierOf = (address: string) => ShownCarrier | undefined;

/** A keepalive comes every second or so: a link that is silent for longer has trouble. */
const UNHEARD_AFTER_MS: Millis = 3_000;

const tenth = (value: number): number => Math.round(value * 10) / 10;
const known = (value: number | undefined): number | null => (value === undefined ? null : tenth(value));

/** The name that people have given the stream. */
export const labelOf = (directory: StreamDirectory, publisherId: string): string | undefined => {
  const rows = directory.playersOf(publisherId);
  return rows.find(({ label }) => label)?.label ?? rows.find(({ description }) => description)?.description;
};

/** The carrier where it is known, with the number of the lane where it alone would not tell links apart. */
export const slotLabels = (slots: readonly LinkSlot[], carrierOf: CarrierOf): Map<number, string> => {
  const labels = slots.map(({ slot, address }) => [slot, carrierOf(address)?.label] as const);
  const count = (label: string): number => labels.filter(([, other]) => other === label).length;
  return new Map(
    labels.map(([slot, label]) => {
      if (label === undefined) return [slot, `Link ${slot + 1}`];
      return [slot, count(label) > 1 ? `${label} ${slot + 1}` : label];
    }),
  );
};

const linkViews = (record: StreamRecord, now: Millis, carrierOf: CarrierOf): LinkView[] => {
  const slots = record.slots.shown(now);
  const labels = slotLabels(record.slots.all, carrierOf);
  const isThere = (slot: LinkSlot): boolean => slot.seenMs >= now;
  const kbps = slots.map((slot) => (isThere(slot) ? slot.link.bitrate1sKbps : 0));
  const shares = sharePercentages(kbps);
  return slots.map((one, index) => {
    const { link, slot, address, port, seenMs } = one;
    const carrier = carrierOf(address);
    const gone = !isThere(one);
    const lastHeardMs = Math.round(link.lastHeardMs + (now - seenMs));
    return {
      slot,
      label: labels.get(slot) ?? `Link ${slot + 1}`,
      kind: carrier?.kind ?? 'unknown',
      ...(carrier?.country === undefined ? {} : { country: carrier.country }),
      address: formatEndpoint(address, port),
      state: gone ? 'gone' : link.state === 'quiet' || lastHeardMs > UNHEARD_AFTER_MS ? 'quiet' : 'active',
      share: shares[index]!,
      kbps: Math.round(kbps[index]!),
      rttMs: known(link.roundTrip?.ms),
      jitterMs: known(link.jitterMs),
      lossPct: tenth(one.meter.rates.lossPct),
      lastHeardMs,
      uptimeMs: Math.round(link.uptimeMs),
    };
  });
};

const stateOf = (publisher: PublisherSnapshot | undefined): StreamView['state'] => {
  if (!publisher) return 'waiting';
  const seen = shown(publisher);
  return seen && !seen.stalled ? 'live' : 'stalled';
};

/** A stream as of the last look. @param now of that look */
export const streamView = (
  record: StreamRecord,
  directory: StreamDirectory,
  now: Millis,
  carrierOf: CarrierOf,
): StreamView => {
  const { publisher, players, meter } = record;
  const { lossPct, resentPct, dropped } = publisher ? meter.rates : { lossPct: 0, resentPct: 0, dropped: 0 };
  const label = labelOf(directory, record.publisherId);
  return {
    name: record.name,
    ...(label === undefined ? {} : { label }),
    state: stateOf(publisher),
    ...(publisher ? { source: publisher.source } : {}),
    encrypted: publisher?.encrypted ?? false,
    kbps: Math.round((publisher && shown(publisher)?.bitrateKbps) ?? 0),
    rttMs: tenth(publisher?.stats.rttMs ?? 0),
    lossPct: tenth(lossPct),
    dropped,
    resentPct: tenth(resentPct),
    bufferMs: Math.round(publisher?.stats.rcvBufMs ?? 0),
    latencyMs: Math.round(publisher?.latencyMs ?? 0),
    uptimeMs: Math.round(publisher?.uptimeMs ?? 0),
    players: players.filter(({ state }) => state !== 'waiting').length,
    waiting: players.filter(({ state }) => state === 'waiting').length,
    warnings: publisher?.warnings ?? [],
    links: publisher ? linkViews(record, now, carrierOf) : [],
  };
};

/** For whoever has a link to this stream only: no addresses. */
export const sharedStreamView = ({ links, ...stream }: StreamView): StreamView => ({
  ...stream,
  links: links.map(({ address: _address, ...link }) => link),
});

export const playerViews = ({ players }: StreamRecord): PlayerView[] =>
  players.map((one) => ({
    key: one.key,
    player: shortenId(one.playerId),
    address: formatEndpoint(one.address, one.port),
    state: one.state,
    uptimeMs: Math.round(one.uptimeMs),
    latencyMs: Math.round(one.latencyMs),
    rttMs: tenth(one.stats.rttMs),
    bufferMs: Math.round(one.stats.sndBufMs),
    sentMessages: one.sentMessages,
    droppedMessages: one.droppedMessages,
    resentPackets: one.stats.pktRetransTotal,
    mbps: tenth(one.stats.sendRateMbps),
  }));
