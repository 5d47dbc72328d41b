import type { PublisherSnapshot } from '../data-plane/snapshot.ts';
import { formatEndpoint } from '../shared/address.ts';
import type { Millis } from '../shared/clock.ts';
import { maskedAddress } from '../shared/masked-address.ts';
import { type AddressView, shortenId } from '../shared/redact.ts';
import type { StreamDirectory } from '../sls-bridge/directory.ts';
import type { StreamRecord } from './dashboard-book.ts';
import type { LinkSlot } from './dashboard-links.ts';
import type { LinkView, PlayerView, StreamView } from './dashboard-types.ts';
import { carrierFields, type NamedLink } from './link-names.ts';
import type { QualityView } from './quality-view.ts';
import { sharePercentages } from './shares.ts';
import { shown } from './timeline.ts';

/** A keepalive comes every second or so: a link that is silent for longer has trouble. */
const UNHEARD_AFTER_MS: Millis = 3_000;

const tenth = (value: number): number => Math.round(value * 10) / 10;
const known = (value: number | undefined): number | null => (value === undefined ? null : tenth(value));

/** The name that people have given the stream. */
export const labelOf = (directory: StreamDirectory, publisherId: string): string | undefined =>
  directory.playersOf(publisherId).find(({ label }) => label !== undefined)?.label;

const linkName = (named: NamedLink): Pick<LinkView, 'label' | 'kind' | 'country'> => {
  const { asn: _asn, ...shownFields } = carrierFields(named);
  return shownFields;
};

const linkViews = (record: StreamRecord, now: Millis, addresses: AddressView): LinkView[] => {
  const slots = record.slots.shown(now);
  const isThere = (slot: LinkSlot): boolean => slot.seenMs >= now;
  const kbps = slots.map((slot) => (isThere(slot) ? slot.link.bitrate1sKbps : 0));
  const shares = sharePercentages(kbps);
  return slots.map((one, index) => {
    const { link, slot, address, port, seenMs, named } = one;
    const gone = !isThere(one);
    const lastHeardMs = Math.round(link.lastHeardMs + (now - seenMs));
    return {
      slot,
      ...linkName(named),
      address: formatEndpoint(maskedAddress(address, addresses), port),
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

const shownQuality = ({ level, advice, state, reason }: QualityView): NonNullable<StreamView['quality']> => ({
  ...{ level, advice, state, reason },
});

/** A stream as of the last look. @param now of that look @param addresses how those of clients are shown */
export const streamView = (
  record: StreamRecord,
  directory: StreamDirectory,
  now: Millis,
  addresses: AddressView,
  quality?: QualityView | undefined,
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
    ...(publisher && quality ? { quality: shownQuality(quality) } : {}),
    links: publisher ? linkViews(record, now, addresses) : [],
  };
};

/** For whoever has a link to this stream only: no addresses. */
export const sharedStreamView = ({ links, ...stream }: StreamView): StreamView => ({
  ...stream,
  links: links.map(({ address: _address, ...link }) => link),
});

export const playerViews = ({ players }: StreamRecord, addresses: AddressView): PlayerView[] =>
  players.map((one) => ({
    key: one.key,
    player: shortenId(one.playerId),
    address: formatEndpoint(maskedAddress(one.address, addresses), one.port),
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
